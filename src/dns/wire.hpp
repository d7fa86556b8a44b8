// The pieces of DNS records (RFC 1035 section 3.3) that we read ourselves: uncompressed
// record data, as libunbound hands it out. Bounded; what is malformed gives nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ip.hpp"
#include "dns/resolver.hpp"

namespace postern::dns {

/// A domain name in wire form, all of `data`: lower-case, labels joined by dots, no trailing
/// dot; empty for the root. Octets other than letters, digits, hyphen and underscore give
/// nothing: no mail host has them.
std::optional<std::string> parse_name(std::string_view data);
std::optional<mx_record> parse_mx(std::string_view data);
/// The strings of a TXT record, joined.
std::optional<std::string> parse_txt(std::string_view data);
std::optional<tlsa_record> parse_tlsa(std::string_view data);
std::optional<srv_record> parse_srv(std::string_view data);
std::optional<caa_record> parse_caa(std::string_view data);
std::optional<ip_address> parse_a(std::string_view data);
std::optional<ip_address> parse_aaaa(std::string_view data);

/// What needs no question: an address as text, with or without brackets of a literal
/// ("[192.0.2.1]", "[ipv6:2001:db8::1]"), or a loopback name.
std::optional<address_answer> answer_without_question(std::string_view name);

}  // namespace postern::dns
