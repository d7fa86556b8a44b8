// A TOML document as a tree with places. The one door to the TOML library, which only
// tree.cpp includes (it costs seconds to compile).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"

namespace postern::config {

struct place {
    unsigned line = 0, column = 0;
};

enum class node_kind : std::uint8_t { table, list, text, integer, boolean, other };

struct node {
    struct key {
        std::string name;
        place at;
    };

    node_kind kind = node_kind::table;
    place at;
    std::string text;
    std::int64_t integer = 0;
    bool boolean = false;
    std::vector<key> keys;    // table: one for each of `items`
    std::vector<node> items;  // table, list
};

/// "a list", "text", ...: for messages.
std::string_view name_of(node_kind k) noexcept;

/// The document's table; or nothing, and a problem that says where the syntax breaks.
std::optional<node> read_tree(std::string_view toml, std::string_view file, std::vector<problem>& problems);

}  // namespace postern::config
