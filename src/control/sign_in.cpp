#include "control/sign_in.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "control/audit_note.hpp"
#include "control/json_memory.hpp"
#include "control/visit_json.hpp"
#include "directory/directory.hpp"
#include "guard/keeper.hpp"
#include "login/guard_verdict.hpp"
#include "visits/book.hpp"
#include "visits/token.hpp"

namespace postern::control {
namespace asio = boost::asio;
namespace json = boost::json;
namespace rules = catalogue::rules;
namespace {

using kind = login::answer::kind;

struct form {
    std::string address;
    secret password;
    std::string agent;
    std::optional<failure> problem;
};

form read_form(json::object const& given)
{
    arguments a{given};
    form f;
    f.address = a.text("address", 320);
    f.password = a.secret(secrets::password, 1024);
    f.agent = a.optional_text("agent", 4096).value_or("");
    f.problem = a.problem();
    return f;
}

failure refusal(failure::kind why, catalogue::rule const& r)
{
    return {why, std::string{r.reply}, {}, std::string{r.name}};
}

failure refusal_of(catalogue::verdict const& v)
{
    return {failure::kind::put_off, v.text, {}, std::string{v.why->name}};
}

/// What whoever was refused is told.
failure refusal_of(login::answer const& a)
{
    switch (a.what) {
        // With the right password, so nobody learns of an account who did not know of it.
        case kind::disabled: return refusal(failure::kind::forbidden, rules::auth_account_disabled);
        case kind::unsure:
        case kind::unavailable: return refusal(failure::kind::unavailable, rules::auth_unavailable);
        case kind::put_off:
            if (a.put_off_by) return refusal_of(*a.put_off_by);
            break;
        case kind::accepted:
        case kind::bad_credentials:
        case kind::smtp_auth_off:
        case kind::app_password_needed: break;
    }
    return refusal(failure::kind::signed_out, rules::web_sign_in_wrong);
}

/// Whom the operator keeps out of the mail ports can't sign in either.
std::optional<failure> denied(context const& c, ip_address const& from)
{
    auto const answer = c.guard->at_connect(c.settings->guard, from, false, steady_clock::now());
    if (!answer.refused()) return std::nullopt;
    return refusal_of(login::guard_verdict(rules::guard_network_denied, answer));
}

void log_refusal(context const& c, std::string const& session, std::string const& claimed, login::desk const& d,
                 failure const& told)
{
    log::event(log::level::info, "web_sign_in_refused",
               {{"session", session},
                {"account", printable(claimed, 320)},
                {"client", c.caller.from},
                {"rule", told.rule},
                {"cause", d.cause()},
                {"meaning", d.meaning()}});
}

outcome open_visit(context& c, std::string const& session, directory::account const& who, std::string agent)
{
    visits::new_visit v;
    v.account = who.address;
    v.login = who.login_name.empty() ? who.address : who.login_name;
    v.role = c.accounts->role_of(who);
    v.password_set = who.password_set;
    v.client = c.caller.from;
    v.agent = std::move(agent);
    auto const bounds = c.visit_bounds();
    auto const made = c.visits->begin(std::move(v), bounds, wall_clock::now());
    log::event(log::level::info, "web_sign_in",
               {{"session", session}, {"account", who.address}, {"client", c.caller.from}});
    c.caller.who = who.address;
    c.caller.visit = made.what;
    c.caller.for_itself = true;
    json::object o{wiping_storage()};
    for (auto const& [key, value] : describe(made.what, bounds)) o[key] = value;
    o["session"] = made.token.reveal();
    o["csrf"] = visits::csrf_token(made.token.reveal());
    return json::value(std::move(o));
}

}  // namespace

net::awaitable<judged_sign_in> sign_in(login::services logins, context c, json::object given,
                                       asio::any_io_executor executor)
{
    auto const began = steady_clock::now();
    auto f = read_form(given);
    if (f.problem) co_return judged_sign_in{std::move(*f.problem)};
    auto const client = ip_address::parse(c.caller.from);
    if (!client) co_return judged_sign_in{failure{failure::kind::usage, "the client is not an address", {}}};
    if (auto refused = denied(c, *client)) co_return judged_sign_in{std::move(*refused)};
    auto const session = make_session_id();
    login::visitor who{session, c.caller.from, *client};
    who.sends = false;
    who.at_web = true;
    auto const settings = c.settings;  // outlives the desk
    login::desk desk{std::move(logins), *settings, {}, std::move(who), executor};
    auto const judged = co_await desk.verify_password(f.address, {}, std::move(f.password));
    if (judged.what == kind::accepted) {
        auto done = open_visit(c, session, *judged.who, std::move(f.agent));
        note_for_audit(c, *find_command("web sign-in"), given, done);
        co_return judged_sign_in{std::move(done)};
    }
    auto told = refusal_of(judged);
    log_refusal(c, session, f.address, desk, told);
    steady_time when{};
    if (judged.what == kind::bad_credentials) when = desk.on_failure(f.address, f.agent, "web");
    if (judged.what == kind::unsure) when = desk.on_unsure(f.address);
    co_return judged_sign_in{std::move(told), std::min(when, began + longest_sign_in)};
}

}  // namespace postern::control
