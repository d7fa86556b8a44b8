// postern account test: would a log-in work now, and what stands in its way?
#include <memory>

#include <boost/json/array.hpp>

#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/output.hpp"
#include "cli/password.hpp"
#include "control/json_memory.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::string address, client, listener, mechanism;
    bool password_from_stdin = false;
    bool json = false;
};

void show(json::value const& answer)
{
    print_line(flag_of(answer, "works") ? "A log-in as " + text_of(answer, "address") + " would work."
                                        : "A log-in as " + text_of(answer, "address") + " would not work.");
    for (auto const& f : answer.as_object().at("findings").as_array()) {
        auto const state = text_of(f, "state");
        char const* const mark = state == "ok"         ? "ok       "
                                 : state == "warning"  ? "look     "
                                 : state == "obstacle" ? "obstacle "
                                                       : "unknown  ";
        print_line(std::string{"  "} + mark + text_of(f, "text"));
        if (auto const remedy = text_of(f, "remedy"); !remedy.empty()) print_line("           -> " + remedy);
    }
}

int run(application const& app, options const& o)
{
    json::object arguments{control::wiping_storage()};
    arguments["address"] = o.address;
    if (o.password_from_stdin) {
        password_source from;
        from.from_stdin = true;
        auto password = read_password(from);
        if (!password) return fail(password.error());
        arguments["password"] = password->text.reveal();
    }
    if (!o.client.empty()) arguments["client"] = o.client;
    if (!o.listener.empty()) arguments["listener"] = o.listener;
    if (!o.mechanism.empty()) arguments["mechanism"] = o.mechanism;
    auto done = perform(app, "account test", arguments);
    if (!done) return done.error();
    if (o.json)
        print_json(*done);
    else
        show(*done);
    return flag_of(*done, "works") ? all_is_well : problem_found;
}

}  // namespace

void add_account_test(command account_commands, application& app)
{
    auto o = std::make_shared<options>();
    auto const c =
        account_commands.add_subcommand("test", "Whether a log-in would work now, and what stands in its way");
    c.add_option("ADDRESS", o->address, "The account: its address, which is its login name").required();
    c.add_flag("--password-stdin", o->password_from_stdin, "Try a password too: first line of standard input");
    c.add_option("--client", o->client, "From this address").type_name("IP");
    c.add_option("--listener", o->listener, "On this port or address; else on all that are for people")
        .type_name("PORT");
    c.add_option("--mechanism", o->mechanism, "With this way of logging in");
    c.add_flag("--json", o->json, "For programs");
    c.does([&app, o] { return run(app, *o); });
}

}  // namespace postern::cli
