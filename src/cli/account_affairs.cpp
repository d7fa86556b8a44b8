// postern account logins, sent, message, limits, test-mail: what the account page shows
#include <chrono>
#include <memory>
#include <thread>

#include <boost/json/array.hpp>

#include "base/clock.hpp"
#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/declaring.hpp"
#include "cli/output.hpp"
#include "cli/rows.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    bool json = false;
    std::string address, other;
    std::uint64_t limit = 100;
    std::uint64_t seconds = 60;
};

constexpr column login_columns[] = {{"TIME", "time", column::time},
                                    {"TIMES", "times"},
                                    {"RESULT", "result"},
                                    {"CAUSE", "cause"},
                                    {"CLIENT", "client"},
                                    {"PORT", "port"},
                                    {"TLS", "tls"},
                                    {"MECHANISM", "mechanism"},
                                    {"HELLO", "hello"},
                                    {"LABEL", "label"}};
constexpr column limit_columns[] = {
    {"COUNTED FOR", "counted_for"},    {"WHO", "who"}, {"WHAT", "what"}, {"USED", "used"}, {"LIMIT", "limit"},
    {"RESETS", "resets", column::time}};

json::object address_of(options const& o)
{
    json::object arguments;
    arguments["address"] = o.address;
    return arguments;
}

json::object with_limit(options const& o)
{
    auto arguments = address_of(o);
    arguments["limit"] = o.limit;
    return arguments;
}

int sent(application const& app, options const& o)
{
    auto done = perform(app, "account sent", with_limit(o));
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    if (done->as_array().empty()) {
        print_line("Nothing is known of mail from " + o.address + ".");
        return all_is_well;
    }
    table rows{{"TIME", "ID", "STATE", "TO", "REPLY", "LABEL"}};
    for (auto const& m : done->as_array())
        for (auto const& r : m.at("recipients").as_array())
            rows.add({readable_time(text_of(m, "time")), text_of(m, "queue_id"), text_of(r, "state"),
                      text_of(r, "forward_path"), text_of(r, "reply"), text_of(m, "label")});
    rows.print();
    return all_is_well;
}

int message(application const& app, options const& o)
{
    auto arguments = address_of(o);
    arguments["queue_id"] = o.other;
    auto done = perform(app, "account message", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    table rows{{"TIME", "EVENT", "TO", "NEXT HOP", "REPLY"}};
    for (auto const& e : done->at("events").as_array())
        rows.add({readable_time(text_of(e, "time")), text_of(e, "event"), text_of(e, "forward_path"),
                  text_of(e, "next_hop"), text_of(e, "reply")});
    rows.print();
    return all_is_well;
}

void print_steps(json::value const& way, std::size_t& seen)
{
    auto const& steps = way.at("steps").as_array();
    for (; seen < steps.size(); ++seen) {
        auto const what = text_of(steps[seen], "what"), reply = text_of(steps[seen], "reply");
        print_line(readable_time(text_of(steps[seen], "time")) + "  " + text_of(steps[seen], "text") +
                   (what.empty() ? "" : ' ' + what) + (reply.empty() ? "" : " (" + reply + ")"));
    }
    std::fflush(stdout);
}

int test_mail(application const& app, options const& o)
{
    auto arguments = address_of(o);
    if (!o.other.empty()) arguments["to"] = o.other;
    auto done = perform(app, "account test-mail", arguments);
    if (!done) return done.error();
    auto show = address_of(o);
    show["queue_id"] = text_of(*done, "queue_id");
    auto const until = steady_clock::now() + std::chrono::seconds{o.seconds};
    std::size_t seen = 0;
    for (;;) {
        if (!o.json) print_steps(*done, seen);
        bool const over = text_of(*done, "state") != "on its way";
        if (over || steady_clock::now() >= until) break;
        std::this_thread::sleep_for(std::chrono::milliseconds{200});
        done = perform(app, "account test-mail-show", show);
        if (!done) return done.error();
    }
    auto const state = text_of(*done, "state");
    if (o.json) print_json(*done);
    if (!o.json && state == "on its way")
        print_line("It is still on its way; `postern account message " + o.address + ' ' + text_of(*done, "queue_id") +
                   "` shows how far it comes.");
    return state == "arrived" ? all_is_well : problem_found;
}

}  // namespace

void add_account_affairs(command account_commands, application& app)
{
    auto const o = std::make_shared<options>();
    declaring const declare{account_commands, app, o};
    auto const limited = [&](command c) { c.add_option("--limit", o->limit, "At most so many").between(1, 1000); };
    limited(declare.for_account("logins", "Log-ins of an account, and why some failed",
                                [](application const& a, options const& given) {
                                    return print_rows(a, "account logins", with_limit(given), login_columns,
                                                      "Nothing is known of log-ins.", given.json);
                                }));
    limited(declare.for_account("sent", "What an account sent, and what became of it", sent));
    declare.for_account("message", "The story of one message that the account sent", message)
        .add_option("ID", o->other, "Its id")
        .required();
    declare.for_account("limits", "How much of its sending limits an account has used",
                        [](application const& a, options const& given) {
                            return print_rows(a, "account limits", address_of(given), limit_columns,
                                              "No limits of [[limits.sending]] apply.", given.json);
                        });
    auto const test =
        declare.for_account("test-mail", "Send a mail from an account to itself, and tell how far it comes", test_mail);
    test.add_option("--to", o->other, "One of its aliases instead");
    test.add_option("--wait", o->seconds, "How many seconds to wait until it has arrived").between(0, 3600);
}

}  // namespace postern::cli
