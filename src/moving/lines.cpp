#include "moving/lines.hpp"

namespace postern::moving {
namespace {

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'; }

}  // namespace

std::string_view trimmed(std::string_view text) noexcept
{
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

std::vector<std::string> words(std::string_view text)
{
    std::vector<std::string> list;
    std::size_t at = 0;
    while (at < text.size()) {
        if (is_blank(text[at]) || text[at] == ',') {
            ++at;
            continue;
        }
        std::size_t const begin = at;
        std::size_t depth = 0;
        bool const group = text[at] == '{';
        for (; at < text.size(); ++at) {
            if (group && text[at] == '{') ++depth;
            if (group && text[at] == '}' && --depth == 0) {
                ++at;
                break;
            }
            if (depth == 0 && (is_blank(text[at]) || text[at] == ',')) break;
        }
        list.emplace_back(text.substr(begin, at - begin));
    }
    return list;
}

std::pair<std::string_view, std::string_view> split_pair(std::string_view text) noexcept
{
    auto const equals = text.find('=');
    if (equals == std::string_view::npos) return {trimmed(text), {}};
    return {trimmed(text.substr(0, equals)), trimmed(text.substr(equals + 1))};
}

void for_each_line(std::string_view text, std::function<bool(std::string_view, unsigned)> const& each)
{
    for (unsigned number = 1; !text.empty(); ++number) {
        auto const end = text.find('\n');
        if (!each(text.substr(0, end), number)) return;
        if (end == std::string_view::npos) return;
        text.remove_prefix(end + 1);
    }
}

basic_result<std::vector<logical_line>, trouble> logical_lines(std::string_view text, std::string const& file,
                                                               std::size_t most)
{
    std::vector<logical_line> list;
    std::string wrong;
    unsigned wrong_at = 0;
    for_each_line(text, [&](std::string_view line, unsigned number) {
        auto const content = trimmed(line);
        if (content.empty() || content.front() == '#') return true;
        if (content.find('\0') != std::string_view::npos) wrong = "holds a NUL octet; this is no configuration";
        bool const goes_on = is_blank(line.front());
        if (goes_on && list.empty()) wrong = "goes on with a line before it, but there is none";
        std::size_t const before = goes_on && !list.empty() ? list.back().text.size() : 0;
        if (before + content.size() > longest_line)
            wrong = "is longer than " + std::to_string(longest_line >> 10) + " KiB";
        if (!goes_on && list.size() >= most) wrong = "is one line too many; " + std::to_string(most) + " are read";
        if (!wrong.empty()) {
            wrong_at = number;
            return false;
        }
        if (goes_on) {
            list.back().text += ' ';
            list.back().text += content;
        } else {
            list.push_back({std::string(content), number});
        }
        return true;
    });
    if (!wrong.empty()) return trouble{{file, wrong_at}, wrong};
    return list;
}

}  // namespace postern::moving
