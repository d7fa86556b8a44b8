#include "terminal/width.hpp"

#include <algorithm>
#include <cstdint>

#include <utf8proc.h>

#include "base/text.hpp"

namespace postern::terminal {
namespace {

struct character {
    std::size_t octets, columns;
};

/// The first character of a text that is not empty.
character first_of(std::string_view text) noexcept
{
    std::uint32_t point = 0;
    auto const octets = utf8_sequence(text, point);
    if (octets == 0) return {1, 1};
    return {octets, width_of(static_cast<char32_t>(point))};
}

/// Octets of the front that fits into so many columns; at least one character.
std::size_t front_of(std::string_view text, std::size_t width) noexcept
{
    std::size_t octets = 0, columns = 0;
    while (octets < text.size()) {
        auto const c = first_of(text.substr(octets));
        if (octets != 0 && columns + c.columns > width) break;
        octets += c.octets;
        columns += c.columns;
    }
    return octets;
}

/// Not within the parts of a fingerprint, a list or a URL, if that can be.
std::size_t good_break(std::string_view word, std::size_t most) noexcept
{
    if (most >= word.size()) return most;
    auto const mark = word.substr(0, most).find_last_of(":/,;?&");
    return mark == std::string_view::npos || mark + 1 < most / 2 ? most : mark + 1;
}

void wrap_line(std::string_view line, std::size_t width, std::vector<std::string>& out)
{
    std::string now;
    std::size_t columns = 0;
    while (!line.empty()) {
        auto const blank = std::min(line.find(' '), line.size());
        auto word = line.substr(0, blank);
        line.remove_prefix(std::min(blank + 1, line.size()));
        auto wide = width_of(word);
        if (columns != 0 && columns + 1 + wide > width) {
            out.push_back(std::move(now));
            now.clear();
            columns = 0;
        }
        while (wide > width) {
            auto const taken = good_break(word, front_of(word, width));
            out.emplace_back(word.substr(0, taken));
            word.remove_prefix(taken);
            wide = width_of(word);
        }
        if (columns != 0) {
            now += ' ';
            ++columns;
        }
        now += word;
        columns += wide;
    }
    out.push_back(std::move(now));
}

}  // namespace

std::size_t width_of(char32_t point) noexcept
{
    auto const columns = utf8proc_charwidth(static_cast<utf8proc_int32_t>(point));
    return columns > 0 ? static_cast<std::size_t>(columns) : 0;
}

std::size_t width_of(std::string_view text) noexcept
{
    std::size_t columns = 0;
    while (!text.empty()) {
        auto const c = first_of(text);
        columns += c.columns;
        text.remove_prefix(c.octets);
    }
    return columns;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width)
{
    std::vector<std::string> lines;
    width = std::max<std::size_t>(width, 2);
    for (;;) {
        auto const end = text.find('\n');
        wrap_line(text.substr(0, end), width, lines);
        if (end == std::string_view::npos) return lines;
        text.remove_prefix(end + 1);
    }
}

std::string cut(std::string_view text, std::size_t width)
{
    if (width_of(text) <= width) return std::string{text};
    constexpr std::string_view more = "...";
    if (width <= more.size()) return std::string{more.substr(0, width)};
    return std::string{text.substr(0, front_of(text, width - more.size()))} += more;
}

std::string padded(std::string text, std::size_t width)
{
    auto const columns = width_of(text);
    if (columns < width) text.append(width - columns, ' ');
    return text;
}

}  // namespace postern::terminal
