// How wide text is on a terminal, and lines no wider than it. Not a layout engine: words move
// to the next line, and nothing is hyphenated.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postern::terminal {

/// Columns that a code point takes: none for marks that combine, two for East Asian wide ones.
std::size_t width_of(char32_t point) noexcept;
/// Columns of a text without escape sequences; an octet that is no UTF-8 takes one.
std::size_t width_of(std::string_view text) noexcept;

/// Lines of at most `width` columns, broken at blanks, and inside of a word only when it alone is too long.
/// Line breaks of the text stay. At least one line.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// The front of the text in at most `width` columns, "..." at its end when something is left out.
std::string cut(std::string_view text, std::size_t width);

/// `text` with blanks behind it up to `width` columns.
std::string padded(std::string text, std::size_t width);

}  // namespace postern::terminal
