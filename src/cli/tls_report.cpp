// postern tls-report ...: how TLS to other servers went, and the reports about it
#include <memory>

#include <boost/json/array.hpp>

#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/declaring.hpp"
#include "cli/output.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::string domain, day;
    bool today = false;
    bool json = false;
};

json::array const& rows_of(json::value const& v)
{
    static json::array const none;
    return v.is_array() ? v.as_array() : none;
}

int list(application const& app, options const& o)
{
    auto done = perform(app, "tls-report list", {});
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    if (rows_of(*done).empty()) {
        print_line("Nothing is counted that was not reported yet.");
        return all_is_well;
    }
    table rows{{"DAY", "DOMAIN", "GOOD", "BAD"}};
    for (auto const& r : rows_of(*done))
        rows.add({text_of(r, "day"), text_of(r, "domain"), text_of(r, "good"), text_of(r, "bad")});
    rows.print();
    return all_is_well;
}

// A report is for programs; so what it says is printed as it is.
int show(application const& app, options const& o)
{
    json::object arguments;
    arguments["domain"] = o.domain;
    if (!o.day.empty()) arguments["day"] = o.day;
    auto done = perform(app, "tls-report show", arguments);
    if (!done) return done.error();
    print_json(*done);
    return all_is_well;
}

int send(application const& app, options const& o)
{
    json::object arguments;
    arguments["today"] = o.today;
    auto done = perform(app, "tls-report send", arguments);
    if (!done) return done.error();
    bool problems = false;
    for (auto const& r : rows_of(*done)) problems = problems || !text_of(r, "problem").empty();
    if (o.json) {
        print_json(*done);
        return problems ? problem_found : all_is_well;
    }
    if (rows_of(*done).empty()) print_line("There is nothing to report.");
    for (auto const& r : rows_of(*done)) {
        auto const line = text_of(r, "day") + "  " + text_of(r, "domain") + ": ";
        auto const problem = text_of(r, "problem");
        if (!problem.empty()) {
            print_line(line + "not sent: " + problem);
        } else if (!flag_of(r, "wanted")) {
            print_line(line + "asks for no reports");
        } else {
            print_line(line + "sent to " + joined(texts_of(r, "to")));
        }
    }
    return problems ? problem_found : all_is_well;
}

}  // namespace

void add_tls_report(command commands, application& app)
{
    auto o = std::make_shared<options>();
    declaring const declare{
        commands.add_subcommand("tls-report", "How TLS to other servers went, and reports about it"), app, o};
    declare("list", "What is counted and not yet reported, by day and domain", list);
    auto const one = declare("show", "The report as it would be sent", show);
    one.add_option("DOMAIN", o->domain, "Whose servers it is about").required();
    one.add_option("--day", o->day, "Of this day only, such as 2026-11-22");
    declare("send", "Send the reports of days that are over, now", send)
        .add_flag("--today", o->today, "And what there is of this day");
}

}  // namespace postern::cli
