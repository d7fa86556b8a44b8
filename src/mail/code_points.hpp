// Code points that have no place in an address: what can't be seen, what turns the
// direction of writing, and what looks like a blank or a dot.
#pragma once

#include <string>
#include <string_view>

namespace postern::mail {

/// Well-formed UTF-8 whose code points above U+007F can all be seen. ASCII is not looked at.
bool visible_utf8(std::string_view text) noexcept;
/// The code point at the front of well-formed, not empty UTF-8, taken off.
char32_t take_point(std::string_view& text) noexcept;
void append_point(std::string& out, char32_t point);
/// Controls, blanks, zero-width and bidirectional characters, variation selectors, tags, fillers, non-characters.
bool is_invisible(char32_t point) noexcept;

}  // namespace postern::mail
