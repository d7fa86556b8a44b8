// The key record that verifiers look up in the DNS (RFC 6376 section 3.6, RFC 8463): writing
// the one of a key, reading the one that is there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/signing_key.hpp"

namespace postern::mail {

/// "SELECTOR._domainkey.DOMAIN"
std::string dkim_record_name(std::string_view selector, std::string_view domain);
/// "v=DKIM1; k=rsa; p=..."
std::string dkim_record(signing_key const& key);
/// In pieces of up to 255 octets: the strings of a TXT record.
std::vector<std::string> record_strings(std::string_view record);

struct dkim_key_record {
    std::string type = "rsa";  // k=
    std::string key;           // p=, decoded; empty: revoked
    bool testing = false;      // t=y: verifiers treat failures as if there were no signature
    bool sha256 = true;        // h=, if there, has it
};

/// Nothing when a verifier could not use it.
std::optional<dkim_key_record> parse_dkim_record(std::string_view text);

/// A selector: labels of letters, digits and hyphens, lower-cased, or nothing.
std::optional<std::string> parse_selector(std::string_view text);

}  // namespace postern::mail
