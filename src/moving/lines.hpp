// The lines of Postfix's files: main.cf, master.cf and the sources of lookup tables share
// one rule. A line that begins with blank space goes on with the one before, whatever
// comments and empty lines stand between.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "moving/files.hpp"

namespace postern::moving {

struct logical_line {
    std::string text;  // without blanks at either end
    unsigned number = 0;
};

inline constexpr std::size_t longest_line = 64u << 10;
inline constexpr std::size_t most_lines = 20'000;

std::string_view trimmed(std::string_view text) noexcept;
/// Words between blanks and commas; `{ ... }` is one word, with its braces.
std::vector<std::string> words(std::string_view text);
/// "a=b" as ("a", "b"), blanks removed; the second empty without "=".
std::pair<std::string_view, std::string_view> split_pair(std::string_view text) noexcept;

basic_result<std::vector<logical_line>, trouble> logical_lines(std::string_view text, std::string const& file,
                                                               std::size_t most = most_lines);

/// Calls `each` with every line of `text` as it stands and its number, from 1; ends when it says false.
void for_each_line(std::string_view text, std::function<bool(std::string_view, unsigned)> const& each);

}  // namespace postern::moving
