// Small text helpers that ASCII protocols need: letter case without a locale, and
// making foreign text safe to show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }

/// ASCII letters lowered, all other octets as they are.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
/// Equal but for the case of ASCII letters.
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) noexcept;

/// Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms); ASCII is.
bool is_utf8(std::string_view text) noexcept;
bool is_ascii(std::string_view text) noexcept;

/// Octets of the well-formed UTF-8 sequence at the front of `text` (which is not
/// empty), and its code point; 0 when there is none.
std::size_t utf8_sequence(std::string_view text, std::uint32_t& point) noexcept;
/// Whether a code point can be shown as it is: no control character, nothing that
/// turns the direction of writing (a way to make text look like another).
bool is_harmless(std::uint32_t point) noexcept;

/// For a reply, a log line or a terminal: control characters, invalid UTF-8 and
/// bidirectional overrides become `\xNN`, a backslash is doubled, and what is
/// longer than `limit` octets is cut with "...".
std::string printable(std::string_view text, std::size_t limit = 512);

}  // namespace postern
