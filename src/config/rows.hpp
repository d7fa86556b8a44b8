// Lists of tables, [[listener]] or [[smart_host.logins]]: rows of the same options. Used by
// what reads the configuration alone.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "config/option.hpp"
#include "config/values.hpp"

namespace postern::config {

inline constexpr std::size_t rows_limit = 256;  // of a list of tables

inline std::string code(std::string_view key) { return '`' + printable(key, 100) + '`'; }

inline std::string join(std::string_view section, std::string_view key)
{
    return section.empty() ? std::string(key) : std::string(section) + '.' + std::string(key);
}

template <class S>
std::string guess_in(std::span<basic_option<S> const> known, std::string_view key)
{
    std::vector<std::string_view> names;
    for (auto const& o : known) names.push_back(o.name);
    auto const meant = nearest(key, names);
    return meant.empty() ? std::string{} : "; did you mean " + code(meant) + '?';
}

// A list of tables within a row. False: the row has no such list.
template <class S>
bool read_inner(S&, std::string_view, std::string_view, node const&, reader&)
{
    return false;
}
inline bool read_inner(smart_host& host, std::string_view name, std::string_view key, node const& list, reader& r);

// A list of tables, [[listener]], [[tls.certificates]] or [[limits.sending]].
template <class S>
std::vector<S> read_rows(node const& list, std::string_view name, std::span<basic_option<S> const> known, reader& r)
{
    std::vector<S> rows;
    r.option = name;
    if (list.kind == node_kind::table) {
        r.bad(list, "there may be several of these: write [[" + std::string(name) + "]] in double brackets");
        return rows;
    }
    if (list.kind != node_kind::list) {
        r.bad(list, "expected [[" + std::string(name) + "]], not " + std::string(name_of(list.kind)));
        return rows;
    }
    if (list.items.size() > rows_limit) {
        r.bad(list, "more than " + std::to_string(rows_limit) + " of them");
        return rows;
    }
    for (auto const& item : list.items) {
        r.option = name;
        if (item.kind != node_kind::table) {
            r.bad(item, "expected [[" + std::string(name) + "]], not " + std::string(name_of(item.kind)));
            continue;
        }
        S row{};
        for (std::size_t i = 0; i < item.keys.size(); ++i) {
            auto const& key = item.keys[i];
            auto const at = std::find_if(known.begin(), known.end(), [&](auto const& o) { return o.name == key.name; });
            if (at == known.end() && read_inner(row, name, key.name, item.items[i], r)) continue;
            if (at == known.end()) {
                r.bad_place(key.at, "unknown key " + code(join(name, key.name)) + guess_in(known, key.name));
                continue;
            }
            r.option = join(name, key.name);
            at->read(row, item.items[i], r);
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

inline bool read_inner(smart_host& host, std::string_view name, std::string_view key, node const& list, reader& r)
{
    if (key != "logins") return false;
    host.logins = read_rows(list, join(name, key), smart_host_login_options(), r);
    return true;
}

}  // namespace postern::config
