#include "moving/master_cf.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "moving/lines.hpp"

namespace postern::moving {
namespace {

constexpr std::size_t fields_before_arguments = 8;

bool is_type(std::string_view word) noexcept
{
    constexpr std::array<std::string_view, 5> types{"inet", "unix", "fifo", "pass", "unix-dgram"};
    return std::find(types.begin(), types.end(), word) != types.end();
}

// Words between blanks; commas belong to them, and `{ ... }` is one.
std::vector<std::string> fields(std::string_view text)
{
    std::vector<std::string> list;
    std::size_t at = 0;
    while (at < text.size()) {
        if (text[at] == ' ' || text[at] == '\t') {
            ++at;
            continue;
        }
        std::size_t const begin = at;
        std::size_t depth = 0;
        for (; at < text.size(); ++at) {
            if (text[at] == '{' && (depth > 0 || at == begin)) ++depth;
            if (text[at] == '}' && depth > 0 && --depth == 0) {
                ++at;
                break;
            }
            if (depth == 0 && (text[at] == ' ' || text[at] == '\t')) break;
        }
        list.emplace_back(text.substr(begin, at - begin));
        if (depth > 0) list.back().clear();  // never closed
    }
    return list;
}

}  // namespace

bool is_service_line(std::string_view line)
{
    auto const first = line.find_first_of(" \t");
    if (first == std::string_view::npos || first == 0) return false;
    auto const rest = trimmed(line.substr(first));
    return is_type(rest.substr(0, rest.find_first_of(" \t")));
}

basic_result<std::vector<service>, trouble> parse_master_cf(std::string_view text, std::string const& file)
{
    auto lines = logical_lines(text, file);
    if (!lines) return lines.error();
    std::vector<service> list;
    for (auto const& l : *lines) {
        place const at{file, l.number};
        auto const all = fields(l.text);
        if (std::any_of(all.begin(), all.end(), [](auto const& f) { return f.empty(); }))
            return trouble{at, "a \"{\" is never closed"};
        if (all.size() < fields_before_arguments)
            return trouble{at,
                           "a service has 8 fields (service, type, private, unpriv, chroot, wakeup, maxproc, "
                           "command), this has " +
                               std::to_string(all.size())};
        if (!is_type(all[1]))
            return trouble{at, "\"" + printable(all[1], 60) + "\" is no type of a service (inet, unix, fifo, pass)"};
        service s{all[0], all[1], all[7], {}, {}, at};
        for (std::size_t i = fields_before_arguments; i < all.size(); ++i) {
            if (!all[i].starts_with("-o")) {
                s.arguments.push_back(all[i]);
                continue;
            }
            std::string option = all[i].substr(2);
            if (option.empty()) {
                if (++i == all.size()) return trouble{at, "there is nothing behind -o"};
                option = all[i];
            }
            if (option.starts_with('{') && option.ends_with('}')) option = option.substr(1, option.size() - 2);
            if (option.find('=') == std::string::npos)
                return trouble{at, "-o " + printable(option, 60) + " has no \"=\""};
            auto const [name, value] = split_pair(option);
            s.overrides.push_back({std::string(name), std::string(value), at});
        }
        list.push_back(std::move(s));
    }
    return list;
}

}  // namespace postern::moving
