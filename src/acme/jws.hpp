// What is sent to a certificate authority: JSON, signed (RFC 8555 section 6.2, RFC 7515 section 7.2.2). Pure.
#pragma once

#include <string>
#include <string_view>

#include "acme/key.hpp"

namespace postern::acme {

/// `account`: its URL; empty: the key itself stands in the header, as for a new account. `payload`: JSON, or "" to
/// read something (POST-as-GET, RFC 8555 section 6.3).
std::string signed_request(ec_key const& key, std::string_view account, std::string_view url, std::string_view nonce,
                           std::string_view payload);

/// External Account Binding (RFC 8555 section 7.3.4): the account's public key, vouched for (HS256) with the key that the
/// authority gave to its customer. `mac_key`: octets.
std::string external_binding(ec_key const& account_key, std::string_view key_id, std::string_view mac_key,
                             std::string_view new_account_url);

}  // namespace postern::acme
