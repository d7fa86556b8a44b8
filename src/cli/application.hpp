// What the subcommands share. Each add_...() declares one subcommand and stores, when the
// command line chose it, what to do; main() then does it and returns its exit status.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace postern::cli {

inline constexpr int all_is_well = 0;
inline constexpr int problem_found = 1;
inline constexpr int call_was_wrong = 2;

struct application {
    std::optional<std::string> config;  // --config
    std::function<int()> chosen;
};

void add_serve(CLI::App& commands, application& app);
void add_account(CLI::App& commands, application& app);
void add_account_test(CLI::App& account_commands, application& app);
void add_account_affairs(CLI::App& account_commands, application& app);
/// role, session
void add_account_web(CLI::App& account_commands, application& app);
void add_audit(CLI::App& commands, application& app);
void add_app_password(CLI::App& account_commands, application& app);
/// Of users; gives the command, which may get others below it.
CLI::App* add_import(CLI::App& commands, application& app);
/// Of configurations: `import postfix`, `import dovecot`.
void add_configuration_import(CLI::App& import, application& app);
void add_domain(CLI::App& commands, application& app);
void add_queue(CLI::App& commands, application& app);
/// What `queue list` and `queue retry --all` do, for mailq and `sendmail -q`.
int list_queue(application const& app);
int retry_queue(application const& app);
void add_sendmail(CLI::App& commands, application& app);
void add_send(CLI::App& commands, application& app);
void add_guard(CLI::App& commands, application& app);
void add_dkim(CLI::App& commands, application& app);
void add_tls_report(CLI::App& commands, application& app);
void add_certificate(CLI::App& commands, application& app);
void add_forward(CLI::App& commands, application& app);
void add_doctor(CLI::App& commands, application& app);
void add_profile(CLI::App& commands, application& app);
void add_discovery(CLI::App& commands, application& app);
void add_check_code(CLI::App& commands, application& app);
void add_explain(CLI::App& commands, application& app);
void add_check(CLI::App& commands, application& app);
void add_why(CLI::App& commands, application& app);
void add_status(CLI::App& commands, application& app);
void add_watch(CLI::App& commands, application& app);
void add_web(CLI::App& commands, application& app);
void add_config(CLI::App& commands, application& app);

}  // namespace postern::cli
