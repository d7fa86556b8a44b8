// Sign in, sign out, who is signed in, and a new password.
#include <boost/json/value.hpp>

#include "base/json.hpp"
#include "base/text.hpp"
#include "control/json_memory.hpp"
#include "visits/token.hpp"
#include "web/api_call.hpp"

namespace postern::web::api {
namespace json = boost::json;
namespace {

constexpr std::size_t longest_agent = 1024;
constexpr std::string_view nobody;  // is signed in
constexpr field sign_in_fields[] = {
    {"address", type::text, true, 320}, {"password", type::text, true, 1024}, {"token", type::flag}};
constexpr field password_fields[] = {{"old_password", type::text, true, 1024},
                                     {"new_password", type::text, true, 4096}};

/// Only over TLS, only here, read by no script, and not sent along when another site leads here.
std::string cookie_with(std::string_view token)
{
    return std::string{cookie_name} + '=' + std::string{token} + "; Path=/; Secure; HttpOnly; SameSite=Strict";
}

std::string cookie_gone() { return cookie_with("") + "; Max-Age=0"; }

json::object arguments_for_sign_in(http::request const& r, json::value const& address, json::value const& password)
{
    json::object o{control::wiping_storage()};
    o["address"] = address;
    o["password"] = password;
    o["agent"] = printable(http::find(r.fields, "user-agent"), longest_agent);
    return o;
}

/// Of what `web session` or `web sign-in` gave.
json::object whoever(json::object const& visit)
{
    json::object o{control::wiping_storage()};
    o["account"] = text_in(visit, "account");
    o["role"] = text_in(visit, "role");
    return o;
}

/// `opened`: what `web sign-in` gave.
http::response answer_signed_in(json::object const& opened, bool for_program)
{
    auto const token = text_in(opened, "session");
    auto o = whoever(opened);
    o[for_program ? "token" : "csrf"] = for_program ? token : visits::csrf_token(token);
    auto r = json_answer(200, json::value(std::move(o)));
    if (!for_program) r.fields.emplace_back("set-cookie", cookie_with(token));
    r.holds_secret = true;
    return r;
}

}  // namespace

net::awaitable<http::response> sign_in(call const& c)
{
    auto given = read_body(c.request, sign_in_fields);
    if (!given) co_return std::move(given.error());
    bool const for_program = given->contains("token") && given->at("token").as_bool();
    auto arguments = arguments_for_sign_in(c.request, given->at("address"), given->at("password"));
    std::string command = "web sign-in";
    auto const opened = co_await c.server.ask(std::move(command), std::move(arguments), nobody, c.request.client);
    if (!opened) co_return refusal(opened.error(), fault::unacceptable, c.request);
    // The token is always a new one; one that the browser came with opens nothing any more.
    if (auto const before = http::cookie(c.request.fields, cookie_name); !before.empty() && !for_program) {
        std::string end = "web sign-out";
        json::object nothing;
        auto const ended = co_await c.server.ask(std::move(end), std::move(nothing), before, c.request.client);
        static_cast<void>(ended);
    }
    co_return answer_signed_in(opened->as_object(), for_program);
}

net::awaitable<http::response> show_visit(call const& c)
{
    auto const who = find_visitor(c.request);
    if (who.token.empty()) co_return json_error(rules::web_signed_out, c.request);
    std::string command = "web session";
    json::object nothing;
    auto const found = co_await c.server.ask(std::move(command), std::move(nothing), who.token, c.request.client);
    if (!found) {
        auto r = refusal(found.error(), fault::unacceptable, c.request);
        if (r.status == 401 && who.by_cookie) r.fields.emplace_back("set-cookie", cookie_gone());
        co_return r;
    }
    auto o = whoever(found->as_object());
    if (who.by_cookie) o["csrf"] = visits::csrf_token(who.token);
    auto r = json_answer(200, json::value(std::move(o)));
    r.holds_secret = who.by_cookie;
    co_return r;
}

net::awaitable<http::response> sign_out(call const& c)
{
    auto const who = find_visitor(c.request);
    if (auto refused = why_not_change(c.request, who)) co_return std::move(*refused);
    std::string command = "web sign-out";
    json::object nothing;
    auto const done = co_await c.server.ask(std::move(command), std::move(nothing), who.token, c.request.client);
    if (!done) co_return refusal(done.error(), fault::unacceptable, c.request);
    http::response r;
    r.status = 204;
    if (who.by_cookie) r.fields.emplace_back("set-cookie", cookie_gone());
    co_return r;
}

// The old password opens a visit of its own, judged by the guard like any sign-in; the command that sets the new one
// wants a visit that has only just begun. Then all visits of the account are over, and whoever changed it gets a new one;
// where that fails, nobody is signed in, but the new password holds all the same.
net::awaitable<http::response> change_password(call const& c)
{
    auto const who = find_visitor(c.request);
    if (auto refused = why_not_change(c.request, who)) co_return std::move(*refused);
    auto given = read_body(c.request, password_fields);
    if (!given) co_return std::move(given.error());
    std::string command = "web session";
    json::object nothing;
    auto const visit = co_await c.server.ask(std::move(command), std::move(nothing), who.token, c.request.client);
    if (!visit) co_return refusal(visit.error(), fault::unacceptable, c.request);
    auto const& login = visit->as_object().at("login");

    auto arguments = arguments_for_sign_in(c.request, login, given->at("old_password"));
    command = "web sign-in";
    auto const proven = co_await c.server.ask(std::move(command), std::move(arguments), nobody, c.request.client);
    if (!proven) {
        if (proven.error().why != control::failure::kind::signed_out)
            co_return refusal(proven.error(), fault::unacceptable, c.request);
        co_return json_error(rules::api_old_password, c.request);
    }
    auto const fresh = text_in(proven->as_object(), "session");
    json::object change{control::wiping_storage()};
    change["password"] = given->at("new_password");
    command = "account own-password";
    auto const changed = co_await c.server.ask(std::move(command), std::move(change), fresh, c.request.client);
    if (!changed) {
        json::object none;
        command = "web sign-out";
        auto const ended = co_await c.server.ask(std::move(command), std::move(none), fresh, c.request.client);
        static_cast<void>(ended);
        if (changed.error().why == control::failure::kind::unavailable)
            co_return json_error(rules::api_password_unsure, c.request);
        co_return refusal(changed.error(), fault::unacceptable, c.request);
    }
    auto again = arguments_for_sign_in(c.request, login, given->at("new_password"));
    command = "web sign-in";
    auto const opened = co_await c.server.ask(std::move(command), std::move(again), nobody, c.request.client);
    if (opened) co_return answer_signed_in(opened->as_object(), !who.by_cookie);
    auto r = json_answer(200, json::value(whoever(visit->as_object())));
    if (who.by_cookie) r.fields.emplace_back("set-cookie", cookie_gone());
    co_return r;
}

}  // namespace postern::web::api
