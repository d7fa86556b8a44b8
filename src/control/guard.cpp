// guard list, lift, deny, allow
#include <algorithm>
#include <cmath>
#include <mutex>

#include <boost/json/array.hpp>

#include "base/log.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"
#include "control/commands.hpp"
#include "control/own_names.hpp"
#include "delivery/service.hpp"
#include "directory/directory.hpp"
#include "guard/conduct.hpp"
#include "guard/keeper.hpp"
#include "guard/sending.hpp"
#include "spool/spool.hpp"

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

constexpr std::string_view id_mark = "id:";

std::optional<std::uint64_t> read_id(std::string_view text)
{
    if (!text.starts_with(id_mark)) return std::nullopt;
    return parse_number<std::uint64_t>(text.substr(id_mark.size()));
}

json::object done_with(std::string const& what)
{
    json::object o;
    o["what"] = what;
    return o;
}

/// Undoes what came of how an account sends. Gives the number of messages that go on.
basic_result<std::size_t, failure> undo_conduct(context& c, std::string const& account, std::size_t& count)
{
    std::size_t released = 0;
    if (!c.conduct || !c.accounts || !c.queue) return released;
    auto const step = c.conduct->of(account);
    if (step == guard::conduct::off)
        if (auto on = c.accounts->set_smtp_auth(account, true); !on) return to_failure(on.error());
    if (c.conduct->lift(account) == guard::conduct::fine) return released;
    ++count;
    if (step < guard::conduct::held) return released;
    spool::filter all;
    all.limit = 1'000'000;
    auto messages = c.queue->list(all);
    if (!messages) return to_failure(messages.error());
    for (auto const& m : *messages) {
        if (!m.what.held || m.what.account != account || !m.unreadable.empty()) continue;
        if (auto gone = c.queue->hold(m.what.queue_id, false); !gone) return to_failure(gone.error());
        log::event(log::level::info, "queue_release",
                   {{"queue_id", m.what.queue_id}, {"session", m.what.session}, {"by", "guard lift"}});
        ++released;
    }
    if (released != 0 && c.delivery) c.delivery->wake();
    return released;
}

/// Whoever asks through the web pages from there could not sign in again to undo it.
bool shuts_out_the_caller(context const& c, network const& denied, std::vector<network> const& allowed)
{
    if (c.caller.through != caller::door::web) return false;
    auto const here = ip_address::parse(c.caller.from);
    return here && guard::best_match({denied}, *here) >
                       std::max(guard::best_match(allowed, *here), guard::best_match(c.settings->guard.allow, *here));
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
    if (denies && shuts_out_the_caller(c, *n, lists->allow))
        return failure{
            failure::kind::usage,
            n->to_string() + " holds " + c.caller.from +
                ", where you are: you could not take that back. On the server, `postern guard deny` does it.",
            {}};
    if (lists->deny.size() + lists->allow.size() >= guard::network_lists::most)
        return failure{failure::kind::problem, "the lists are full; take a network out with `postern guard lift`", {}};
    (denies ? lists->deny : lists->allow).push_back(*n);
    if (auto saved = replace_lists(c, std::move(*lists)); !saved) return to_failure(saved.error());
    log::event(log::level::info, denies ? "guard_deny" : "guard_allow",
               {{"network", n->to_string()}, {"by", c.caller.by()}});
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
            if (r.id != 0) row["id"] = std::string{id_mark} + std::to_string(r.id);
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
    json::array conduct;
    if (c.conduct) {
        for (auto const& r : c.conduct->list(s, steady_clock::now())) {
            json::object row;
            row["account"] = r.account;
            row["step"] = to_string(r.now);
            row["new_recipients"] = r.new_recipients;
            row["networks"] = r.networks;
            row["bounces"] = r.bounces;
            if (r.now == guard::conduct::fine) {
                row["since"] = nullptr;
            } else {
                row["since"] = to_rfc3339(r.since);
            }
            conduct.emplace_back(std::move(row));
        }
    }
    o["accounts"] = std::move(conduct);
    o["deny"] = texts(lists->deny);
    o["allow"] = texts(lists->allow);
    o["configured_deny"] = texts(s.deny);
    o["configured_allow"] = texts(s.allow);
    return json::value(std::move(o));
}

outcome guard_lift(context& c, arguments a)
{
    auto const what = a.text("what", 512);
    // Names without "@" are tried, too.
    auto const n = network::parse(what);
    auto const id = read_id(what);
    bool const is_account = !n;
    if (auto wrong = a.problem()) return std::move(*wrong);
    std::size_t count = 0, released = 0;
    bool listed = false;
    if (is_account) {
        if (!c.guard)
            return failure{failure::kind::problem, "no server runs, and nothing can be held against an account", {}};
        auto const name = guard::account_key(c.accounts ? c.accounts->whole_name(what) : what);
        count = id ? c.guard->lift(*id) : c.guard->lift(std::string_view{name});
        auto undone = undo_conduct(c, name, count);
        if (!undone) return std::move(undone.error());
        released = *undone;
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
    log::event(log::level::info, "guard_lift", {{"held_against", what}, {"by", c.caller.by()}});
    auto o = done_with(is_account ? what : n->to_string());
    o["lifted"] = count;
    o["listed"] = listed;
    o["released"] = released;
    return json::value(std::move(o));
}

namespace {

/// `name`: a key.
json::value describe_usage(context& c, std::string const& name)
{
    json::array rows;
    auto const now = wall_clock::now();
    auto used = c.sending->look(c.settings->limits.sending, {name, {}, 0}, now);
    if (auto const found = c.accounts->find_account(name); found && *found) {
        for (auto const& p : (*found)->app_passwords) {
            if (!p->works(now)) continue;
            for (auto& u : c.sending->look(c.settings->limits.sending, {name, {}, p->id}, now))
                if (u.scope == guard::scope::app_password) used.push_back(std::move(u));
        }
    }
    for (auto const& u : used) {
        json::object row;
        row["counted_for"] = to_string(u.scope);
        row["who"] = u.who;
        row["what"] = to_string(u.measure);
        row["used"] = u.used;
        row["limit"] = u.limit;
        row["resets"] = to_rfc3339(u.resets);
        rows.emplace_back(std::move(row));
    }
    return rows;
}

}  // namespace

outcome guard_usage(context& c, arguments a)
{
    auto const account = a.mailbox("account");
    if (auto wrong = a.problem()) return std::move(*wrong);
    return describe_usage(c, account.key());
}

outcome account_limits(context& c, arguments a)
{
    auto const address = a.text("address");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const names = names_of_account(c, address);
    if (!names) return names.error();
    return describe_usage(c, names->all.front());
}

outcome guard_deny(context& c, arguments a) { return put_on_list(c, a, true); }
outcome guard_allow(context& c, arguments a) { return put_on_list(c, a, false); }

}  // namespace postern::control
