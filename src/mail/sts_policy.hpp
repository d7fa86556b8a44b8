// What a domain says about the servers that take its mail (MTA-STS, RFC 8461): the TXT record
// that announces a policy, and the policy itself. Bounded; fetches nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::mail {

enum class sts_mode : std::uint8_t { none, testing, enforce };

struct sts_policy {
    sts_mode mode = sts_mode::none;
    std::vector<std::string> mx;  // lower-case; "*.example.net" stands for one label more
    std::chrono::seconds max_age{};
};

/// RFC 8461 section 3.3: a longer policy is none.
inline constexpr std::size_t longest_sts_policy = 64u << 10;

/// "_mta-sts.example.com"
std::string sts_record_name(std::string_view domain);
/// The id of the policy that a domain announces (RFC 8461 section 3.1): of its TXT records, exactly
/// one may be of this kind. Nothing: it announces none.
std::optional<std::string> parse_sts_record(std::vector<std::string> const& records);

/// RFC 8461 section 3.2. `problem`: what is wrong with it, in words.
std::optional<sts_policy> parse_sts_policy(std::string_view text, std::string& problem);

/// Whether a host is one of a pattern's (RFC 8461 section 4.1): without letter case.
bool matches_mx_pattern(std::string_view pattern, std::string_view host);
bool allows(sts_policy const& p, std::string_view host);

std::string_view to_string(sts_mode m) noexcept;

}  // namespace postern::mail
