// account logins, sent, message, limits: what an account may know of itself
#include <algorithm>
#include <map>

#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "console/logins.hpp"
#include "console/sent.hpp"
#include "control/history.hpp"
#include "control/own_names.hpp"
#include "control/queue_filter.hpp"
#include "directory/directory.hpp"
#include "spool/spool.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::uint64_t most_shown = 1000, usual = 100;

std::vector<json::object> read_for(context const& c, std::vector<std::string> const& texts, own_names const& own)
{
    auto events = read_history(c, texts, most_lines_for_others, most_octets_for_others);
    leave_out_predecessors(events, own, events);
    return events;
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

}  // namespace

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
        auto const at = since.find(to_lower(console::text_in(e, "account")));
        return at != since.end() && console::text_in(e, "time") < at->second;
    });
}

outcome account_logins(context& c, arguments a)
{
    auto const address = a.text("address");
    auto const limit = read_limit(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const names = names_of_account(c, address);
    if (!names) return names.error();
    return json::value(console::list_logins(read_for(c, names->all, *names), names->all, limit));
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
    json::array list;
    for (auto& e : *events) {
        add_remedy(e);
        if (auto* const remedy = e.if_contains("remedy")) remedy->as_object().erase("operator");
        // Where a recipient's mail goes on to is the recipient's affair.
        if (console::text_in(e, "event") == "forwarded") e.erase("to");
        list.emplace_back(std::move(e));
    }
    json::object o;
    o["id"] = id;
    o["events"] = std::move(list);
    return json::value(std::move(o));
}

}  // namespace postern::control
