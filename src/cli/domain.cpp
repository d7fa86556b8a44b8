// postern domain ...: whose mail ends here
#include <memory>

#include <boost/json/array.hpp>

#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/declaring.hpp"
#include "cli/domain_records.hpp"
#include "cli/output.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::string domain, state;
    bool json = false;
};

int change(application const& app, options const& o, std::string_view command, std::string_view said)
{
    json::object arguments;
    arguments["domain"] = o.domain;
    if (!o.state.empty()) arguments["state"] = o.state;
    auto done = perform(app, command, arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
    } else {
        print_line(text_of(*done, "domain") + " " + std::string{said});
    }
    return all_is_well;
}

std::string words_of(std::string const& state) { return state == "inherit" ? "as the configuration says" : state; }

int list(application const& app, options const& o)
{
    auto done = perform(app, "domain list", {});
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    if (!done->is_array() || done->as_array().empty()) {
        print_line("There is no local domain yet; `postern domain add NAME` makes one.");
        return all_is_well;
    }
    table t{{"DOMAIN", "FROM", "BASIC PASSWORDS"}};
    for (auto const& d : done->as_array()) {
        auto const* basic = d.is_object() ? d.as_object().if_contains("basic_passwords") : nullptr;
        auto const set = !basic || !basic->is_object() ? std::string{"inherited"}
                         : flag_of(*basic, "allowed")  ? "on since " + readable_time(text_of(*basic, "since"))
                                                       : "off since " + readable_time(text_of(*basic, "since"));
        t.add({text_of(d, "domain"), flag_of(d, "configured") ? "configuration" : "postern domain add", set});
    }
    t.print();
    return all_is_well;
}

}  // namespace

void add_domain(command commands, application& app)
{
    auto o = std::make_shared<options>();
    declaring const declare{commands.add_subcommand("domain", "Local domains: whose mail ends here"), app, o};
    declare("add", "Make a domain local",
            [](application const& a, options const& given) { return change(a, given, "domain add", "is local"); })
        .add_option("NAME", o->domain, "The domain")
        .required();
    declare("remove", "Make a domain local no more",
            [](application const& a, options const& given) {
                return change(a, given, "domain remove", "is not local any more");
            })
        .add_option("NAME", o->domain, "The domain")
        .required();
    declare("list", "All local domains", list);
    declare(
        "records", "What to publish in the DNS for a domain",
        [](application const& a, options const& given) { return print_domain_records(a, given.domain, given.json); })
        .add_option("NAME", o->domain, "The domain")
        .required();
    declare("check", "The same records, and what the DNS has in their place",
            [](application const& a, options const& given) {
                json::object arguments;
                arguments["domain"] = given.domain;
                auto done = perform(a, "domain check", arguments);
                if (!done) return done.error();
                bool right = true;
                for (auto const& r : done->at("records").as_array()) {
                    auto const state = text_of(r, "state");
                    right = right && (state == "right" || state == "advised");
                }
                if (given.json) {
                    print_json(*done);
                } else {
                    table rows{{"STATE", "RECORD", "FOUND"}};
                    for (auto const& r : done->at("records").as_array())
                        rows.add({text_of(r, "state"), text_of(r, "line"), joined(texts_of(r, "found"), " | ")});
                    rows.print();
                }
                return right ? all_is_well : problem_found;
            })
        .add_option("NAME", o->domain, "The domain")
        .required();
    auto const basic =
        declare("basic-passwords", "Whether the domain's accounts may log in with their own passwords",
                [](application const& a, options const& given) {
                    return change(a, given, "domain basic-passwords", "has basic passwords " + words_of(given.state));
                });
    basic.add_option("NAME", o->domain, "The domain").required();
    basic.add_option("STATE", o->state, "on, off, or inherit: as the configuration says")
        .required()
        .one_of({"on", "off", "inherit"});
}

}  // namespace postern::cli
