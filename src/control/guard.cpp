// guard list, lift, deny, allow
#include <algorithm>
#include <cmath>
#include <mutex>

#include <boost/json/array.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "control/commands.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

// Changes of the lists are read, made and written by one command after the other.
std::mutex lists_lock;

std::optional<network> read_network(arguments& a, std::string const& text)
{
    auto n = network::parse(text);
    if (!n && !text.empty())
        a.wrong(
            "`" + printable(text, 100) +
            "` is not a network; write an address, or 192.0.2.0/24 or 2001:db8::/32 with nothing behind the prefix");
    return n;
}

json::array texts(std::vector<network> const& networks)
{
    json::array out;
    for (auto const& n : networks) out.emplace_back(n.to_string());
    return out;
}

result<guard::network_lists> current_lists(context& c)
{
    if (c.guard) return *c.guard->lists();
    return guard::load_lists(c.settings->data_dir);
}

result<> replace_lists(context& c, guard::network_lists lists)
{
    if (auto saved = guard::save_lists(c.settings->data_dir, lists); !saved) return saved;
    if (c.guard) c.guard->set_lists(std::move(lists));
    return {};
}

json::object done_with(std::string const& what)
{
    json::object o;
    o["what"] = what;
    return o;
}

outcome put_on_list(context& c, arguments& a, bool denies)
{
    auto const text = a.text("network", 64);
    auto const n = read_network(a, text);
    if (auto wrong = a.problem()) return std::move(*wrong);
    std::lock_guard const hold{lists_lock};
    auto lists = current_lists(c);
    if (!lists) return to_failure(lists.error());
    std::erase(lists->deny, *n);
    std::erase(lists->allow, *n);
    if (lists->deny.size() + lists->allow.size() >= guard::network_lists::most)
        return failure{failure::kind::problem, "the lists are full; take a network out with `postern guard lift`", {}};
    (denies ? lists->deny : lists->allow).push_back(*n);
    if (auto saved = replace_lists(c, std::move(*lists)); !saved) return to_failure(saved.error());
    log::event(log::level::info, denies ? "guard_deny" : "guard_allow",
               {{"network", n->to_string()}, {"by", "operator"}});
    return json::value(done_with(n->to_string()));
}

}  // namespace

outcome guard_list(context& c, arguments a)
{
    auto const limit = a.optional_number("limit", 100'000).value_or(1000);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto lists = current_lists(c);
    if (!lists) return to_failure(lists.error());
    auto const& s = c.settings->guard;
    json::array rows;
    json::object o;
    if (c.guard) {
        auto const now = wall_clock::now();
        for (auto const& r : c.guard->list(s, static_cast<std::size_t>(limit), steady_clock::now())) {
            json::object row;
            row["kind"] = to_string(r.why);
            row["what"] = printable(r.what, 320);
            row["points"] = std::llround(r.points);
            row["same_secret_again"] = r.repeats;
            row["accounts_tried"] = r.accounts;
            row["last_failure"] = to_rfc3339(now - r.last);
            if (r.refused_for.count() != 0) {
                row["refused_until"] = to_rfc3339(now + r.refused_for);
            } else {
                row["refused_until"] = nullptr;
            }
            rows.emplace_back(std::move(row));
        }
        auto const f = c.guard->count();
        json::object memory;
        memory["addresses"] = f.places;
        memory["networks"] = f.networks;
        memory["accounts"] = f.accounts;
        memory["octets"] = f.octets;
        o["memory"] = std::move(memory);
    } else {
        o["memory"] = nullptr;
    }
    o["held_against"] = std::move(rows);
    o["deny"] = texts(lists->deny);
    o["allow"] = texts(lists->allow);
    o["configured_deny"] = texts(s.deny);
    o["configured_allow"] = texts(s.allow);
    return json::value(std::move(o));
}

outcome guard_lift(context& c, arguments a)
{
    auto const what = a.text("what", 512);
    bool const is_account = what.find('@') != std::string::npos;
    std::optional<network> n;
    if (!is_account) n = read_network(a, what);
    if (auto wrong = a.problem()) return std::move(*wrong);
    std::size_t count = 0;
    bool listed = false;
    if (is_account) {
        if (c.guard) count = c.guard->lift(std::string_view{what});
    } else {
        std::lock_guard const hold{lists_lock};
        auto lists = current_lists(c);
        if (!lists) return to_failure(lists.error());
        listed = std::erase(lists->deny, *n) + std::erase(lists->allow, *n) != 0;
        if (listed)
            if (auto saved = replace_lists(c, std::move(*lists)); !saved) return to_failure(saved.error());
        if (c.guard) count = c.guard->lift(*n);
        auto const& s = c.settings->guard;
        if (std::ranges::find(s.deny, *n) != s.deny.end())
            return failure{failure::kind::problem,
                           n->to_string() + " stands in guard.deny of the configuration; take it out there and reload",
                           {}};
    }
    if (count == 0 && !listed)
        return failure{failure::kind::problem,
                       "nothing is held against `" + printable(what, 320) + "`; `postern guard list` shows what is",
                       {}};
    log::event(log::level::info, "guard_lift", {{"held_against", what}, {"by", "operator"}});
    auto o = done_with(is_account ? what : n->to_string());
    o["lifted"] = count;
    o["listed"] = listed;
    return json::value(std::move(o));
}

outcome guard_deny(context& c, arguments a) { return put_on_list(c, a, true); }
outcome guard_allow(context& c, arguments a) { return put_on_list(c, a, false); }

}  // namespace postern::control
