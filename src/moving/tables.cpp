#include "moving/tables.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "moving/lines.hpp"

namespace postern::moving {

basic_result<std::vector<table_row>, trouble> parse_table(std::string_view text, std::string const& file)
{
    auto lines = logical_lines(text, file, most_rows);
    if (!lines) return lines.error();
    std::vector<table_row> list;
    for (auto const& l : *lines) {
        std::string_view rest = l.text;
        std::string key;
        if (rest.front() == '"') {
            auto const end = rest.find('"', 1);
            if (end == std::string_view::npos) return trouble{{file, l.number}, "a quote is never closed"};
            key = rest.substr(1, end - 1);
            rest = trimmed(rest.substr(end + 1));
        } else {
            auto const end = std::min(rest.find_first_of(" \t"), rest.size());
            key = rest.substr(0, end);
            rest = trimmed(rest.substr(end));
        }
        list.push_back({std::move(key), std::string(rest), l.number});
    }
    return list;
}

basic_result<std::vector<table_row>, trouble> parse_aliases(std::string_view text, std::string const& file)
{
    auto lines = logical_lines(text, file, most_rows);
    if (!lines) return lines.error();
    std::vector<table_row> list;
    for (auto const& l : *lines) {
        std::string_view const line = l.text;
        bool const quoted = line.front() == '"';
        auto const name_end = quoted ? line.find('"', 1) : 0;
        auto const colon = name_end == std::string_view::npos ? name_end : line.find(':', name_end);
        if (colon == std::string_view::npos)
            return trouble{{file, l.number}, "there is no \":\" behind \"" + printable(line.substr(0, 60)) + '"'};
        auto name = trimmed(line.substr(0, colon));
        if (quoted && name.size() >= 2) name = name.substr(1, name.size() - 2);
        list.push_back({std::string(name), std::string(trimmed(line.substr(colon + 1))), l.number});
    }
    return list;
}

table_name split_table(std::string_view text)
{
    constexpr std::array<std::string_view, 7> plain{"hash", "texthash", "lmdb", "btree", "cdb", "dbm", "sdbm"};
    table_name t;
    for (std::string_view const before : {"proxy:", "maybe:"})
        if (text.starts_with(before)) text.remove_prefix(before.size());
    auto const colon = text.find(':');
    if (colon == std::string_view::npos) return t;
    t.type = text.substr(0, colon);
    if (std::find(plain.begin(), plain.end(), t.type) != plain.end()) t.path = text.substr(colon + 1);
    return t;
}

bool is_table(std::string_view text)
{
    auto const colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon),
                       [](char c) { return lower(c) >= 'a' && lower(c) <= 'z'; });
}

}  // namespace postern::moving
