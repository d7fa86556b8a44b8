#include "base/text.hpp"

#include <algorithm>
#include <cstdint>

namespace postern {
namespace {

unsigned octet(char c) { return static_cast<unsigned char>(c); }

}  // namespace

std::size_t utf8_sequence(std::string_view text, std::uint32_t& point) noexcept
{
    unsigned const first = octet(text[0]);
    if (first < 0x80) {
        point = first;
        return 1;
    }
    std::size_t const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    point = first & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((octet(text[i]) & 0xc0) != 0x80) return 0;
        point = point << 6 | (octet(text[i]) & 0x3f);
    }
    if (length == 3 && (point < 0x800 || (point >= 0xd800 && point <= 0xdfff))) return 0;
    if (length == 4 && (point < 0x10000 || point > 0x10ffff)) return 0;
    return length;
}

bool is_harmless(std::uint32_t point) noexcept
{
    if (point < 0x20 || (point >= 0x7f && point <= 0x9f)) return false;
    bool const turns = point == 0x61c || point == 0x200e || point == 0x200f || (point >= 0x202a && point <= 0x202e) ||
                       (point >= 0x2066 && point <= 0x2069);
    // Line and paragraph separators end a line in some viewers.
    return !turns && point != 0x2028 && point != 0x2029;
}

std::string to_lower(std::string_view text)
{
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

std::string to_upper(std::string_view text)
{
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), upper);
    return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept
{
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) noexcept
{
    return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

bool is_utf8(std::string_view text) noexcept
{
    while (!text.empty()) {
        std::uint32_t point = 0;
        std::size_t const n = utf8_sequence(text, point);
        if (n == 0) return false;
        text.remove_prefix(n);
    }
    return true;
}

bool is_ascii(std::string_view text) noexcept
{
    return std::none_of(text.begin(), text.end(), [](char c) { return octet(c) >= 0x80; });
}

std::string printable(std::string_view text, std::size_t limit)
{
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    while (!text.empty()) {
        if (out.size() >= limit) return out + "...";
        std::uint32_t point = 0;
        std::size_t const n = utf8_sequence(text, point);
        bool const shown = n != 0 && is_harmless(point);
        if (shown && point != '\\') {
            out += text.substr(0, n);
        } else if (point == '\\' && n == 1) {
            out += "\\\\";
        } else {
            for (char c : text.substr(0, std::max<std::size_t>(n, 1))) {
                out += "\\x";
                out += digits[octet(c) >> 4];
                out += digits[octet(c) & 15];
            }
        }
        text.remove_prefix(std::max<std::size_t>(n, 1));
    }
    return out;
}

}  // namespace postern
