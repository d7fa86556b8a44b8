#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "base/text.hpp"
#include "cli/application.hpp"
#include "cli/output.hpp"
#include "cli/privileges.hpp"
#include "cli/sendmail.hpp"
#include "config/values.hpp"

namespace postern::cli {
namespace {

/// " (did you mean `queue`?)", or nothing.
std::string guess(CLI::App const* at, std::string const& word)
{
    std::vector<std::string> names;
    for (auto const* c : at->get_subcommands([](CLI::App const* one) { return !one->get_group().empty(); }))
        names.push_back(c->get_name());
    auto const meant = config::nearest(word, names);
    return meant.empty() ? std::string{} : " (did you mean `" + meant + "`?)";
}

/// "postern: ...; postern --help lists what there is", on one line.
std::string explain_wrong_call(CLI::App const* commands, CLI::Error const& e)
{
    std::string what = e.what();
    // The command that was meant has its own help.
    std::string chosen = "postern";
    auto const* at = commands;
    while (!at->get_subcommands().empty()) {
        at = at->get_subcommands().front();
        chosen += " " + at->get_name();
    }
    if (auto const left = commands->remaining(true); !left.empty() && dynamic_cast<CLI::RequiredError const*>(&e))
        what = "there is no command `" + printable(left.front(), 100) + "`" + guess(at, left.front());
    return "postern: " + what + "; `" + chosen + " --help` shows how it goes\n";
}

int show_help(CLI::App const& commands, std::vector<std::string> const& about)
{
    auto const* at = &commands;
    std::string above;
    for (auto const& word : about) {
        above += (above.empty() ? "" : " ") + at->get_name();
        auto const known = at->get_subcommands([&](CLI::App const* c) { return c->get_name() == word; });
        if (known.empty()) {
            complain("there is no command `" + printable(word, 100) + "`" + guess(at, word));
            return call_was_wrong;
        }
        at = known.front();
    }
    print(at->help(above));
    return all_is_well;
}

int run(int argc, char** argv)
{
    std::vector<std::string> const words{argv, argv + argc};
    if (auto const status = run_as_sendmail(words)) return *status;
    CLI::App root{"An SMTP submission server and relay that says why.", "postern"};
    root.set_version_flag("--version", "postern " POSTERN_VERSION);
    root.require_subcommand(1);
    root.fallthrough();
    root.failure_message(explain_wrong_call);
    application app;
    command const commands{root, app.chosen};
    commands
        .add_option("--config", app.config,
                    "The configuration; else $POSTERN_CONFIG, ./postern.toml, /etc/postern/postern.toml")
        .type_name("FILE");
    add_serve(commands, app);
    add_account(commands, app);
    add_configuration_import(add_import(commands, app));
    add_domain(commands, app);
    add_queue(commands, app);
    add_sendmail(commands, app);
    add_send(commands);
    add_guard(commands, app);
    add_audit(commands, app);
    add_dkim(commands, app);
    add_tls_report(commands, app);
    add_certificate(commands, app);
    add_smart_host(commands, app);
    add_forward(commands, app);
    add_doctor(commands, app);
    add_profile(commands, app);
    add_discovery(commands, app);
    add_check_code(commands, app);
    add_check(commands, app);
    add_explain(commands, app);
    add_why(commands, app);
    add_status(commands, app);
    add_watch(commands, app);
    add_web(commands, app);
    add_config(commands, app);
    std::vector<std::string> about;
    // Beside --help and --version, for those who guess; the list does without them.
    auto const help = commands.add_subcommand("help", "How a command goes").hidden();
    help.add_option("COMMAND", about, "The command; else all are listed");
    help.does([&] { return show_help(root, about); });
    commands.add_subcommand("version", "Which version this is").hidden().does([] {
        print_line("postern " POSTERN_VERSION);
        return all_is_well;
    });
    try {
        root.parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        // Zero: --help or --version, printed by this.
        return root.exit(e) == 0 ? all_is_well : call_was_wrong;
    }
    return app.chosen ? app.chosen() : call_was_wrong;
}

}  // namespace
}  // namespace postern::cli

int main(int argc, char** argv)
{
    try {
        if (auto const forbidden = postern::cli::forbid_core_dumps(); !forbidden) {
            postern::cli::complain(forbidden.error().logged);
            return postern::cli::call_was_wrong;
        }
        auto const status = postern::cli::run(argc, argv);
        // A full disk behind standard output must not look like success.
        if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
            postern::cli::complain("can't write the output");
            return postern::cli::call_was_wrong;
        }
        return status;
    } catch (std::exception const& e) {
        postern::cli::complain(e.what());
        return postern::cli::call_was_wrong;
    }
}
