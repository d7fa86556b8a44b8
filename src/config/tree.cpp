#include "config/tree.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include "base/text.hpp"

namespace postern::config {
namespace {

place place_of(toml::source_region const& r)
{
    return {static_cast<unsigned>(r.begin.line), static_cast<unsigned>(r.begin.column)};
}

// The library bounds how deep tables and lists nest, so this recursion ends.
node convert(toml::node const& from)
{
    node n;
    n.at = place_of(from.source());
    if (auto const* table = from.as_table()) {
        for (auto const& [key, value] : *table) {
            n.keys.push_back({std::string(key.str()), place_of(key.source())});
            n.items.push_back(convert(value));
        }
    } else if (auto const* list = from.as_array()) {
        n.kind = node_kind::list;
        for (auto const& value : *list) n.items.push_back(convert(value));
    } else if (auto const* text = from.as_string()) {
        n.kind = node_kind::text;
        n.text = text->get();
    } else if (auto const* number = from.as_integer()) {
        n.kind = node_kind::integer;
        n.integer = number->get();
    } else if (auto const* yes = from.as_boolean()) {
        n.kind = node_kind::boolean;
        n.boolean = yes->get();
    } else {
        n.kind = node_kind::other;
    }
    return n;
}

}  // namespace

std::string_view name_of(node_kind k) noexcept
{
    switch (k) {
        case node_kind::table: return "a table";
        case node_kind::list: return "a list";
        case node_kind::text: return "text";
        case node_kind::integer: return "a number";
        case node_kind::boolean: return "true or false";
        case node_kind::other: break;
    }
    return "a fraction, date or time";
}

std::optional<node> read_tree(std::string_view toml, std::string_view file, std::vector<problem>& problems)
{
    // Said here: the library's text about it is hard to understand.
    if (!is_utf8(toml)) {
        problems.push_back({file, 0, 0, "the file is not text in UTF-8"});
        return std::nullopt;
    }
    auto const parsed = toml::parse(toml, file);
    if (!parsed) {
        auto const& failed = parsed.error();
        auto const at = place_of(failed.source());
        problems.push_back({file, at.line, at.column, "not valid TOML: " + printable(failed.description(), 300)});
        return std::nullopt;
    }
    return convert(parsed.table());
}

}  // namespace postern::config
