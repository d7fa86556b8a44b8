#include "directory/ldap_text.hpp"

#include <algorithm>
#include <array>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "sasl/prepare.hpp"

namespace postern::directory::ldapv3 {
namespace {

// RFC 5321 allows 64 + 1 + 255 octets.
constexpr std::size_t longest_address = 320;

bool is_harmless_octet(char c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '@' || c == '.' || c == '-' ||
           c == '_';
}

}  // namespace

std::string escape(std::string_view value)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(value.size());
    for (char const c : value) {
        if (is_harmless_octet(c)) {
            out += c;
            continue;
        }
        auto const octet = static_cast<unsigned char>(c);
        out += '\\';
        out += digits[octet >> 4];
        out += digits[octet & 15];
    }
    return out;
}

// To a directory blanks at the ends don't count, several are as good as one, and much that can't be seen counts for
// nothing (RFC 4518). To us, and to the guard, those are other names, so they are nobody's.
bool is_askable(std::string_view address)
{
    auto const at = address.rfind('@');
    if (at == std::string_view::npos || at == 0 || at + 1 == address.size() || address.size() > longest_address)
        return false;
    for (auto const part : {address.substr(0, at), address.substr(at + 1)})
        if (part.front() == ' ' || part.back() == ' ' || part.find("  ") != std::string_view::npos) return false;
    return sasl::is_distinct_name(address);
}

std::string fill(std::string_view pattern, std::string_view address)
{
    auto const at = std::min(address.rfind('@'), address.size());
    std::string out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%' || i + 1 == pattern.size()) {
            out += pattern[i];
            continue;
        }
        switch (pattern[++i]) {
            case 'u': out += escape(address); break;
            case 'n': out += escape(address.substr(0, at)); break;
            case 'd': out += escape(address.substr(std::min(at + 1, address.size()))); break;
            default: out += pattern[i];
        }
    }
    return out;
}

bool says_off(std::string_view value)
{
    constexpr std::array<std::string_view, 5> words{"false", "no", "off", "0", "disabled"};
    return std::any_of(words.begin(), words.end(), [&](auto w) { return equal_ignoring_case(value, w); });
}

bool windows_says_off(std::string_view flags, std::string_view expiry, wall_time now)
{
    constexpr std::uint64_t disabled = 2;
    // Tenths of microseconds since 1601; 0 and the largest number are "never".
    constexpr std::int64_t from_1601_to_1970 = 11'644'473'600'000'000;
    auto const set = parse_number<std::uint64_t>(flags);
    if (set && (*set & disabled) != 0) return true;
    auto const until = parse_number<std::uint64_t>(expiry, INT64_MAX);
    if (!until || *until == 0 || *until == INT64_MAX) return false;
    return static_cast<std::int64_t>(*until / 10) - from_1601_to_1970 <= to_microseconds(now);
}

}  // namespace postern::directory::ldapv3
