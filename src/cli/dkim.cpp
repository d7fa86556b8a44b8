// postern dkim ...: the keys that mail is signed with
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
    std::string domain;
    std::string selector;
    std::string algorithm = "both";
    bool force = false;
    bool json = false;
};

std::string state_in_words(json::value const& k)
{
    if (flag_of(k, "configured")) return "active (configuration)";
    return text_of(k, "state");
}

/// As a zone file has it, and as one line.
void print_record(json::value const& k)
{
    if (auto const problem = text_of(k, "problem"); !problem.empty()) {
        print_line("The key " + text_of(k, "selector") + " of " + text_of(k, "domain") + " can't be read: " + problem);
        return;
    }
    std::string strings;
    for (auto const& s : texts_of(k, "strings")) strings += "\n    \"" + s + '"';
    print_line(text_of(k, "name") + ". IN TXT (" + strings + " )");
    print_line("");
    print_line("  for a web form, name:  " + text_of(k, "name"));
    print_line("                  type:  TXT");
    print_line("                  value: " + text_of(k, "value"));
    print_line("");
}

json::array const& rows_of(json::value const& v)
{
    static json::array const none;
    return v.is_array() ? v.as_array() : none;
}

std::optional<json::value> ask_for(application const& app, options const& o, std::string_view command,
                                   json::object const& arguments, int& status)
{
    auto done = perform(app, command, arguments);
    status = all_is_well;
    if (!done) {
        status = done.error();
        return std::nullopt;
    }
    if (!o.json) return std::move(*done);
    print_json(*done);
    return std::nullopt;
}

json::object about(options const& o)
{
    json::object arguments;
    arguments["domain"] = o.domain;
    if (!o.selector.empty()) arguments["selector"] = o.selector;
    return arguments;
}

int create(application const& app, options const& o)
{
    auto arguments = about(o);
    arguments["algorithm"] = o.algorithm;
    int status = all_is_well;
    auto const done = ask_for(app, o, "dkim create", arguments, status);
    if (!done) return status;
    print_line("Publish in the DNS:");
    print_line("");
    for (auto const& k : rows_of(*done)) print_record(k);
    print_line("The server looks for them and then begins to sign; `postern dkim activate " + o.domain +
               "` makes it begin now.");
    return status;
}

int list(application const& app, options const& o)
{
    int status = all_is_well;
    auto const done = ask_for(app, o, "dkim list", {}, status);
    if (!done) return status;
    if (rows_of(*done).empty()) {
        print_line("There is no key; `postern dkim create DOMAIN` makes one.");
        return status;
    }
    table rows{{"DOMAIN", "SELECTOR", "ALGORITHM", "STATE", "SINCE", "KEEP IN THE DNS UNTIL"}};
    for (auto const& k : rows_of(*done)) {
        auto const since = text_of(k, "changed");
        auto const until = text_of(k, "keep_until");
        auto const problem = text_of(k, "problem");
        auto kind = text_of(k, "algorithm");
        if (kind == "rsa" && problem.empty()) kind += ' ' + text_of(k, "bits");
        rows.add({text_of(k, "domain"), text_of(k, "selector"), kind,
                  problem.empty() ? state_in_words(k) : "unusable: " + problem,
                  since.empty() ? "-" : readable_time(since), until.empty() ? "-" : readable_time(until)});
    }
    rows.print();
    return status;
}

int show(application const& app, options const& o)
{
    int status = all_is_well;
    auto const done = ask_for(app, o, "dkim show", about(o), status);
    if (!done) return status;
    for (auto const& k : rows_of(*done)) print_record(k);
    return status;
}

int rotate(application const& app, options const& o)
{
    int status = all_is_well;
    auto const done = ask_for(app, o, "dkim rotate", about(o), status);
    if (!done) return status;
    print_line("Publish in the DNS, beside the records that are there:");
    print_line("");
    for (auto const& k : rows_of(*done)) print_record(k);
    print_line("The server goes on signing with the old keys until it sees these in the DNS; `postern dkim activate " +
               o.domain + "` makes it change now.");
    return status;
}

int activate(application const& app, options const& o)
{
    int status = all_is_well;
    auto const done = ask_for(app, o, "dkim activate", about(o), status);
    if (!done) return status;
    for (auto const& k : rows_of(*done)) {
        auto const name = text_of(k, "selector") + " of " + text_of(k, "domain");
        auto const until = text_of(k, "keep_until");
        if (until.empty()) {
            print_line("Mail is signed with " + name + " now.");
        } else {
            print_line(name + " is not used any more. Leave its record in the DNS until " + readable_time(until) +
                       "; then take it out, and run `postern dkim remove " + text_of(k, "domain") + ' ' +
                       text_of(k, "selector") + "`.");
        }
    }
    return status;
}

int remove(application const& app, options const& o)
{
    auto arguments = about(o);
    arguments["force"] = o.force;
    int status = all_is_well;
    auto const done = ask_for(app, o, "dkim remove", arguments, status);
    if (done) print_line("The key " + text_of(*done, "selector") + " of " + text_of(*done, "domain") + " is gone.");
    return status;
}

std::string finding_in_words(json::value const& k)
{
    auto const found = text_of(k, "dns");
    if (found == "matches") return "the DNS has the right record";
    if (found == "testing") return "the record is right, but says t=y: verifiers don't rely on it";
    if (found == "missing") return "the DNS has no record";
    if (found == "differs") return "the DNS has the record of another key";
    if (found == "revoked") return "the record says that the key is revoked (p= is empty)";
    if (found == "several") return "the DNS has several records, and verifiers may take either";
    if (found == "unusable") return "the DNS has a record that no verifier can use";
    return "nobody answered: " + text_of(k, "dns_problem");
}

int check(application const& app, options const& o)
{
    auto done = perform(app, "dkim check", about(o));
    if (!done) return done.error();
    int const status = flag_of(*done, "well") ? all_is_well : problem_found;
    if (o.json) {
        print_json(*done);
        return status;
    }
    auto const* keys = done->is_object() ? done->as_object().if_contains("keys") : nullptr;
    if (keys == nullptr) return status;
    for (auto const& k : rows_of(*keys)) {
        print_line(text_of(k, "name") + " (" + state_in_words(k) + "): " + finding_in_words(k));
        auto const found = text_of(k, "found");
        if (text_of(k, "dns") == "matches" || text_of(k, "value").empty()) continue;
        if (!found.empty()) print_line("    it has     " + found);
        print_line("    it needs   " + text_of(k, "value"));
    }
    return status;
}

}  // namespace

void add_dkim(command commands, application& app)
{
    auto o = std::make_shared<options>();
    declaring const declare{commands.add_subcommand("dkim", "The keys that mail is signed with"), app, o};
    auto const for_domain = [&](command c) {
        c.add_option("DOMAIN", o->domain, "The domain of the From field").required();
        return c;
    };
    auto const made = for_domain(declare("create", "Make keys for a domain, and show what to publish", create));
    made.add_option("--selector", o->selector, "Their name in the DNS; else the day");
    made.add_option("--algorithm", o->algorithm, "rsa, ed25519 or both").one_of({"rsa", "ed25519", "both"});
    declare("list", "All keys", list);
    for_domain(declare("show", "The records to publish for a domain", show));
    for_domain(declare("rotate", "Make new keys that take the place of a domain's once they are published", rotate));
    for_domain(declare("activate", "Sign with keys that wait, without waiting for the DNS", activate))
        .add_option("SELECTOR", o->selector, "Only this one");
    auto const gone = for_domain(declare("remove", "Forget a key", remove));
    gone.add_option("SELECTOR", o->selector, "Which").required();
    gone.add_flag("--force", o->force, "Even one in use, or before its time");
    for_domain(declare("check", "Compare the DNS with the keys", check));
}

}  // namespace postern::cli
