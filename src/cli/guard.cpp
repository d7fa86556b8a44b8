// postern guard ...: who is kept out, and why
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
    std::string what;
    std::uint64_t limit = 1000;
    bool json = false;
};

void print_networks(json::value const& from, std::string_view key, std::string const& title)
{
    auto const networks = texts_of(from, key);
    if (!networks.empty()) print_line(title + ": " + joined(networks));
}

int list(application const& app, options const& o)
{
    json::object arguments;
    arguments["limit"] = o.limit;
    auto done = perform(app, "guard list", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    auto const* all = done->is_object() ? done->as_object().if_contains("held_against") : nullptr;
    if (all && all->is_array() && !all->as_array().empty()) {
        // Long names are cut there, so by their ids.
        constexpr std::size_t longest_name = 43;
        table rows{{"KIND", "WHAT", "POINTS", "SAME AGAIN", "LAST FAILURE", "REFUSED UNTIL"}};
        for (auto const& r : all->as_array()) {
            auto const until = text_of(r, "refused_until");
            auto const id = text_of(r, "id");
            auto const what = text_of(r, "what");
            auto const shown = id.empty() || what.size() < longest_name ? what : what + "... " + id;
            rows.add({text_of(r, "kind"), shown, text_of(r, "points"), text_of(r, "same_secret_again"),
                      readable_time(text_of(r, "last_failure")), until.empty() ? "-" : readable_time(until)});
        }
        rows.print();
    } else {
        print_line("Nothing is held against anybody.");
    }
    auto const* accounts = done->is_object() ? done->as_object().if_contains("accounts") : nullptr;
    if (accounts && accounts->is_array() && !accounts->as_array().empty()) {
        table rows{{"ACCOUNT", "STEP", "SINCE", "NEW RECIPIENTS", "NETWORKS", "BOUNCES"}};
        for (auto const& r : accounts->as_array()) {
            auto const since = text_of(r, "since");
            rows.add({text_of(r, "account"), text_of(r, "step"), since.empty() ? "-" : readable_time(since),
                      text_of(r, "new_recipients"), text_of(r, "networks"), text_of(r, "bounces")});
        }
        rows.print();
    }
    print_networks(*done, "deny", "denied");
    print_networks(*done, "configured_deny", "denied by the configuration");
    print_networks(*done, "allow", "allowed");
    print_networks(*done, "configured_allow", "allowed by the configuration");
    return all_is_well;
}

int change(application const& app, options const& o, std::string_view command, std::string_view key,
           std::string_view said)
{
    json::object arguments;
    arguments[key] = o.what;
    auto done = perform(app, command, arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
    } else {
        print_line(text_of(*done, "what") + " " + std::string{said});
    }
    return all_is_well;
}

int usage(application const& app, options const& o)
{
    json::object arguments;
    arguments["account"] = o.what;
    auto done = perform(app, "guard usage", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    if (!done->is_array() || done->as_array().empty()) {
        print_line("No limits of [[limits.sending]] apply.");
        return all_is_well;
    }
    table rows{{"COUNTED FOR", "WHO", "WHAT", "USED", "LIMIT", "RESETS"}};
    for (auto const& r : done->as_array())
        rows.add({text_of(r, "counted_for"), text_of(r, "who"), text_of(r, "what"), text_of(r, "used"),
                  text_of(r, "limit"), readable_time(text_of(r, "resets"))});
    rows.print();
    return all_is_well;
}

}  // namespace

void add_guard(command commands, application& app)
{
    auto o = std::make_shared<options>();
    declaring const declare{commands.add_subcommand("guard", "Who is kept out, and why"), app, o};
    declare("list", "What is held against whom", list)
        .add_option("--limit", o->limit, "At most so many")
        .between(1, 100'000);
    declare("lift", "Forget what is held against a network or an account; take a network off the lists",
            [](application const& a, options const& given) {
                return change(a, given, "guard lift", "what", "is as welcome as anybody");
            })
        .add_option("NETWORK|ACCOUNT", o->what, "An address, a network, an account, or an id from `guard list`")
        .required();
    declare("usage", "How much of its sending limits an account has used", usage)
        .add_option("ACCOUNT", o->what, "An account")
        .required();
    declare("deny", "Refuse all connections from a network",
            [](application const& a, options const& given) {
                return change(a, given, "guard deny", "network", "is denied");
            })
        .add_option("NETWORK", o->what, "An address or a network")
        .required();
    declare("allow", "Never slow or refuse a network",
            [](application const& a, options const& given) {
                return change(a, given, "guard allow", "network", "is allowed");
            })
        .add_option("NETWORK", o->what, "An address or a network")
        .required();
}

}  // namespace postern::cli
