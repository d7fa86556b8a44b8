// postern config ...: validates, shows, documents
#include "config/settings.hpp"

#include "base/text.hpp"
#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/machine.hpp"
#include "cli/output.hpp"
#include "cli/privileges.hpp"
#include "cli/running_server.hpp"
#include "control/commands.hpp"
#include "delivery/service.hpp"
#include "login/judges.hpp"
#include "signing/key_store.hpp"
#include "submission/server.hpp"

namespace postern::cli {
namespace {

int check(application const& app)
{
    auto const s = load_settings(app);
    if (!s) return call_was_wrong;
    for (auto const& w : config::warnings(*s, default_gateways())) warn(w);
    // As `serve` does: as its user, who has to be there and may read the files.
    auto const wrong = [&](error const& e) {
        auto why = control::to_failure(e);
        why.text += " (" + configuration_in_force(app) + ")";
        return fail(why);
    };
    if (auto dropped = drop_privileges(s->user); !dropped) return wrong(dropped.error());
    auto weak = submission::check_certificates(*s);
    if (!weak) return wrong(weak.error());
    for (auto const& w : *weak) warn(w);
    for (auto const& b : backends_of(*s)) {
        auto const tried = directory::try_back_end(b);
        if (tried) continue;
        auto e = tried.error();
        e.logged = "backend " + b.name + ": " + e.logged;
        // One that is down may be back when the server starts.
        if (!e.code.temporary()) return wrong(e);
        warn(e.logged);
    }
    if (auto const w = login::check_kerberos(*s); !w.empty()) warn(w);
    auto const missing = delivery::check_smart_hosts(*s);
    if (!missing) return wrong(missing.error());
    for (auto const& w : *missing) warn(w);
    for (auto const& k : signing::key_store{*s, nullptr}.list())
        if (!k.problem.empty())
            warn("mail of " + k.row.domain + " can't be signed with the key " + k.row.selector + ": " + k.problem);
    auto where = configuration_in_force(app);
    where.front() = upper(where.front());
    print_line(where + ".");
    print_line("It is well-formed.");
    return all_is_well;
}

int show(application const& app)
{
    auto const s = load_settings(app);
    if (!s) return call_was_wrong;
    print(config::to_toml(*s));
    return all_is_well;
}

}  // namespace

void add_config(command commands, application& app)
{
    auto const group = commands.add_subcommand("config", "The configuration");
    group.require_subcommand();
    group.add_subcommand("check", "Is it well-formed?").does([&app] { return check(app); });
    group.add_subcommand("show", "The values in force, as TOML").does([&app] { return show(app); });
    group.add_subcommand("default", "A commented configuration with all defaults").does([] {
        print(config::default_text());
        return all_is_well;
    });
    // docs/configuration.md comes from this; an empty group keeps it out of the help.
    group.add_subcommand("reference", "The reference manual's page").hidden().does([] {
        print(config::reference());
        return all_is_well;
    });
}

}  // namespace postern::cli
