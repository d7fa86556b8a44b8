// Where a domain wants reports about TLS (RFC 8460 section 3): the TXT record, and the addresses
// in it. Bounded; sends nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/address.hpp"

namespace postern::mail {

struct tlsrpt_record {
    std::vector<mailbox> mail;     // rua=mailto:
    std::vector<std::string> web;  // rua=https:
};

/// "_smtp._tls.example.com"
std::string tlsrpt_record_name(std::string_view domain);
/// Of a domain's TXT records exactly one may be of this kind. Nothing: it wants no reports, or
/// says nothing that could be understood about where to.
std::optional<tlsrpt_record> parse_tlsrpt_record(std::vector<std::string> const& records);

}  // namespace postern::mail
