// web session, web sign-out; account session list, end
#include <boost/json/array.hpp>

#include "base/log.hpp"
#include "control/commands.hpp"
#include "control/profile_book.hpp"
#include "control/visit_json.hpp"
#include "visits/book.hpp"

namespace postern::control {
namespace json = boost::json;

json::object describe(visits::visit const& v, visits::limits const& bounds)
{
    json::object o;
    o["id"] = v.id;
    o["account"] = v.account;
    o["role"] = directory::to_string(v.role);
    o["client"] = v.client;
    o["agent"] = v.agent;
    o["created"] = to_rfc3339(v.created);
    o["last_used"] = to_rfc3339(v.last_used);
    o["expires"] = to_rfc3339(std::min(v.last_used + bounds.idle, v.created + bounds.whole));
    return o;
}

outcome web_session(context& c, arguments a)
{
    a.text("address");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto o = describe(*c.caller.visit, c.visit_bounds());
    o["login"] = c.caller.visit->login;
    return json::value(std::move(o));
}

outcome web_sign_out(context& c, arguments a)
{
    a.text("address");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const& account = c.caller.visit->account;
    c.visits->end_by_id(account, c.caller.visit->id);
    log::event(log::level::info, "web_sign_out", {{"account", account}, {"client", c.caller.from}});
    json::object o;
    o["signed_out"] = true;
    return json::value(std::move(o));
}

outcome account_session_list(context& c, arguments a)
{
    auto const address = a.text("address");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto name = account_name(c, address);
    if (!name) return std::move(name).error();
    json::array list;
    auto const bounds = c.visit_bounds();
    for (auto const& v : c.visits->list(*name, bounds, wall_clock::now())) {
        auto o = describe(v, bounds);
        o["here"] = c.caller.visit && c.caller.visit->id == v.id;
        list.emplace_back(std::move(o));
    }
    return json::value(std::move(list));
}

outcome account_session_end(context& c, arguments a)
{
    auto const address = a.text("address");
    auto const id = a.optional_text("id", 64);
    bool const others = a.optional_flag("others").value_or(false);
    bool const all = a.optional_flag("all").value_or(false);
    if ((id ? 1 : 0) + (others ? 1 : 0) + (all ? 1 : 0) != 1) a.wrong("say which: the id of one, all, or all others");
    if (others && !c.caller.for_itself) a.wrong("the others are those besides one's own");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto name = account_name(c, address);
    if (!name) return std::move(name).error();
    std::size_t const ended = id ? (c.visits->end_by_id(*name, *id) ? 1 : 0)
                                 : c.visits->end_all(*name, others ? c.caller.visit->id : std::string{});
    if (id && ended == 0) return failure{failure::kind::usage, "there is no such session of " + *name, {}};
    if (c.profiles) c.profiles->forget(*name);
    log::event(log::level::info, "web_sessions_ended",
               {{"account", *name}, {"sessions", ended}, {"by", c.caller.by()}});
    json::object o;
    o["ended"] = ended;
    return json::value(std::move(o));
}

}  // namespace postern::control
