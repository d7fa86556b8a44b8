#include "web/api_call.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "control/json_memory.hpp"
#include "help/reader.hpp"
#include "help/wording.hpp"
#include "visits/token.hpp"

namespace postern::web::api {
namespace json = boost::json;
namespace {

constexpr std::size_t deepest = 4;

/// What is wrong with its form is told in English, to whoever wrote the program.
http::response bad(http::request const& r, std::string const& text)
{
    return json_error(rules::api_bad_request, r, text);
}

bool is_json(std::string_view media_type)
{
    auto const bare = media_type.substr(0, media_type.find(';'));
    auto const end = bare.find_last_not_of(" \t");
    return end != std::string_view::npos && equal_ignoring_case(bare.substr(0, end + 1), "application/json");
}

bool is_text(json::value const& v, std::size_t most) { return v.is_string() && v.as_string().size() <= most; }

bool is_number(json::value const& v, std::uint64_t most)
{
    if (v.is_uint64()) return v.as_uint64() <= most;
    return v.is_int64() && v.as_int64() >= 0 && static_cast<std::uint64_t>(v.as_int64()) <= most;
}

bool fits(field const& f, json::value const& v)
{
    constexpr std::size_t longest_item = 1024;
    switch (f.type) {
        case type::text: return is_text(v, static_cast<std::size_t>(f.most));
        case type::flag: return v.is_bool();
        case type::number: return is_number(v, f.most);
        case type::list:
        case type::texts: break;
    }
    return v.is_array() && v.as_array().size() <= f.most &&
           std::ranges::all_of(v.as_array(), [](json::value const& one) { return is_text(one, longest_item); });
}

/// "label: a text of at most 200 octets"
std::string wanted(field const& f)
{
    auto const most = std::to_string(f.most);
    std::string text{f.name};
    switch (f.type) {
        case type::text: return text + ": a text of at most " + most + " octets";
        case type::flag: return text + ": true or false";
        case type::number: return text + ": a whole number, at most " + most;
        case type::list:
        case type::texts: break;
    }
    return text + ": a list of texts, at most " + most;
}

catalogue::rule const& row_for(unsigned status)
{
    switch (status) {
        case 401: return rules::web_signed_out;
        case 403: return rules::web_not_allowed;
        case 404: return rules::web_not_found;
        case 409: return rules::web_not_done;
        case 429: return rules::web_put_off;
        case 503: return rules::web_server_away;
        default: break;
    }
    return rules::api_unacceptable;
}

unsigned status_for(control::failure const& f, fault what)
{
    using kind = control::failure::kind;
    if (f.rule == control::not_there_rule) return 404;
    if (f.rule == control::already_there_rule) return 409;
    switch (f.why) {
        case kind::usage: return what == fault::not_there ? 404 : 422;
        case kind::problem: return 409;
        case kind::unavailable: return 503;
        case kind::signed_out: return 401;
        case kind::forbidden: return 403;
        case kind::put_off: break;
    }
    return 429;
}

}  // namespace

http::response json_answer(unsigned status, json::value const& v)
{
    auto r = http::answer(status, "application/json", json::serialize(v));
    r.fields.emplace_back("cache-control", "no-store");
    return r;
}

http::response refusal(control::failure const& f, fault what, http::request const& r)
{
    auto const status = status_for(f, what);
    auto const language = help::language_of(r);
    auto const* const named = catalogue::find(f.rule);
    auto const text = help::translated(f.text, language, named);
    if (named == nullptr) return json_error(status, row_for(status), text, {}, f.details);
    return json_error(status, *named, text, help::wording_of(*named, language).user, f.details);
}

visitor find_visitor(http::request const& r) noexcept
{
    auto const shown = http::find(r.fields, "authorization");
    constexpr std::string_view scheme = "bearer ";
    if (starts_with_ignoring_case(shown, scheme)) {
        auto token = shown.substr(scheme.size());
        token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
        return {token, false};
    }
    return {http::cookie(r.fields, cookie_name), true};
}

std::optional<http::response> why_not_change(http::request const& r, visitor const& who)
{
    if (who.token.empty()) return json_error(rules::web_signed_out, r);
    if (!who.by_cookie || visits::is_csrf_token(who.token, http::find(r.fields, "x-csrf-token"))) return std::nullopt;
    return json_error(rules::api_csrf, r);
}

basic_result<json::object, http::response> read_body(http::request const& r, std::span<field const> fields)
{
    auto const body = r.body.reveal();
    bool const optional = std::ranges::none_of(fields, &field::required);
    json::object none{control::wiping_storage()};
    if (body.empty() && optional) return none;
    if (!is_json(http::find(r.fields, "content-type"))) return json_error(rules::api_not_json, r);
    if (body.size() > longest_body) return json_error(rules::web_too_large, r);
    json::parse_options strict;
    strict.max_depth = deepest;
    json::parser p{control::wiping_storage(), strict};
    json::error_code wrong;
    p.write(body.data(), body.size(), wrong);
    if (wrong) return bad(r, "The body is no JSON");
    auto v = p.release();
    if (!v.is_object()) return bad(r, "The body is no JSON object");
    auto& given = v.as_object();
    for (auto const& [key, value] : given) {
        auto const known = std::ranges::find(fields, std::string_view{key}, &field::name);
        if (known == fields.end()) return bad(r, "The body has a key that nobody asked for: " + printable(key, 64));
        if (!fits(*known, value)) return bad(r, "The body has a wrong value; " + wanted(*known));
    }
    for (auto const& f : fields)
        if (f.required && !given.contains(f.name)) return bad(r, "The body lacks a value; " + wanted(f));
    return std::move(given);
}

std::optional<http::response> read_query(http::request const& r, std::span<field const> fields, json::object& arguments)
{
    for (auto const& f : fields) {
        auto const text = http::parameter(r.query, f.name);
        if (!text) continue;
        if (f.type == type::number) {
            auto const n = parse_number<std::uint64_t>(*text, f.most);
            if (!n) return bad(r, "The query has a wrong value; " + wanted(f));
            arguments[f.name] = *n;
        } else if (text->size() > f.most) {
            return bad(r, "The query has a wrong value; " + wanted(f));
        } else if (f.type == type::list) {
            json::array list;
            std::string_view rest = *text;
            while (!rest.empty()) {
                auto const one = rest.substr(0, rest.find(','));
                rest.remove_prefix(std::min(one.size() + 1, rest.size()));
                if (!one.empty()) list.emplace_back(one);
            }
            arguments[f.name] = std::move(list);
        } else {
            arguments[f.name] = *text;
        }
    }
    return std::nullopt;
}

}  // namespace postern::web::api
