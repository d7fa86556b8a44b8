// postern account role, account session ...; postern audit: who may do what on the web pages, who is signed in there,
// and who changed what
#include <memory>
#include <optional>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/declaring.hpp"
#include "cli/output.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::string address;
    std::string role;
    std::string id;
    std::string account, since;
    std::uint64_t limit = 200, before = 0;
    bool all = false;
    bool json = false;
};

template <class Print>
int perform_and_print(application const& app, options const& o, std::string_view command, json::object const& arguments,
                      Print print_result)
{
    auto done = perform(app, command, arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
    } else {
        print_result(*done);
    }
    return all_is_well;
}

int set_role(application const& app, options const& o)
{
    json::object arguments;
    arguments["address"] = o.address;
    arguments["role"] = o.role;
    return perform_and_print(app, o, "account role", arguments, [&](json::value const& v) {
        print_line(text_of(v, "address") + (o.role == "none" ? " has no role" : " is " + o.role));
    });
}

int list_sessions(application const& app, options const& o)
{
    json::object arguments;
    arguments["address"] = o.address;
    return perform_and_print(app, o, "account session list", arguments, [&](json::value const& v) {
        if (!v.is_array() || v.as_array().empty()) {
            print_line("Nobody is signed in as " + o.address + " on the web pages.");
            return;
        }
        table t{{"ID", "FROM", "SINCE", "LAST USED", "BROWSER"}};
        for (auto const& s : v.as_array())
            t.add({text_of(s, "id"), text_of(s, "client"), readable_time(text_of(s, "created")),
                   readable_time(text_of(s, "last_used")), text_of(s, "agent")});
        t.print();
    });
}

int end_sessions(application const& app, options const& o)
{
    json::object arguments;
    arguments["address"] = o.address;
    if (!o.id.empty()) arguments["id"] = o.id;
    if (o.all) arguments["all"] = true;
    return perform_and_print(app, o, "account session end", arguments, [&](json::value const& v) {
        auto const n = text_of(v, "ended");
        print_line(n + (n == "1" ? " session" : " sessions") + " of " + o.address + " ended");
    });
}

/// "bob (terminal pts/3)", "ann@example.com (operator, 192.0.2.7)"
std::string actor_of(json::value const& row)
{
    auto text = text_of(row, "who");
    if (text.empty()) text = "somebody";
    std::string beside = text_of(row, "role");
    if (auto const from = text_of(row, "from"); !from.empty()) beside += (beside.empty() ? "" : ", ") + from;
    return beside.empty() ? text : text + " (" + beside + ")";
}

int list_audit(application const& app, options const& o)
{
    json::object arguments;
    if (!o.account.empty()) arguments["account"] = o.account;
    if (!o.since.empty()) arguments["since"] = o.since;
    if (o.before != 0) arguments["before"] = o.before;
    arguments["limit"] = o.limit;
    return perform_and_print(app, o, "audit list", arguments, [&](json::value const& v) {
        if (!v.is_array() || v.as_array().empty()) {
            print_line("Nothing was changed.");
            return;
        }
        table t{{"TIME", "WHO", "COMMAND", "ARGUMENTS", "OUTCOME"}};
        for (auto const& r : v.as_array()) {
            auto const* given = r.as_object().if_contains("arguments");
            t.add({readable_time(text_of(r, "time")), actor_of(r), text_of(r, "command"),
                   given ? json::serialize(*given) : std::string{}, text_of(r, "outcome")});
        }
        t.print();
    });
}

}  // namespace

void add_account_web(command account_commands, application& app)
{
    auto o = std::make_shared<options>();
    declaring const declare{account_commands, app, o};
    declare.for_account("role", "What an account may do for others on the web pages", set_role)
        .add_option("ROLE", o->role, "none, reader (may look), operator (may act), or owner (may do all)")
        .required()
        .one_of({"none", "reader", "operator", "owner"});
    auto const sessions = account_commands.add_subcommand("session", "Who is signed in on the web pages");
    declaring const declare_session{sessions, app, o};
    declare_session.for_account("list", "Where an account is signed in", list_sessions);
    auto const end = declare_session.for_account("end", "Sign an account out", end_sessions);
    auto const id = end.add_option("ID", o->id, "One of them");
    end.add_flag("--all", o->all, "All of them").excludes(id);
}

void add_audit(command commands, application& app)
{
    auto o = std::make_shared<options>();
    declaring const declare{commands.add_subcommand("audit", "Who changed what"), app, o};
    auto const list = declare("list", "What was changed, the newest first", list_audit);
    list.add_option("--account", o->account, "By whom, or about whom").type_name("ADDRESS|USER");
    list.add_option("--since", o->since, "In that time, such as 7d").type_name("DURATION");
    list.add_option("--before", o->before, "What comes behind the row with this number, which --json shows")
        .between(1, INT64_MAX);
    list.add_option("--limit", o->limit, "At most so many").between(1, 10'000);
}

}  // namespace postern::cli
