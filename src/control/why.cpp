// why: the story of a session or a message, from the log's history
#include <algorithm>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "base/history.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"
#include "catalogue/catalogue.hpp"
#include "console/logins.hpp"
#include "control/history.hpp"
#include "witness/book.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::size_t most_messages = 200;

}  // namespace

std::vector<json::object> read_history(context const& c, std::vector<std::string> const& texts, std::size_t limit,
                                       std::uint64_t octets, std::string_view key)
{
    std::vector<json::object> events;
    for (auto const& line : log::find_in_history(c.history(), texts, limit, octets, key)) {
        json::error_code wrong;
        auto v = json::parse(line, wrong);
        // A line that a crash cut off in the middle is none.
        if (!wrong && v.is_object()) events.push_back(std::move(v.as_object()));
    }
    return events;
}

/// A session's story holds those of its messages. A message's story begins with its session,
/// and holds that of the report to its sender, but leaves out what else the session sent.
std::vector<json::object> follow_in_history(context const& c, std::string const& id)
{
    auto events = read_history(c, {id});
    std::set<std::string> sessions, messages, reports;
    for (auto const& e : events) {
        // Behind the dot stands the number of a refusal.
        auto const s = console::text_in(e, "session");
        if (!s.empty()) sessions.insert(s.substr(0, s.find('.')));
        auto const m = console::text_in(e, "queue_id");
        if (!m.empty() && messages.size() < most_messages) messages.insert(m);
        if (console::text_in(e, "about") == id) reports.insert(m);
    }
    bool const about_message = messages.contains(id);
    auto const& further = about_message ? reports : messages;
    std::vector<std::string> ids{id};
    ids.insert(ids.end(), sessions.begin(), sessions.end());
    ids.insert(ids.end(), further.begin(), further.end());
    if (ids.size() > 1) events = read_history(c, ids);
    if (about_message) {
        std::erase_if(events, [&](json::object const& e) {
            auto const m = console::text_in(e, "queue_id");
            return !m.empty() && m != id && !reports.contains(m);
        });
    }
    std::stable_sort(events.begin(), events.end(), [](json::object const& a, json::object const& b) {
        return console::text_in(a, "time") < console::text_in(b, "time");
    });
    return events;
}

void add_remedy(json::object& event)
{
    auto const name = console::text_in(event, "rule");
    auto const* rule = name.empty() ? nullptr : catalogue::find(name);
    if (!rule) return;
    json::object remedy;
    remedy["id"] = rule->id;
    remedy["what"] = rule->what;
    remedy["user"] = rule->user;
    remedy["operator"] = rule->operator_remedy;
    event["remedy"] = std::move(remedy);
}

std::string id_as_copied(std::string_view text)
{
    auto id = to_upper(text);
    if (auto const page = id.rfind("/WHY/"); page != std::string::npos) id.erase(0, page + 5);
    if (id.starts_with('(')) id.erase(0, 1);
    return id.substr(0, id.find_first_of(",) "));
}

outcome why(context& c, arguments a)
{
    auto id = id_as_copied(a.text("id", 256));
    if (auto wrong = a.problem()) return std::move(*wrong);
    if (witness::looks_like_code(id)) return record_of_check(c, id);
    if (!looks_like_id(id)) {
        return failure{
            failure::kind::usage,
            "`" + printable(id, 64) +
                "` is not an id; one stands in parentheses at the end of each refusal, and at the end of the "
                "reply to a message that was accepted",
            {}};
    }
    id = id.substr(0, id.find('.'));
    auto events = follow_in_history(c, id);
    if (events.empty()) {
        return failure{failure::kind::problem,
                       "nothing is known of " + id +
                           ": check its spelling; the history goes back as far as log.history_size allows",
                       {},
                       std::string{not_there_rule}};
    }
    json::array list;
    for (auto& e : events) {
        add_remedy(e);
        list.emplace_back(std::move(e));
    }
    json::object o;
    o["id"] = id;
    o["events"] = std::move(list);
    return json::value(std::move(o));
}

}  // namespace postern::control
