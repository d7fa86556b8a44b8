// postern profile make, discovery publish: what sets mail programs up
#include <memory>

#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/declaring.hpp"
#include "cli/output.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::string address, label, name;
    bool without_password = false;
    bool json = false;
};

int make(application const& app, options const& o)
{
    json::object arguments;
    arguments["address"] = o.address;
    if (!o.label.empty()) arguments["label"] = o.label;
    if (!o.name.empty()) arguments["name"] = o.name;
    arguments["with_password"] = !o.without_password;
    auto const done = perform(app, "profile make", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    print_line("On the iPhone, iPad or Mac of " + text_of(*done, "address") + ", open");
    print("\n    ");
    print_line(text_of(*done, "url"));
    print_line("\nIt is good once, until " + readable_time(text_of(*done, "expires")) + ". " +
               (o.without_password ? "The device asks for the password."
                                   : "A password for this device alone is made then, and is in the profile."));
    return all_is_well;
}

int publish(application const& app, options const& o)
{
    auto const done = perform(app, "discovery publish", {});
    if (!done) return done.error();
    if (o.json)
        print_json(*done);
    else
        print_line(
            "Mail programs are told the settings as they are now. `postern domain records NAME` shows the digest.");
    return all_is_well;
}

}  // namespace

void add_profile(command commands, application& app)
{
    auto const o = std::make_shared<options>();
    declaring const declare{commands.add_subcommand("profile", "Configuration profiles for iPhones, iPads and Macs"),
                            app, o};
    auto const making = declare.for_account("make", "A link that is good once, to open on the device", make);
    making.add_option("--label", o->label, "What its password is called: \"Anna's phone\"");
    making.add_option("--name", o->name, "Whose name stands beside the address in mails");
    making.add_flag("--without-password", o->without_password, "The device asks for one");
}

void add_discovery(command commands, application& app)
{
    declaring const declare{commands.add_subcommand("discovery", "What mail programs ask for their settings"), app,
                            std::make_shared<options>()};
    declare("publish", "Tell changed settings at once to those who hold them against the DNS", publish);
}

}  // namespace postern::cli
