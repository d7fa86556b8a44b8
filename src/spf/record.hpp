// What a domain's SPF record says (RFC 7208 sections 4.6 and 7.1): the parser of what strangers publish.
// What it means for a client is not found out here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "mail/authentication.hpp"

namespace postern::spf {

/// Longer records are an error: what is usual has 512 octets at most (section 3.4).
inline constexpr std::size_t longest_record = 8192;

enum class mechanism : std::uint8_t { all, include, a, mx, ptr, ip4, ip6, exists };

struct directive {
    mail::auth_result then = mail::auth_result::pass;  // when it matches
    mechanism what = mechanism::all;
    std::string domain;  // with its macros; empty: the domain that is asked about
    ip_address address;  // of ip4 and ip6
    unsigned v4_prefix = 32, v6_prefix = 128;
};

struct record {
    std::vector<directive> directives;
    std::string redirect;  // empty: there is none
};

/// Whether a TXT record is one of SPF at all (section 4.5).
bool is_record(std::string_view text) noexcept;
/// Of what is_record(); nothing when there is an error anywhere in it.
std::optional<record> parse(std::string_view text);

}  // namespace postern::spf
