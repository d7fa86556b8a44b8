#include "control/audit_note.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "audit/book.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::size_t longest_value = 200, longest_list = 20, longest_outcome = 300;

json::value shortened(json::value const& v)
{
    if (v.is_string()) return json::value(printable(v.as_string(), longest_value));
    if (v.is_array()) {
        json::array a;
        for (auto const& one : v.as_array()) {
            if (a.size() == longest_list) {
                a.emplace_back("...");
                break;
            }
            a.emplace_back(one.is_structured() ? json::value("...") : shortened(one));
        }
        return a;
    }
    return v.is_object() ? json::value("...") : v;
}

/// Without what is nobody's to read, which the arguments know by name.
std::string for_the_record(json::object const& given)
{
    json::object o;
    for (auto const& [key, value] : given) {
        auto const name = printable(key, 64);
        if (o.size() == longest_list) break;
        o[name] = is_secret_argument(key) ? json::value("(secret)") : shortened(value);
    }
    return json::serialize(o);
}

std::string account_in(json::object const& given)
{
    for (auto const* key : {"address", "account"})
        if (auto const* v = given.if_contains(key); v && v->is_string())
            return to_lower(printable(v->as_string(), 320));
    return {};
}

}  // namespace

void note_for_audit(context& c, command const& what, json::object const& given, outcome const& o)
{
    if (what.does != effect::changes) return;
    bool const by_web = c.caller.through == caller::door::web;
    // Strangers would fill the log.
    if (by_web && !c.caller.visit && !o) return;
    audit::row r;
    r.time = wall_clock::now();
    // Refusals too: whoever has no role must not push out what operators did.
    r.own = by_web && (c.caller.for_itself || !c.caller.visit || c.caller.visit->role == directory::role::none);
    r.through = by_web ? "web" : "terminal";
    r.who = c.caller.who;
    if (by_web && c.caller.visit && !c.caller.for_itself) r.role = directory::to_string(c.caller.visit->role);
    r.from = printable(c.caller.from, longest_value);
    r.command = what.name;
    r.account = account_in(given);
    r.arguments = for_the_record(given);
    r.outcome = o ? "done" : printable(o.error().text, longest_outcome);
    auto const added = c.audit ? c.audit->add(r) : result<>{error{{4, 3, 0}, "", "there is no audit log"}};
    if (added) return;
    log::event(log::level::error, "audit_not_stored",
               {{"problem", added.error().logged},
                {"who", r.who},
                {"role", r.role},
                {"from", r.from},
                {"command", r.command},
                {"arguments", r.arguments},
                {"outcome", r.outcome}});
}

}  // namespace postern::control
