// postern events, numbers, sessions, decisions, discovery list: what the server does, while it does it
#include <chrono>
#include <memory>
#include <thread>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/clock.hpp"
#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/declaring.hpp"
#include "cli/output.hpp"
#include "cli/rows.hpp"
#include "config/values.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    bool json = false;
    bool follow = false;
    std::optional<std::uint64_t> since;
    std::uint64_t limit = 100;
    std::string account, rule, period = "1h", step;
    std::vector<std::string> names;
};

constexpr std::chrono::seconds between_questions{1};

/// "2026-11-26 14:06:40 UTC  login  account=anna@example.com ..."
void print_event(json::value const& e)
{
    std::string line = readable_time(text_of(e, "time")) + "  " + text_of(e, "event");
    for (auto const& [key, value] : e.as_object()) {
        if (key == "time" || key == "event" || key == "number") continue;
        auto const text = text_of(e, key);
        if (!text.empty()) line += "  " + std::string{key} + '=' + text;
    }
    print_line(line);
}

int events(application const& app, options const& o)
{
    json::object arguments;
    arguments["limit"] = o.limit;
    if (!o.account.empty()) arguments["account"] = o.account;
    if (!o.names.empty()) arguments["event"] = json::array(o.names.begin(), o.names.end());
    // Who names no number and does not follow wants what there is.
    if (o.since || !o.follow) arguments["since"] = o.since.value_or(0);
    for (;;) {
        auto done = perform(app, "events", arguments);
        if (!done) return done.error();
        if (o.json && !o.follow) {
            print_json(*done);
            return all_is_well;
        }
        auto const& list = done->at("events").as_array();
        for (auto const& e : list) {
            if (o.json)
                print_json(e);
            else
                print_event(e);
        }
        std::fflush(stdout);
        arguments["since"] = done->at("last");
        bool const more = list.size() == o.limit;
        if (!o.follow) {
            if (list.empty()) print_line("Nothing has happened that is told here.");
            return all_is_well;
        }
        if (!more) std::this_thread::sleep_for(between_questions);
    }
}

std::string shown(json::value const& series, std::string_view key, std::size_t at, bool size = false)
{
    auto const& v = series.at(key).at(at);
    if (v.is_null()) return "-";
    if (size && v.is_int64()) return readable_size(static_cast<std::uint64_t>(v.as_int64()));
    if (v.is_double()) {
        auto const hundredths = static_cast<std::int64_t>(v.as_double() * 100);
        return std::to_string(hundredths / 100) + '.' + (hundredths % 100 < 10 ? "0" : "") +
               std::to_string(hundredths % 100);
    }
    return json::serialize(v);
}

int numbers(application const& app, options const& o)
{
    auto const back = config::parse_duration(o.period);
    auto const step = config::parse_duration(o.step.empty() ? "10m" : o.step);
    if (!back || back->count() <= 0 || !step || step->count() <= 0) {
        complain("a time is written like 90s, 10m or 24h");
        return call_was_wrong;
    }
    using std::chrono::duration_cast;
    using std::chrono::seconds;
    json::object arguments;
    arguments["since"] = duration_cast<seconds>((wall_clock::now() - *back).time_since_epoch()).count();
    arguments["step"] = duration_cast<seconds>(*step).count();
    auto done = perform(app, "numbers", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    table rows{{"UNTIL", "MESSAGES", "IN", "OUT", "DELIVERED", "LOG-INS", "REFUSED", "REFUSALS", "QUEUE", "SESSIONS",
                "ACCEPT P50 ms", "P99 ms"}};
    auto const& s = done->at("series");
    auto const& times = done->at("times").as_array();
    for (std::size_t i = 0; i < times.size(); ++i) {
        auto const until = wall_time{seconds{times[i].as_int64()}};
        rows.add({readable_time(to_rfc3339(until)), shown(s, "messages", i), shown(s, "octets_in", i, true),
                  shown(s, "octets_out", i, true), shown(s, "delivered", i), shown(s, "logins_accepted", i),
                  shown(s, "logins_refused", i), shown(s, "refusals", i), shown(s, "queue", i), shown(s, "sessions", i),
                  shown(s, "accept_p50", i), shown(s, "accept_p99", i)});
    }
    rows.print();
    return all_is_well;
}

constexpr column session_columns[] = {{"SINCE", "since", column::time},
                                      {"CLIENT", "client"},
                                      {"LISTENER", "listener"},
                                      {"ACCOUNT", "account"},
                                      {"LABEL", "label"},
                                      {"TLS", "tls"},
                                      {"HELLO", "hello"},
                                      {"STATE", "state"}};
constexpr column decision_columns[] = {{"TIME", "time", column::time}, {"RULE", "rule"},       {"ACCOUNT", "account"},
                                       {"CLIENT", "client"},           {"COMMAND", "command"}, {"CAUSE", "cause"},
                                       {"SESSION", "session"}};
constexpr column discovery_columns[] = {{"TIME", "time", column::time}, {"CLIENT", "client"}, {"KIND", "kind"},
                                        {"DOMAIN", "domain"},           {"STATUS", "status"}, {"ANSWER", "answer"},
                                        {"PROGRAM", "user_agent"}};

void limit_option(command c, std::shared_ptr<options> const& o)
{
    c.add_option("--limit", o->limit, "At most so many").between(1, 1000);
}

}  // namespace

void add_watch(command commands, application& app)
{
    auto const o = std::make_shared<options>();
    declaring const declare{commands, app, o};
    auto const follow = declare("events", "What has happened lately, and with --follow what happens", events);
    limit_option(follow, o);
    follow.add_flag("--follow", o->follow, "Go on until it is interrupted");
    follow.add_option("--since", o->since, "What came behind the event with this number");
    follow.add_option("--account", o->account, "Only of this account");
    follow.add_option("--event", o->names, "Only these, such as login, refused, accepted, delivered").take_all();

    auto const over_time = declare("numbers", "Traffic, log-ins, refusals, queue and latency of the last day", numbers);
    over_time.add_option("--period", o->period, "How far back, such as 1h or 24h");
    over_time.add_option("--step", o->step, "How long a row is, such as 10m");

    limit_option(declare("sessions", "Connections of clients at this moment",
                         [](application const& a, options const& given) {
                             json::object arguments;
                             arguments["limit"] = given.limit;
                             return print_rows(a, "sessions", arguments, session_columns, "Nobody is connected.",
                                               given.json);
                         }),
                 o);
    auto const refusals = declare(
        "decisions", "What was refused lately, and by which rule", [](application const& a, options const& given) {
            json::object arguments;
            arguments["limit"] = given.limit;
            if (!given.rule.empty()) arguments["rule"] = given.rule;
            if (!given.account.empty()) arguments["account"] = given.account;
            return print_rows(a, "decisions", arguments, decision_columns, "Nothing was refused lately.", given.json);
        });
    limit_option(refusals, o);
    refusals.add_option("--rule", o->rule, "Only by this rule");
    refusals.add_option("--account", o->account, "Only of this account");
    declaring const discovery{commands.add_subcommand("discovery", "What mail programs ask for their settings"), app,
                              o};
    limit_option(discovery("list", "Who asked for settings, and what was answered",
                           [](application const& a, options const& given) {
                               json::object arguments;
                               arguments["limit"] = given.limit;
                               return print_rows(a, "discovery list", arguments, discovery_columns,
                                                 "Nobody has asked since the server was started.", given.json);
                           }),
                 o);
}

}  // namespace postern::cli
