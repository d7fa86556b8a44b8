// postern account app-password ...: passwords for single devices and programs
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
    std::string address;
    std::string label, expires;
    std::vector<std::string> networks, senders, recipients;
    std::uint64_t id = 0;
    bool json = false;
};

json::array array_of(std::vector<std::string> const& texts)
{
    json::array a;
    for (auto const& t : texts) a.emplace_back(t);
    return a;
}

std::string limits_of(json::value const& p)
{
    std::string all;
    for (auto const& [key, words] :
         {std::pair{"networks", "from "}, std::pair{"senders", "as "}, std::pair{"recipients", "to "}}) {
        auto const list = texts_of(p, key);
        if (list.empty()) continue;
        if (!all.empty()) all += "; ";
        all += words + joined(list);
    }
    return all;
}

std::string time_or(json::value const& p, std::string_view key, std::string otherwise)
{
    auto const* v = p.is_object() ? p.as_object().if_contains(key) : nullptr;
    return v && v->is_string() ? readable_time(std::string_view{v->as_string()}) : std::move(otherwise);
}

int add(application const& app, options const& o)
{
    json::object arguments;
    arguments["address"] = o.address;
    arguments["label"] = o.label;
    if (!o.expires.empty()) arguments["expires"] = o.expires;
    arguments["networks"] = array_of(o.networks);
    arguments["senders"] = array_of(o.senders);
    arguments["recipients"] = array_of(o.recipients);
    auto done = perform(app, "account app-password add", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    print_line("App password " + text_of(*done, "id") + " of " + text_of(*done, "address") + " for " +
               text_of(*done, "label") + ":");
    print("\n    ");
    print_line(text_of(*done, "password"));
    print_line("\nIt is shown this once. Enter it in place of the account's password, with or without the hyphens.");
    if (auto const limits = limits_of(*done); !limits.empty()) print_line("It may be used " + limits + ".");
    if (auto const until = time_or(*done, "expires", {}); !until.empty()) print_line("It expires " + until + ".");
    return all_is_well;
}

int list(application const& app, options const& o)
{
    json::object arguments;
    arguments["address"] = o.address;
    auto done = perform(app, "account app-password list", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    if (!done->is_array() || done->as_array().empty()) {
        print_line("There is no app password yet; `postern account app-password add ADDRESS --label TEXT` makes one.");
        return all_is_well;
    }
    table t{{"ID", "LABEL", "STATE", "LAST USED", "FROM", "EXPIRES", "CREATED", "LIMITS"}};
    for (auto const& p : done->as_array()) {
        auto state = text_of(p, "state");
        if (state == "revoked") state += " " + time_or(p, "revoked", {});
        auto const client = text_of(p, "last_client");
        auto const limits = limits_of(p);
        t.add({text_of(p, "id"), text_of(p, "label"), state, time_or(p, "last_used", "never"),
               client.empty() ? "-" : client, time_or(p, "expires", "never"), time_or(p, "created", {}),
               limits.empty() ? "-" : limits});
    }
    t.print();
    return all_is_well;
}

int revoke(application const& app, options const& o)
{
    json::object arguments;
    arguments["address"] = o.address;
    arguments["id"] = o.id;
    auto done = perform(app, "account app-password revoke", arguments);
    if (!done) return done.error();
    if (o.json)
        print_json(*done);
    else
        print_line("App password " + text_of(*done, "id") + " of " + text_of(*done, "address") +
                   " is revoked; open sessions that used it send nothing any more");
    return all_is_well;
}

}  // namespace

void add_app_password(command account_commands, application& app)
{
    auto o = std::make_shared<options>();
    declaring const declare{
        account_commands.add_subcommand("app-password", "Passwords for single devices and programs"), app, o};
    auto const making = declare.for_account("add", "Make one, and show it once", add);
    making.add_option("--label", o->label, "What it is for: \"phone\", \"printer 2nd floor\"").required();
    making.add_option("--network", o->networks, "It may log in from there only").type_name("CIDR");
    making.add_option("--sender", o->senders, "It may send as that only").type_name("ADDRESS|@DOMAIN");
    making.add_option("--recipient", o->recipients, "It may write there only").type_name("ADDRESS|@DOMAIN");
    making.add_option("--expires", o->expires, "It works until the end of that day (UTC), or for that long")
        .type_name("DATE|DURATION");
    declare.for_account("list", "All of an account, with their last use", list);
    declare.for_account("revoke", "End one; the others go on", revoke)
        .add_option("ID", o->id, "Its number in the list")
        .required();
}

}  // namespace postern::cli
