// postern forward ...: whose mail goes on to other addresses
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
    std::string address, target;
    bool keep = false, no_keep = false, json = false;
};

std::string targets_of(json::value const& forward)
{
    std::string out;
    auto const* list = forward.is_object() ? forward.as_object().if_contains("targets") : nullptr;
    if (!list || !list->is_array()) return out;
    for (auto const& t : list->as_array())
        if (t.is_string()) out += (out.empty() ? "" : ", ") + std::string{t.as_string()};
    return out;
}

int add(application const& app, options const& o)
{
    json::object arguments;
    arguments["address"] = o.address;
    arguments["target"] = o.target;
    if (o.keep || o.no_keep) arguments["keep"] = o.keep;
    auto done = perform(app, "forward add", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
    } else {
        print_line("Mail for " + text_of(*done, "address") + " goes to " + targets_of(*done) +
                   (flag_of(*done, "keep") ? ", and into its own mailbox" : ""));
    }
    return all_is_well;
}

int remove(application const& app, options const& o)
{
    json::object arguments;
    arguments["address"] = o.address;
    if (!o.target.empty()) arguments["target"] = o.target;
    auto done = perform(app, "forward remove", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
    } else {
        print_line("Mail for " + text_of(*done, "address") + " is not forwarded" +
                   (o.target.empty() ? "" : " to " + o.target) + " any more");
    }
    return all_is_well;
}

int list(application const& app, options const& o)
{
    auto done = perform(app, "forward list", {});
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    if (!done->is_array() || done->as_array().empty()) {
        print_line("Nobody's mail is forwarded; `postern forward add ADDRESS TARGET` does it.");
        return all_is_well;
    }
    table t{{"ADDRESS", "GOES TO", "KEEPS A COPY"}};
    for (auto const& f : done->as_array())
        t.add({text_of(f, "address"), targets_of(f), flag_of(f, "keep") ? "yes" : "no"});
    t.print();
    return all_is_well;
}

}  // namespace

void add_forward(command commands, application& app)
{
    auto o = std::make_shared<options>();
    declaring const declare{commands.add_subcommand("forward", "Addresses whose mail goes on to other addresses"), app,
                            o};
    auto const adds = declare("add", "Forward an address's mail to one more address", add);
    adds.add_option("ADDRESS", o->address, "An address of a local domain").required();
    adds.add_option("TARGET", o->target, "Where its mail goes").required();
    auto const keep = adds.add_flag("--keep", o->keep, "Its own mailbox gets the mail too");
    adds.add_flag("--no-keep", o->no_keep, "Its own mailbox gets none any more").excludes(keep);
    auto const removes = declare("remove", "Forward it no more", remove);
    removes.add_option("ADDRESS", o->address, "The address").required();
    removes.add_option("TARGET", o->target, "Only to this address; else to none at all");
    declare("list", "All forwards", list);
}

}  // namespace postern::cli
