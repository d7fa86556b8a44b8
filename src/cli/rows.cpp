#include "cli/rows.hpp"

#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "cli/backend.hpp"
#include "cli/output.hpp"

namespace postern::cli {
namespace {

constexpr std::size_t widest = 60;

std::string cell(boost::json::value const& row, column const& c)
{
    auto text = text_of(row, c.key);
    if (text.empty()) text = joined(texts_of(row, c.key));
    if (text.empty()) return "-";
    return c.how == column::time ? readable_time(text) : printable(text, widest);
}

}  // namespace

int print_rows(application const& app, std::string_view command, boost::json::object const& arguments,
               std::span<column const> columns, std::string_view nothing, bool as_json)
{
    auto done = perform(app, command, arguments);
    if (!done) return done.error();
    if (as_json) {
        print_json(*done);
        return all_is_well;
    }
    if (!done->is_array() || done->as_array().empty()) {
        print_line(nothing);
        return all_is_well;
    }
    std::vector<std::string> heading;
    for (auto const& c : columns) heading.emplace_back(c.heading);
    table rows{std::move(heading)};
    for (auto const& r : done->as_array()) {
        std::vector<std::string> cells;
        for (auto const& c : columns) cells.push_back(cell(r, c));
        rows.add(std::move(cells));
    }
    rows.print();
    return all_is_well;
}

}  // namespace postern::cli
