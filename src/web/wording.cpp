#include "web/wording.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "catalogue/catalogue.hpp"
#include "help/pages.hpp"
#include "help/wording.hpp"

namespace postern::web {
namespace {

namespace json = boost::json;

// Where our own sentences stand; where a rule's do, when one is named; and what holds anything but ours.
constexpr std::array<std::string_view, 7> ours{"flip", "meaning", "outcome", "purpose", "text", "warning", "why"};
constexpr std::array<std::string_view, 4> of_rules{"operator", "remedy", "user", "what"};
constexpr std::array<std::string_view, 3> others{"arguments", "facts", "reply"};

bool is_in(auto const& keys, std::string_view key) { return std::ranges::find(keys, key) != keys.end(); }

catalogue::rule const* row_of(json::object const& o)
{
    auto const* const rule = o.if_contains("rule");
    return rule != nullptr && rule->is_string() ? catalogue::find(std::string_view{rule->as_string()}) : nullptr;
}

/// `row`: the one that the object around it names.
void translate(json::value& v, catalogue::rule const* row, std::string_view language);

void translate(json::object& o, catalogue::rule const* row, std::string_view language)
{
    if (auto const* const own = row_of(o)) row = own;
    for (auto& [key, value] : o) {
        if (is_in(others, key)) continue;
        bool const guess = key == "name" && o.contains("probably");  // what a device looks like
        bool const words = guess || is_in(ours, key) || (row != nullptr && is_in(of_rules, key));
        if (value.is_string() && words)
            value = help::translated(std::string_view{value.as_string()}, language, row);
        else
            translate(value, row, language);
    }
}

void translate(json::value& v, catalogue::rule const* row, std::string_view language)
{
    if (v.is_object()) translate(v.as_object(), row, language);
    if (v.is_array())
        for (auto& one : v.as_array()) translate(one, row, language);
}

}  // namespace

void put_into_language(json::value& answer, std::string_view language)
{
    if (language != help::languages().front().code) translate(answer, nullptr, language);
}

}  // namespace postern::web
