// postern explain: what would be decided, by which rule and why
#include <memory>

#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/output.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::optional<std::string> from, to, as, client, header_from;
    std::optional<std::uint16_t> listener;
    bool tls = false, no_tls = false;
    bool json = false;
};

void show(json::value const& v)
{
    auto const& o = v.as_object();
    auto const verdict = text_of(v, "verdict");
    auto headline = verdict == "accept" ? "Accepted" : verdict == "defer" ? "Refused for now" : "Refused";
    print_line(std::string{headline} + " at " + text_of(v, "at") +
               (text_of(v, "rule").empty() ? "" : " by the rule " + text_of(v, "rule")));
    if (auto const* reply = o.if_contains("reply")) {
        print_line("  reply      " + text_of(*reply, "code") + " " + text_of(*reply, "status") + " " +
                   text_of(*reply, "text"));
    }
    if (auto const* remedy = o.if_contains("remedy")) {
        if (auto const t = text_of(*remedy, "what"); !t.empty()) print_line("  why        " + t);
        if (auto const t = text_of(*remedy, "user"); !t.empty()) print_line("  the user   " + t);
        if (auto const t = text_of(*remedy, "operator"); !t.empty()) print_line("  you        " + t);
    }
    if (auto const flip = text_of(v, "flip"); !flip.empty())
        print_line(std::string{verdict == "accept" ? "  turned by  " : "  needed     "} + flip);
    if (auto const* facts = o.if_contains("facts"); facts && facts->is_object()) {
        print_line("  facts");
        for (auto const& f : facts->as_object()) {
            std::string const key{f.key()};
            auto value = text_of(*facts, key);
            if (f.value().is_bool()) value = f.value().as_bool() ? "yes" : "no";
            if (value.empty()) value = key == "reverse_path" ? "<>" : "none";
            std::string line = "    " + key;
            line.append(key.size() < 20 ? 20 - key.size() : 1, ' ');
            line += value;
            print_line(line);
        }
    }
}

int run(application const& app, options const& o)
{
    json::object arguments;
    auto const give = [&](std::string_view key, auto const& value) {
        if (value) arguments[key] = *value;
    };
    give("from", o.from);
    give("to", o.to);
    give("as", o.as);
    give("client", o.client);
    give("header_from", o.header_from);
    if (o.listener) arguments["listener"] = static_cast<std::uint64_t>(*o.listener);
    if (o.tls || o.no_tls) arguments["tls"] = o.tls;
    auto done = perform(app, "explain", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
    } else {
        show(*done);
    }
    return text_of(*done, "verdict") == "accept" ? all_is_well : problem_found;
}

}  // namespace

void add_explain(command commands, application& app)
{
    auto o = std::make_shared<options>();
    auto const c = commands.add_subcommand("explain", "What would be decided about a mail, by which rule and why");
    c.add_option("--from", o->from, "Envelope sender; <> or empty: the null sender. Default: the account's address");
    c.add_option("--to", o->to, "Recipient");
    c.add_option("--as", o->as, "Account that has logged in");
    c.add_option("--client", o->client, "The client's IP address. Default: 192.0.2.1, a stranger");
    c.add_option("--listener", o->listener, "Port it connects to. Default: the first for mail programs");
    c.add_option("--header-from", o->header_from, "Address in the header field From");
    auto const tls = c.add_flag("--tls", o->tls, "The connection is encrypted (the default where the port offers it)");
    c.add_flag("--no-tls", o->no_tls, "The connection is not encrypted").excludes(tls);
    c.add_flag("--json", o->json, "For programs");
    c.does([&app, o] { return run(app, *o); });
}

}  // namespace postern::cli
