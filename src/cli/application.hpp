// What the subcommands share. Each add_...() declares one subcommand and stores, when the
// command line chose it, what to do; main() then does it and returns its exit status.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "cli/command_line.hpp"

namespace postern::cli {

inline constexpr int all_is_well = 0;
inline constexpr int problem_found = 1;
inline constexpr int call_was_wrong = 2;

struct application {
    std::optional<std::string> config;  // --config
    std::function<int()> chosen;
};

void add_serve(command commands, application& app);
void add_account(command commands, application& app);
void add_account_test(command account_commands, application& app);
void add_account_affairs(command account_commands, application& app);
/// role, session
void add_account_web(command account_commands, application& app);
void add_audit(command commands, application& app);
void add_app_password(command account_commands, application& app);
/// Of users; gives the command, which may get others below it.
command add_import(command commands, application& app);
/// Of configurations: `import postfix`, `import dovecot`.
void add_configuration_import(command import);
void add_domain(command commands, application& app);
void add_queue(command commands, application& app);
/// What `queue list` and `queue retry --all` do, for mailq and `sendmail -q`.
int list_queue(application const& app);
int retry_queue(application const& app);
void add_sendmail(command commands, application& app);
void add_send(command commands);
void add_guard(command commands, application& app);
void add_dkim(command commands, application& app);
void add_tls_report(command commands, application& app);
void add_certificate(command commands, application& app);
void add_smart_host(command commands, application& app);
void add_forward(command commands, application& app);
void add_doctor(command commands, application& app);
void add_profile(command commands, application& app);
void add_discovery(command commands, application& app);
void add_check_code(command commands, application& app);
void add_explain(command commands, application& app);
void add_check(command commands, application& app);
void add_why(command commands, application& app);
void add_status(command commands, application& app);
void add_watch(command commands, application& app);
void add_web(command commands, application& app);
void add_config(command commands, application& app);

}  // namespace postern::cli
