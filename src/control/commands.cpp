#include "control/commands.hpp"

#include <algorithm>
#include <array>

#include "base/log.hpp"

namespace postern::control {
namespace {

constexpr bool accounts = true;
constexpr bool queue = true;
constexpr bool server = true;
constexpr bool keys = true;
constexpr bool forwards = true;

constexpr std::array<command, 80> table{{
    {"account add", accounts, !queue, !server, account_add},
    {"account list", accounts, !queue, !server, account_list},
    {"account show", accounts, !queue, !server, account_show},
    {"account password", accounts, !queue, !server, account_password},
    {"account remove", accounts, !queue, !server, account_remove},
    {"account enable", accounts, !queue, !server, account_enable},
    {"account disable", accounts, !queue, !server, account_disable},
    {"account smtp-auth", accounts, !queue, !server, account_smtp_auth},
    {"account basic-passwords", accounts, !queue, !server, account_basic_passwords},
    {"account alias add", accounts, !queue, !server, account_alias_add},
    {"account alias remove", accounts, !queue, !server, account_alias_remove},
    {"account send-as add", accounts, !queue, !server, account_send_as_add},
    {"account send-as remove", accounts, !queue, !server, account_send_as_remove},
    {"account import", accounts, !queue, !server, account_import},
    {"account test", accounts, !queue, !server, account_test},
    {"account app-password add", accounts, !queue, !server, app_password_add},
    {"account app-password list", accounts, !queue, !server, app_password_list},
    {"account app-password revoke", accounts, !queue, !server, app_password_revoke},
    {"domain add", accounts, !queue, !server, domain_add},
    {"domain basic-passwords", accounts, !queue, !server, domain_basic_passwords},
    {"domain list", accounts, !queue, !server, domain_list},
    {"domain remove", accounts, !queue, !server, domain_remove},
    {"queue list", !accounts, queue, !server, queue_list},
    {"queue show", !accounts, queue, !server, queue_show},
    {"queue retry", !accounts, queue, !server, queue_retry},
    {"queue hold", !accounts, queue, !server, queue_hold},
    {"queue release", !accounts, queue, !server, queue_release},
    {"queue remove", !accounts, queue, !server, queue_remove},
    {"queue expire", !accounts, queue, !server, queue_expire},
    {"queue summary", !accounts, queue, !server, queue_summary},
    {"queue destinations", !accounts, queue, !server, queue_destinations},
    {"guard list", !accounts, !queue, !server, guard_list},
    {"guard lift", !accounts, !queue, !server, guard_lift},
    {"guard deny", !accounts, !queue, !server, guard_deny},
    {"guard allow", !accounts, !queue, !server, guard_allow},
    {"guard usage", accounts, !queue, server, guard_usage},
    {"dkim create", !accounts, !queue, !server, dkim_create, keys},
    {"dkim list", !accounts, !queue, !server, dkim_list, keys},
    {"dkim show", !accounts, !queue, !server, dkim_show, keys},
    {"dkim rotate", !accounts, !queue, !server, dkim_rotate, keys},
    {"dkim activate", !accounts, !queue, !server, dkim_activate, keys},
    {"dkim remove", !accounts, !queue, !server, dkim_remove, keys},
    {"dkim check", !accounts, !queue, !server, dkim_check, keys},
    {"tls-report list", !accounts, !queue, server, tls_report_list},
    {"tls-report show", !accounts, !queue, server, tls_report_show},
    {"tls-report send", !accounts, !queue, server, tls_report_send},
    {"certificate list", !accounts, !queue, server, certificate_list},
    {"certificate renew", !accounts, !queue, server, certificate_renew},
    {"acme challenge", !accounts, !queue, server, acme_challenge},
    {"web certificates", !accounts, !queue, server, web_certificates},
    {"forward add", accounts, !queue, !server, forward_add, !keys, forwards},
    {"forward list", accounts, !queue, !server, forward_list, !keys, forwards},
    {"forward remove", accounts, !queue, !server, forward_remove, !keys, forwards},
    {"check-code add", !accounts, !queue, server, check_code_add},
    {"check-code show", !accounts, !queue, server, check_code_show},
    {"discovery facts", accounts, !queue, !server, discovery_facts},
    {"discovery publish", accounts, !queue, !server, discovery_publish},
    {"profile android", accounts, !queue, !server, profile_android},
    {"profile make", accounts, !queue, server, profile_make},
    {"profile take", accounts, !queue, server, profile_take},
    {"explain", accounts, !queue, !server, explain, !keys, forwards},
    {"why", !accounts, !queue, !server, why},
    {"why public", !accounts, !queue, !server, why_public},
    {"help facts", accounts, !queue, !server, help_facts},
    {"status", !accounts, queue, server, server_status},
    // Through the web socket: for the account itself, or readers; those of test mails for the account alone.
    {"account events", accounts, !queue, server, account_events},
    {"account logins", accounts, !queue, !server, account_logins},
    {"account sent", accounts, queue, !server, account_sent},
    {"account message", accounts, !queue, !server, account_message},
    {"account limits", accounts, !queue, server, account_limits},
    {"account test-mail", accounts, queue, server, account_test_mail},
    {"account test-mail-show", accounts, !queue, !server, account_test_mail_show},
    // For readers; a discovery's note for anyone.
    {"events", !accounts, !queue, server, events},
    {"numbers", !accounts, !queue, server, numbers},
    {"sessions", !accounts, !queue, server, sessions},
    {"decisions", !accounts, !queue, server, decisions},
    {"discovery list", !accounts, !queue, server, discovery_list},
    {"discovery note", !accounts, !queue, server, discovery_note},
    {"domain check", accounts, !queue, !server, domain_check, keys},
    {"certificates", !accounts, !queue, !server, certificates},
}};

}  // namespace

std::span<command const> commands() { return table; }

command const* find_command(std::string_view name)
{
    auto const found = std::find_if(table.begin(), table.end(), [&](command const& c) { return c.name == name; });
    return found == table.end() ? nullptr : &*found;
}

outcome run_command(context& c, std::string_view name, boost::json::object const& given)
{
    auto const* found = find_command(name);
    if (!found) {
        return failure{
            failure::kind::usage, "the running server does not know this command; restart it after an upgrade", {}};
    }
    if ((found->needs_accounts && !c.accounts) || (found->needs_queue && !c.queue) ||
        (found->needs_server && !c.gate) || (found->needs_keys && !c.keys) || (found->needs_forwards && !c.forwards)) {
        return failure{failure::kind::unavailable, "no server runs on this data directory", {}};
    }
    return found->run(c, arguments{given});
}

failure to_failure(error const& e)
{
    std::string text{e.logged.empty() ? std::string{e.told.view()} : e.logged};
    if (text.empty()) text = "it failed with " + to_string(e.code);
    // What a person asked for and can't be (5.x.x) against what is broken at the moment (4.x.x).
    return {e.code.temporary() ? failure::kind::unavailable : failure::kind::usage, std::move(text), {}};
}

}  // namespace postern::control
