#include "mail/xtext.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/address.hpp"
#include "mail/code_points.hpp"

namespace postern::mail {
namespace {

constexpr std::string_view upper_digits = "0123456789ABCDEF";
constexpr std::size_t orcpt_limit = 500;  // RFC 3461 section 4.2

constexpr bool is_printable(char c) noexcept { return c > ' ' && c < 0x7f; }
// xchar of RFC 3461 section 4.
constexpr bool is_xchar(char c) noexcept { return is_printable(c) && c != '+' && c != '='; }

// Hexadecimal digits of the protocol are upper-case.
constexpr unsigned no_digit = 16;
constexpr unsigned digit(char c) noexcept
{
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
    return no_digit;
}

// "{HEXPOINT}" of RFC 6533 section 3, off the front; 0 when it is none.
char32_t take_hex_point(std::string_view& text) noexcept
{
    auto const end = text.find('}');
    if (end == std::string_view::npos || end < 3 || end > 7 || text.front() != '{') return 0;
    char32_t point = 0;
    for (char c : text.substr(1, end - 1)) {
        if (digit(c) == no_digit) return 0;
        point = point << 4 | digit(c);
    }
    // At least two digits, and no more zeros in front than that needs.
    bool const shortest = end == 3 || text[1] != '0';
    text.remove_prefix(end + 1);
    bool const exists = point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
    return shortest && exists ? point : 0;
}

}  // namespace

std::string xtext_encode(std::string_view octets)
{
    std::string out;
    out.reserve(octets.size());
    for (char c : octets) {
        if (is_xchar(c)) {
            out += c;
            continue;
        }
        auto const o = static_cast<unsigned char>(c);
        out += '+';
        out += upper_digits[o >> 4];
        out += upper_digits[o & 15];
    }
    return out;
}

std::optional<std::string> xtext_decode(std::string_view text)
{
    std::optional<std::string> out(std::in_place);
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '+') {
            if (text.size() - i < 3) return std::nullopt;
            unsigned const high = digit(text[i + 1]);
            unsigned const low = digit(text[i + 2]);
            if (high == no_digit || low == no_digit) return std::nullopt;
            c = static_cast<char>(high << 4 | low);
            if (c != ' ' && !is_printable(c)) return std::nullopt;
            i += 2;
        } else if (!is_xchar(c)) {
            return std::nullopt;
        }
        *out += c;
    }
    return out;
}

std::string utf8_addr_xtext_encode(std::string_view address)
{
    std::string out;
    while (!address.empty()) {
        char32_t const point = take_point(address);
        if (point < 0x7f && point != '\\' && is_xchar(static_cast<char>(point))) {
            out += static_cast<char>(point);
            continue;
        }
        std::string digits;
        for (char32_t rest = point; rest != 0 || digits.size() < 2; rest >>= 4) digits += upper_digits[rest & 15];
        std::reverse(digits.begin(), digits.end());
        out += "\\x{" + digits + '}';
    }
    return out;
}

std::optional<std::string> utf8_addr_decode(std::string_view text, bool unitext)
{
    std::string out;
    bool raw = false;
    while (!text.empty()) {
        char const c = text.front();
        if (c == '\\') {
            text.remove_prefix(1);
            if (!text.starts_with("x{")) return std::nullopt;
            text.remove_prefix(1);
            char32_t const point = take_hex_point(text);
            if (point < 0x20 || point == 0x7f || (point >= 0x80 && is_invisible(point))) return std::nullopt;
            append_point(out, point);
            continue;
        }
        bool const eight_bit = static_cast<unsigned char>(c) >= 0x80;
        if (!(eight_bit ? unitext : is_xchar(c))) return std::nullopt;
        raw = raw || eight_bit;
        out += c;
        text.remove_prefix(1);
    }
    if (out.empty() || (raw && !visible_utf8(out))) return std::nullopt;
    return out;
}

std::optional<original_recipient> parse_original_recipient(std::string_view text, bool smtputf8)
{
    auto const semicolon = text.find(';');
    if (text.size() > orcpt_limit || semicolon == std::string_view::npos || semicolon == 0) return std::nullopt;
    original_recipient o;
    o.type = to_lower(text.substr(0, semicolon));
    // An atom of RFC 5322; registered ones are even simpler.
    if (!std::all_of(o.type.begin(), o.type.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        }))
        return std::nullopt;
    auto const value = text.substr(semicolon + 1);
    auto decoded = o.type == "utf-8" ? utf8_addr_decode(value, smtputf8) : xtext_decode(value);
    if (!decoded || decoded->empty()) return std::nullopt;
    o.address = std::move(*decoded);
    return o;
}

}  // namespace postern::mail
