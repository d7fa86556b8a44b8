// Commands that show a list: which values of its rows become columns.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "cli/application.hpp"

namespace postern::cli {

struct column {
    enum kind { text, time };
    std::string_view heading, key;
    kind how = text;
};

/// Has the command done, and prints what it gives: a table, or JSON. `nothing`: said of an empty list.
int print_rows(application const& app, std::string_view command, boost::json::object const& arguments,
               std::span<column const> columns, std::string_view nothing, bool as_json);

}  // namespace postern::cli
