#include "mailbox/imap_lines.hpp"

#include <algorithm>

#include "base/numbers.hpp"
#include "base/text.hpp"

namespace postern::mailbox {
namespace {

constexpr std::size_t most_numbers = 100;
constexpr std::size_t longest_name = 500;

bool take_word(std::string_view& text, std::string_view word)
{
    if (!starts_with_ignoring_case(text, word)) return false;
    text.remove_prefix(word.size());
    return true;
}

/// A quoted string, NIL or an atom.
std::optional<std::string> take_string(std::string_view& text)
{
    std::string value;
    if (!text.starts_with('"')) {
        auto const end = std::min(text.find(' '), text.size());
        value = text.substr(0, end);
        text.remove_prefix(end);
        if (value.empty() || value.size() > longest_name) return std::nullopt;
        return value;
    }
    for (std::size_t i = 1; i < text.size() && value.size() <= longest_name; ++i) {
        if (text[i] == '"') {
            text.remove_prefix(i + 1);
            return value;
        }
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        value += text[i];
    }
    return std::nullopt;
}

}  // namespace

std::optional<listed_folder> parse_list(std::string_view line)
{
    listed_folder folder;
    if (!take_word(line, "* LIST (")) return std::nullopt;
    auto const end = line.find(')');
    if (end == std::string_view::npos || end > longest_name) return std::nullopt;
    folder.attributes = line.substr(0, end);
    line.remove_prefix(end + 1);
    if (!take_word(line, " ") || !take_string(line) || !take_word(line, " ")) return std::nullopt;
    auto name = take_string(line);
    if (!name || !line.empty() || name->empty()) return std::nullopt;
    folder.name = std::move(*name);
    return folder;
}

std::optional<std::vector<std::uint32_t>> parse_search(std::string_view line)
{
    if (!take_word(line, "* SEARCH")) return std::nullopt;
    std::vector<std::uint32_t> numbers;
    while (take_word(line, " ") && numbers.size() < most_numbers) {
        auto const end = std::min(line.find(' '), line.size());
        auto const n = parse_number<std::uint32_t>(line.substr(0, end));
        if (!n) break;
        numbers.push_back(*n);
        line.remove_prefix(end);
    }
    return numbers;
}

std::optional<std::size_t> literal_behind(std::string_view line) noexcept
{
    if (!line.ends_with('}')) return std::nullopt;
    auto const open = line.rfind('{');
    if (open == std::string_view::npos) return std::nullopt;
    auto digits = line.substr(open + 1, line.size() - open - 2);
    if (digits.ends_with('+')) digits.remove_suffix(1);
    return parse_number<std::size_t>(digits, 1U << 30);
}

std::optional<std::string> quote(std::string_view text)
{
    std::string quoted{"\""};
    for (char const c : text) {
        if (c == '\r' || c == '\n' || c == '\0' || static_cast<unsigned char>(c) >= 0x80) return std::nullopt;
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted += '"';
}

}  // namespace postern::mailbox
