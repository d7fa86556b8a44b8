// account logins, sent, message, why, limits: what an account may know of itself
#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "console/event_ring.hpp"
#include "console/logins.hpp"
#include "console/sent.hpp"
#include "control/history.hpp"
#include "control/own_names.hpp"
#include "control/queue_filter.hpp"
#include "control/why_public.hpp"
#include "directory/directory.hpp"
#include "spool/spool.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::uint64_t most_shown = 1000, usual = 100;
constexpr std::size_t most_tries = 1000;
constexpr std::chrono::hours longest_wait{1};                   // for a device that is set up
constexpr std::uint64_t largest_time = std::uint64_t{1} << 33;  // seconds since 1970

constexpr std::array<std::string_view, 33> own_keys{
    "account",  "app_password", "attempts",   "cause",     "change",       "client",       "code",
    "command",  "credential",   "delay_ms",   "detail",    "ehlo",         "event",        "forward_path",
    "label",    "listener",     "meaning",    "mechanism", "message_id",   "milliseconds", "next_attempt",
    "next_hop", "queue_id",     "recipients", "reply",     "reverse_path", "rule",         "session",
    "size",     "status",       "test",       "time",      "tls"};
static_assert(std::is_sorted(own_keys.begin(), own_keys.end()));

std::vector<json::object> read_for(context const& c, std::vector<std::string> const& texts, own_names const& own)
{
    auto events = read_history(c, texts, most_lines_for_others, most_octets_for_others);
    leave_out_predecessors(events, own, events);
    return events;
}

/// The latest from `here` of which the log has no account: a device that is set up wrongly may be among them. The others
/// may be very many.
std::vector<json::object> refusals_of_nobody(console::event_ring const& ring, std::string_view here)
{
    std::vector<json::object> list;
    for (auto const& e : ring.latest({{"refused"}, {""}}, SIZE_MAX)) {
        json::error_code wrong;
        auto v = json::parse(e->json, wrong);
        if (wrong || !v.is_object() || !console::is_from(v.as_object(), here)) continue;
        list.push_back(std::move(v.as_object()));
    }
    return list;
}

std::size_t read_limit(arguments& a)
{
    return static_cast<std::size_t>(std::max<std::uint64_t>(1, a.optional_number("limit", most_shown).value_or(usual)));
}

/// What the queue knows of messages that are still in it is newer than the history.
void add_queue(context& c, std::string const& account, json::array& sent)
{
    if (!c.queue) return;
    spool::filter f;
    f.account = account;
    f.limit = static_cast<std::size_t>(most_shown);
    auto const all = c.queue->list(f);
    if (!all) return;
    std::map<std::string, json::object> waiting;
    auto const down = find_down(c);
    for (auto const& one : *all) waiting.emplace(one.what.queue_id, describe(one, down));
    for (auto& v : sent) {
        auto& o = v.as_object();
        auto const at = waiting.find(console::text_in(o, "queue_id"));
        if (at == waiting.end()) continue;
        bool const held = at->second["held"] == true;
        if (held) o["state"] = "held";
        for (auto& r : o["recipients"].as_array()) {
            for (auto const& now : at->second["recipients"].as_array()) {
                auto const& there = now.as_object();
                if (there.at("forward_path") != r.at("forward_path")) continue;
                r.as_object()["next_attempt"] = there.at("next_attempt");
                auto const words = console::text_in(there, "last_reply");
                if (!words.empty()) r.as_object()["reply"] = words;
            }
        }
    }
}

/// Ways inside this machine, and whom it hands mail to, are the operator's affair.
bool is_inside(std::string_view next_hop)
{
    return next_hop.starts_with("maildir:") || next_hop.starts_with("lmtp:") || next_hop.starts_with("smart_host:");
}

/// Without what is the operator's, and what only the operator can do.
outcome told_to_owner(std::string const& id, std::vector<json::object>&& events)
{
    json::array list;
    for (auto& e : events) {
        bool const inside = is_inside(console::text_in(e, "next_hop"));
        json::object shown;
        for (auto const& [key, value] : e)
            if (is_for_owner(key) && !(inside && key == "next_hop")) shown[key] = value;
        e = std::move(shown);
        add_remedy(e);
        if (auto* const remedy = e.if_contains("remedy")) remedy->as_object().erase("operator");
        list.emplace_back(std::move(e));
    }
    json::object o;
    o["id"] = id;
    o["events"] = std::move(list);
    return json::value(std::move(o));
}

}  // namespace

bool is_for_owner(std::string_view key) noexcept { return std::ranges::binary_search(own_keys, key); }

failure not_there(std::string text) { return {failure::kind::usage, std::move(text), {}, std::string{not_there_rule}}; }

basic_result<own_names, failure> names_of_account(context& c, std::string_view address)
{
    c.accounts->wait_for_login(address);
    auto const found = c.accounts->find_account(address);
    if (!found) return to_failure(found.error());
    if (!*found) return not_there("there is no account " + printable(address, 320));
    auto const& who = **found;
    own_names own;
    own.all.push_back(to_lower(who.address));
    if (!who.login_name.empty()) own.all.push_back(to_lower(who.login_name));
    for (auto const& alias : who.aliases) own.all.push_back(to_lower(alias));
    // Back ends don't tell.
    if (who.back_end.empty()) own.since = to_rfc3339(who.created);
    return own;
}

void leave_out_predecessors(std::vector<json::object>& events, own_names const& own,
                            std::vector<json::object> const& changes)
{
    std::map<std::string, std::string> since;
    for (auto const& name : own.all) since.emplace(name, own.since);
    for (auto const& e : changes) {
        if (console::text_in(e, "event") != "account_changed" || console::text_in(e, "change") != "alias added")
            continue;
        auto const at = since.find(console::text_in(e, "alias"));
        if (at != since.end()) at->second = std::max(at->second, console::text_in(e, "time"));
    }
    std::erase_if(events, [&](json::object const& e) {
        auto name = to_lower(console::text_in(e, "account"));
        if (name.empty()) name = console::text_in(e, "mail_from");
        auto const at = since.find(name);
        return at != since.end() && console::text_in(e, "time") < at->second;
    });
}

outcome account_logins(context& c, arguments a)
{
    auto const address = a.text("address");
    console::login_question q;
    q.limit = read_limit(a);
    auto const waiting = a.optional_number("waiting_since", largest_time);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const own = names_of_account(c, address);
    if (!own) return own.error();
    q.names = own->all;
    auto events = read_history(c, own->all, most_lines_for_others, most_octets_for_others, "account");
    auto const changes = events;
    // By themselves, so that whoever writes the address without logging in pushes nothing out of the list.
    auto tries = read_history(c, own->all, most_tries, most_octets_for_others, "mail_from");
    std::ranges::move(tries, std::back_inserter(events));
    if (c.caller.for_itself) q.here = c.caller.from;
    if (waiting && c.caller.for_itself && c.events) {
        auto const since = wall_time{std::chrono::seconds{*waiting}};
        q.waiting_since = to_rfc3339(std::max(since, wall_clock::now() - longest_wait));
        std::ranges::move(refusals_of_nobody(*c.events, q.here), std::back_inserter(events));
    }
    leave_out_predecessors(events, *own, changes);
    std::ranges::stable_sort(events, {}, [](json::object const& e) { return console::text_in(e, "time"); });
    return json::value(console::list_logins(events, q));
}

outcome account_sent(context& c, arguments a)
{
    auto const address = a.text("address");
    auto const limit = read_limit(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const names = names_of_account(c, address);
    if (!names) return names.error();
    auto const& account = names->all.front();
    auto sent = console::list_sent(read_for(c, {account}, *names), {account}, limit);
    add_queue(c, account, sent);
    return json::value(std::move(sent));
}

basic_result<std::vector<json::object>, failure> story_of_own_message(context& c, std::string_view address,
                                                                      std::string const& queue_id)
{
    auto const names = names_of_account(c, address);
    if (!names) return names.error();
    auto found = read_for(c, {queue_id}, *names);
    bool const own = std::any_of(found.begin(), found.end(), [&](json::object const& e) {
        return console::text_in(e, "queue_id") == queue_id &&
               to_lower(console::text_in(e, "account")) == names->all.front();
    });
    // Nobody is told whether there is such a message of somebody else's.
    if (!own) return not_there("the account sent no message " + printable(queue_id, 64));
    std::erase_if(found, [&](json::object const& e) { return console::text_in(e, "queue_id") != queue_id; });
    return found;
}

outcome account_message(context& c, arguments a)
{
    auto const address = a.text("address");
    auto const id = read_id(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto events = story_of_own_message(c, address, id);
    if (!events) return std::move(events.error());
    // Where a recipient's mail goes on to is the recipient's affair.
    for (auto& e : *events)
        if (console::text_in(e, "event") == "forwarded") e.erase("to");
    return told_to_owner(id, std::move(*events));
}

outcome account_why(context& c, arguments a)
{
    auto const address = a.text("address");
    auto id = id_as_copied(a.text("id", 256));
    if (auto wrong = a.problem()) return std::move(*wrong);
    if (!looks_like_id(id)) return not_there("`" + printable(id, 64) + "` is not the id of a refusal or a message");
    id = id.substr(0, id.find('.'));
    auto const own = names_of_account(c, address);
    if (!own) return own.error();
    auto events = read_for(c, {id}, *own);
    std::vector<json::object> told;
    for (auto& e : events) {
        auto const session = console::text_in(e, "session");
        if (session.substr(0, session.find('.')) != id) continue;
        auto const name = to_lower(console::text_in(e, "account"));
        auto const* const rule = catalogue::find(console::text_in(e, "rule"));
        if (std::ranges::find(own->all, name) != own->all.end())
            told.push_back(std::move(e));
        else if (name.empty() && rule && is_harmless(*rule))
            // Nobody can tell whose it was: what any stranger may know who shows the id.
            told.push_back({{"time", console::text_in(e, "time")}, {"event", "refused"}, {"rule", rule->name}});
    }
    if (!told.empty()) return told_to_owner(id, std::move(told));
    return account_message(c, arguments{json::object{{"address", address}, {"queue_id", id}}});
}

}  // namespace postern::control
