// events, account events, numbers, sessions, decisions, discovery list and note: what the server does, while it does it
#include <algorithm>
#include <array>
#include <cmath>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "base/text.hpp"
#include "catalogue/catalogue.hpp"
#include "console/discovery_log.hpp"
#include "console/event_ring.hpp"
#include "console/logins.hpp"
#include "console/recorder.hpp"
#include "control/commands.hpp"
#include "control/own_names.hpp"
#include "submission/server.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::uint64_t most_events = 1000, usual_events = 200;
constexpr std::uint64_t largest_number = std::uint64_t{1} << 53;  // that JSON's readers tell apart
constexpr std::chrono::milliseconds patience_with_threads{2000};

bool is_of_all(std::string_view key) { return key == "event" || key == "time" || key == "rule"; }

std::uint64_t read_limit(arguments& a, std::uint64_t usual)
{
    return std::max<std::uint64_t>(1, a.optional_number("limit", most_events).value_or(usual));
}

struct question {
    std::optional<std::uint64_t> since;
    console::event_filter wanted;
    std::size_t limit = 0;
};

question read_question(arguments& a)
{
    question q;
    q.since = a.optional_number("since", largest_number);
    q.limit = static_cast<std::size_t>(read_limit(a, usual_events));
    q.wanted.names = a.texts("event", 32, 64);
    return q;
}

json::object parsed(console::event const& e)
{
    json::error_code wrong;
    auto v = json::parse(e.json, wrong);
    json::object o;
    if (!wrong && v.is_object()) o = std::move(v.as_object());
    o.erase("level");
    o["number"] = e.number;
    return o;
}

std::vector<json::object> parsed(std::vector<console::event_pointer> const& events)
{
    std::vector<json::object> all;
    all.reserve(events.size());
    for (auto const& e : events) all.push_back(parsed(*e));
    return all;
}

/// `own`: of an account, which is shown what concerns it.
outcome tell(context const& c, question const& q, own_names const* own = nullptr)
{
    auto const& ring = *c.events;
    // Who names no number wants what comes from now on.
    auto const news =
        q.since ? ring.after(*q.since, q.wanted, q.limit) : console::event_ring::news{{}, ring.last(), false};
    auto found = parsed(news.events);
    if (own && !found.empty()) {
        leave_out_predecessors(found, *own, parsed(ring.latest({{"account_changed"}, {own->all.front()}}, SIZE_MAX)));
        // Of what strangers did the last one tells that something happened; they may do very much.
        auto const named = [](json::object const& e) { return !console::text_in(e, "account").empty(); };
        auto const latest = std::find_if_not(found.rbegin(), found.rend(), named);
        std::int64_t const kept = latest == found.rend() ? 0 : latest->at("number").to_number<std::int64_t>();
        std::erase_if(found, [&](auto const& e) {
            return !named(e) && e.at("number").template to_number<std::int64_t>() != kept;
        });
        for (auto& o : found) {
            json::object shown;
            shown["number"] = o["number"];
            // Of what somebody did who only wrote the account's address, that it happened.
            bool const own_event = named(o);
            for (auto const& [key, value] : o)
                if (own_event ? is_for_owner(key) : is_of_all(key)) shown[key] = value;
            o = std::move(shown);
        }
    }
    json::array list;
    for (auto& o : found) list.emplace_back(std::move(o));
    json::object o;
    o["events"] = std::move(list);
    o["last"] = news.seen;
    o["gap"] = news.gap;
    return json::value(std::move(o));
}

json::object describe(console::event const& e)
{
    auto all = parsed(e);
    auto const text = [&](std::string_view key) { return printable(console::text_in(all, key)); };
    json::object o;
    o["number"] = e.number;
    auto const name = text("rule");
    auto const* const rule = catalogue::find(name);
    o["time"] = text("time");
    o["rule"] = name;
    o["what"] = rule ? rule->what : std::string_view{};
    o["operator"] = rule ? rule->operator_remedy : std::string_view{};
    o["reply"] = rule && rule->code != 0 ? std::to_string(rule->code) + ' ' + to_string(rule->status) : std::string{};
    o["hello"] = text("ehlo");
    for (char const* key : {"command", "account", "client", "listener", "tls", "cause", "meaning", "session"})
        o[key] = text(key);
    json::object facts;
    constexpr std::array<std::string_view, 16> told{"number", "time",     "rule",   "ehlo",  "command", "account",
                                                    "client", "listener", "tls",    "cause", "meaning", "session",
                                                    "event",  "code",     "status", "level"};
    for (auto const& [key, value] : all)
        if (std::find(told.begin(), told.end(), std::string_view{key}) == told.end()) facts[key] = value;
    o["facts"] = std::move(facts);
    return o;
}

json::object describe(submission::live_session const& s)
{
    json::object o;
    o["session"] = s.id;
    o["client"] = s.client;
    o["listener"] = s.listener;
    o["role"] = s.role;
    o["hello"] = s.hello;
    o["account"] = s.account;
    o["mechanism"] = s.mechanism;
    o["credential"] = s.credential;
    o["label"] = s.label;
    o["tls"] = s.tls;
    o["cipher"] = s.cipher;
    o["state"] = s.state;
    o["since"] = to_rfc3339(s.since);
    o["messages"] = s.messages;
    o["refusals"] = s.refusals;
    return o;
}

/// Times are shown in milliseconds, all else as it is.
json::array shown(std::vector<std::optional<std::int64_t>> const& values, bool microseconds)
{
    json::array list;
    list.reserve(values.size());
    for (auto const& v : values) {
        if (!v) {
            list.emplace_back(nullptr);
        } else if (microseconds) {
            list.emplace_back(std::round(static_cast<double>(*v) / 10.0) / 100.0);
        } else {
            list.emplace_back(*v);
        }
    }
    return list;
}

}  // namespace

outcome events(context& c, arguments a)
{
    auto q = read_question(a);
    if (auto const account = a.optional_text("account", 320)) q.wanted.accounts.push_back(to_lower(*account));
    if (auto wrong = a.problem()) return std::move(*wrong);
    return tell(c, q);
}

outcome account_events(context& c, arguments a)
{
    auto q = read_question(a);
    auto const address = a.text("address");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const own = names_of_account(c, address);
    if (!own) return own.error();
    q.wanted.accounts = own->all;
    q.wanted.by_mail_from = true;
    return tell(c, q, &*own);
}

outcome numbers(context& c, arguments a)
{
    auto const now = std::chrono::duration_cast<std::chrono::seconds>(wall_clock::now().time_since_epoch()).count();
    auto const since = a.optional_number("since", static_cast<std::uint64_t>(now));
    auto const step = a.optional_number("step", 3600);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const from = std::max(since ? static_cast<std::int64_t>(*since) : now - 3600, now - console::kept_seconds);
    auto const samples = c.numbers->book().read(from, now);
    if (!samples) return to_failure(samples.error());
    auto const all = console::gather(*samples, from, now, static_cast<std::int64_t>(step.value_or(0)));
    json::object o;
    o["step"] = all.step;
    json::array times;
    for (auto const t : all.times) times.emplace_back(t);
    o["times"] = std::move(times);
    json::object series, rules;
    for (std::size_t n = 0; n < console::number_count; ++n) {
        auto const what = static_cast<console::number>(n);
        series[console::to_string(what)] = shown(all.values[n], what >= console::number::accept_p50);
    }
    for (auto const& [rule, values] : all.rules) rules[rule] = shown(values, false);
    o["series"] = std::move(series);
    o["rules"] = std::move(rules);
    return json::value(std::move(o));
}

outcome sessions(context& c, arguments a)
{
    auto const limit = read_limit(a, usual_events);
    if (auto wrong = a.problem()) return std::move(*wrong);
    json::array list;
    for (auto const& s : c.gate->list_sessions(static_cast<std::size_t>(limit), patience_with_threads))
        list.emplace_back(describe(s));
    return json::value(std::move(list));
}

outcome decisions(context& c, arguments a)
{
    auto const limit = static_cast<std::size_t>(read_limit(a, usual_events));
    auto const rule = a.optional_text("rule", 64);
    console::event_filter wanted{{"refused"}, {}};
    if (auto const account = a.optional_text("account", 320)) wanted.accounts.push_back(to_lower(*account));
    if (auto wrong = a.problem()) return std::move(*wrong);
    json::array list;
    for (auto const& e : c.events->latest(wanted, SIZE_MAX)) {
        if (list.size() == limit) break;
        auto one = describe(*e);
        if (!rule || console::text_in(one, "rule") == *rule) list.emplace_back(std::move(one));
    }
    return json::value(std::move(list));
}

outcome discovery_list(context& c, arguments a)
{
    auto const limit = read_limit(a, usual_events);
    if (auto wrong = a.problem()) return std::move(*wrong);
    json::array list;
    for (auto const& r : c.discovery->latest(static_cast<std::size_t>(limit))) {
        json::object o;
        o["number"] = r.number;
        o["time"] = r.time;
        o["client"] = r.client;
        o["host"] = r.host;
        o["path"] = r.path;
        o["kind"] = r.kind;
        o["domain"] = r.domain;
        o["user_agent"] = r.user_agent;
        o["status"] = r.status;
        o["answer"] = r.answer;
        list.emplace_back(std::move(o));
    }
    return json::value(std::move(list));
}

/// In batches, with the times of the questions: there are far more of these in a second than commands.
outcome discovery_note(context& c, arguments a)
{
    std::vector<console::discovery_row> rows;
    for (auto const& one : a.objects("requests", most_events)) {
        arguments given{one};
        console::discovery_row r;
        auto const when = given.optional_text("time", 64);
        r.time = when ? *when : to_rfc3339(wall_clock::now());
        r.client = given.text("client", 64);
        r.host = given.text("host", 255);
        r.path = given.text("path", 2048);
        r.kind = given.optional_text("kind", 64).value_or("");
        r.domain = given.optional_text("domain", 255).value_or("");
        r.user_agent = given.optional_text("user_agent", 1024).value_or("");
        r.answer = given.optional_text("answer", 255).value_or("");
        r.status = static_cast<unsigned>(given.optional_number("status", 999).value_or(0));
        if (auto wrong = given.problem()) return std::move(*wrong);
        rows.push_back(std::move(r));
    }
    if (auto wrong = a.problem()) return std::move(*wrong);
    for (auto& r : rows) c.discovery->note(std::move(r));
    return json::value(json::object{});
}

}  // namespace postern::control
