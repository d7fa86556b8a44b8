// CRAM-MD5, RFC 2195: the server asks with a text that it never used before, the client
// answers with the text's HMAC-MD5. The server has to keep what is as good as the password
// for this mechanism, so only accounts that opted in can use it. Both halves.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sasl/client_mechanism.hpp"
#include "sasl/mechanism.hpp"

namespace postern::sasl {

/// What an account that opted in keeps: 32 octets (base/hmac_md5.hpp). Whoever reads them
/// can log in by CRAM-MD5 until the password is changed.
secret make_cram_secret(std::string_view password);

std::unique_ptr<server_mechanism> make_cram_md5_server(server_options const& options);
/// The same with a challenge that tests choose.
std::unique_ptr<server_mechanism> make_cram_md5_server(std::string challenge);
std::unique_ptr<client_mechanism> make_cram_md5_client(client_credentials credentials);

}  // namespace postern::sasl
