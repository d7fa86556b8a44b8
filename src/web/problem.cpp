#include "web/problem.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "help/centre.hpp"
#include "help/reader.hpp"
#include "help/wording.hpp"

namespace postern::web {
namespace {

namespace json = boost::json;

/// RFC 9110 section 15, RFC 6585.
unsigned status_of(catalogue::rule const& why)
{
    static std::array<std::pair<catalogue::rule const*, unsigned>, 18> const table{{
        {&rules::web_malformed, 400},
        {&rules::web_unknown_host, 400},
        {&rules::web_not_done, 400},
        {&rules::api_bad_request, 400},
        {&rules::web_signed_out, 401},
        {&rules::web_not_allowed, 403},
        {&rules::api_csrf, 403},
        {&rules::web_not_found, 404},
        {&rules::web_wrong_method, 405},
        {&rules::web_too_slow, 408},
        {&rules::web_too_large, 413},
        {&rules::api_not_json, 415},
        {&rules::api_unacceptable, 422},
        {&rules::api_old_password, 422},
        {&rules::web_put_off, 429},
        {&rules::web_head_too_large, 431},
        {&rules::web_server_away, 503},
        {&rules::api_password_unsure, 503},
    }};
    auto const at = std::find_if(table.begin(), table.end(), [&](auto const& row) { return row.first == &why; });
    return at == table.end() ? 500 : at->second;
}

void say_when_again(http::response& r)
{
    if (r.status == 503) r.fields.emplace_back("retry-after", "10");
    if (r.status == 429) r.fields.emplace_back("retry-after", "60");
    if (r.status == 401) r.fields.emplace_back("www-authenticate", "Bearer");
}

bool is_for_programs(http::request const& r) noexcept { return r.path.starts_with("/api/"); }

http::response page_for(catalogue::rule const& why, http::request const& r, std::string_view said)
{
    auto page = help::refuse(why, status_of(why), help::language_of(r), said);
    say_when_again(page);
    return page;
}

catalogue::rule const& row_for(control::failure::kind why)
{
    using kind = control::failure::kind;
    switch (why) {
        case kind::unavailable: return rules::web_server_away;
        case kind::signed_out: return rules::web_signed_out;
        case kind::forbidden: return rules::web_not_allowed;
        case kind::put_off: return rules::web_put_off;
        case kind::usage:
        case kind::problem: break;
    }
    return rules::web_not_done;
}

}  // namespace

http::response json_error(unsigned status, catalogue::rule const& why, std::string_view text, std::string_view remedy,
                          std::vector<std::string> const& details)
{
    json::object error{{"rule", why.name}, {"text", text}, {"remedy", remedy}};
    if (!details.empty()) error["details"] = json::array(details.begin(), details.end());
    auto r = http::answer(status, "application/json", json::serialize(json::object{{"error", std::move(error)}}));
    r.fields.emplace_back("cache-control", "no-store");
    say_when_again(r);
    return r;
}

http::response json_error(catalogue::rule const& why, http::request const& r, std::string_view said)
{
    auto const language = help::language_of(r);
    auto const own = help::wording_of(why, language);
    return json_error(status_of(why), why, said.empty() ? own.reply : help::translated(said, language, nullptr),
                      own.user);
}

http::response answer_for(catalogue::rule const& why, http::request const& r)
{
    return is_for_programs(r) ? json_error(why, r) : page_for(why, r, {});
}

http::response answer_for(control::failure const& f, http::request const& r)
{
    auto const& why = row_for(f.why);
    // What the link to the mail process says of its trouble is no more than the row says.
    bool const away = f.why == control::failure::kind::unavailable;
    return page_for(why, r,
                    away ? std::string{} : help::translated(f.text, help::language_of(r), catalogue::find(f.rule)));
}

}  // namespace postern::web
