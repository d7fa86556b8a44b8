#include "control/commands.hpp"

#include <algorithm>
#include <iterator>

#include "control/audit_note.hpp"
#include "directory/directory.hpp"
#include "forwarding/book.hpp"
#include "signing/key_store.hpp"
#include "spool/spool.hpp"
#include "submission/server.hpp"
#include "visits/book.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

using enum needs;
using enum effect;
using namespace doors;

// name, what has to be open, whether it changes anything, who may through the web socket, function, whom it keeps waiting
constexpr command table[] = {
    {"account add", accounts, changes, operators, account_add},
    {"account list", accounts, looks, readers, account_list},
    {"account show", accounts, looks, own_or(readers), account_show},
    {"account password", accounts, changes, operators, account_password},
    {"account remove", accounts, changes, operators, account_remove},
    {"account enable", accounts, changes, operators, account_enable},
    {"account disable", accounts, changes, operators, account_disable},
    {"account smtp-auth", accounts, changes, own_or(operators), account_smtp_auth},
    {"account role", accounts, changes, owners, account_role},
    {"account session list", accounts | visits, looks, own_or(readers), account_session_list},
    {"account session end", accounts | visits, changes, own_or(operators), account_session_end},
    {"account basic-passwords", accounts, changes, operators, account_basic_passwords},
    {"account alias add", accounts, changes, operators, account_alias_add},
    {"account alias remove", accounts, changes, operators, account_alias_remove},
    {"account send-as add", accounts, changes, operators, account_send_as_add},
    {"account send-as remove", accounts, changes, operators, account_send_as_remove},
    {"account import", accounts, changes, owners, account_import},
    {"account test", accounts, looks, nobody, account_test},
    {"account app-password add", accounts, changes, own_or(operators), app_password_add},
    {"account app-password list", accounts, looks, own_or(readers), app_password_list},
    {"account app-password revoke", accounts, changes, own_or(operators), app_password_revoke},
    {"domain add", accounts, changes, owners, domain_add},
    {"domain basic-passwords", accounts, changes, owners, domain_basic_passwords},
    {"domain list", accounts, looks, readers, domain_list},
    {"domain remove", accounts, changes, owners, domain_remove},
    {"queue list", queue, looks, readers, queue_list},
    {"queue show", queue, looks, readers, queue_show},
    {"queue retry", queue, changes, operators, queue_retry},
    {"queue hold", queue, changes, operators, queue_hold},
    {"queue release", queue, changes, operators, queue_release},
    {"queue remove", queue, changes, operators, queue_remove},
    {"queue expire", queue, changes, operators, queue_expire},
    {"queue summary", queue, looks, readers, queue_summary},
    {"queue destinations", queue, looks, readers, queue_destinations},
    {"guard list", nothing, looks, readers, guard_list},
    {"guard lift", nothing, changes, operators, guard_lift},
    {"guard deny", nothing, changes, operators, guard_deny},
    {"guard allow", nothing, changes, operators, guard_allow},
    {"guard usage", accounts | server, looks, readers, guard_usage},
    {"dkim create", keys, changes, owners, dkim_create},
    {"dkim list", keys, looks, readers, dkim_list},
    {"dkim show", keys, looks, readers, dkim_show},
    {"dkim rotate", keys, changes, owners, dkim_rotate},
    {"dkim activate", keys, changes, owners, dkim_activate},
    {"dkim remove", keys, changes, owners, dkim_remove},
    {"dkim check", keys, looks, readers, dkim_check},
    {"tls-report list", server, looks, readers, tls_report_list},
    {"tls-report show", server, looks, readers, tls_report_show},
    {"tls-report send", server, changes, operators, tls_report_send},
    {"certificate list", server, looks, readers, certificate_list},
    {"certificate renew", server, changes, operators, certificate_renew},
    {"acme authority", server, looks, readers, acme_authority},
    // Keys of the pages, for the process that serves them: it alone opens the web socket.
    {"acme challenge", server, looks, anyone, acme_challenge, lane::prompt},
    {"web certificates", server, looks, anyone, web_certificates, lane::prompt},
    {"forward add", accounts | forwards, changes, operators, forward_add},
    {"forward list", accounts | forwards, looks, readers, forward_list},
    {"forward remove", accounts | forwards, changes, operators, forward_remove},
    {"check-code add", server, changes, operators, check_code_add},
    {"check-code show", server, looks, readers, check_code_show},
    // By the web socket itself, since it may have to wait long without keeping others waiting.
    {"web sign-in", accounts | visits, changes, anyone, nullptr},
    {"web session", accounts | visits, looks, own, web_session},
    {"web sign-out", accounts | visits, changes, own, web_sign_out},
    {"audit list", nothing, looks, readers, audit_list},
    {"discovery facts", accounts, looks, anyone, discovery_facts, lane::prompt},
    {"discovery publish", accounts, changes, operators, discovery_publish},
    {"profile android", accounts, looks, own_or(readers), profile_android},
    {"profile make", accounts | server, changes, own_or(operators), profile_make},
    {"profile take", accounts | server, changes, anyone, profile_take},
    {"why public", nothing, looks, anyone, why_public, lane::history},
    {"account own-password", accounts | server, changes, own, account_own_password},
    {"explain", accounts | forwards, looks, readers, explain},
    {"why", nothing, looks, readers, why, lane::history},
    {"status", queue | server, looks, readers, server_status},
    {"account events", accounts | server, follows, own_or(readers), account_events},
    {"account logins", accounts, looks, own_or(readers), account_logins, lane::history},
    {"account sent", accounts | queue, looks, own_or(readers), account_sent, lane::history},
    {"account message", accounts, looks, own_or(readers), account_message, lane::history},
    {"account servers", accounts, looks, own_or(readers), account_servers},
    {"account why", accounts, looks, own_or(readers), account_why, lane::history},
    {"account limits", accounts | server, looks, own_or(readers), account_limits},
    {"account test-mail", accounts | queue | server, changes, own, account_test_mail},
    {"account test-mail-show", accounts, looks, own, account_test_mail_show, lane::history},
    {"events", server, follows, readers, events},
    {"numbers", server, looks, readers, numbers},
    {"sessions", server, looks, readers, sessions},
    {"decisions", server, looks, readers, decisions},
    {"discovery list", server, looks, readers, discovery_list},
    {"discovery note", server, looks, anyone, discovery_note},
    {"domain check", accounts | keys, looks, readers, domain_check},
};

}  // namespace

std::span<command const> commands() { return table; }

visits::limits context::visit_bounds() const
{
    visits::limits l;
    l.idle = settings->web.session_life;
    return l;
}

command const* find_command(std::string_view name)
{
    auto const* const found = std::ranges::find(table, name, &command::name);
    return found == std::end(table) ? nullptr : found;
}

failure unknown_command()
{
    return {failure::kind::usage, "the running server does not know this command; restart it after an upgrade", {}};
}

namespace {

outcome run(context& c, command const& what, json::object const& given)
{
    if (!what.run) return failure{failure::kind::usage, "this is done through the web socket only", {}};
    if ((what.wants(accounts) && !c.accounts) || (what.wants(queue) && !c.queue) || (what.wants(server) && !c.gate) ||
        (what.wants(keys) && !c.keys) || (what.wants(forwards) && !c.forwards) ||
        (what.wants(needs::visits) && !c.visits)) {
        return failure{failure::kind::unavailable, "no server runs on this data directory", {}};
    }
    return what.run(c, arguments{given});
}

outcome noted(context& c, command const& what, json::object const& given, outcome o)
{
    note_for_audit(c, what, given, o);
    return o;
}

}  // namespace

outcome run_command(context& c, std::string_view name, json::object const& given)
{
    auto const* const found = find_command(name);
    if (!found) return unknown_command();
    if (c.caller.through == caller::door::terminal) return noted(c, *found, given, run(c, *found, given));
    json::object admitted{given, given.storage()};
    if (auto refused = admit(c, *found, admitted)) return noted(c, *found, admitted, std::move(*refused));
    return noted(c, *found, admitted, run(c, *found, admitted));
}

failure to_failure(error const& e)
{
    std::string text{e.logged.empty() ? std::string{e.told.view()} : e.logged};
    if (text.empty()) text = "it failed with " + to_string(e.code);
    // What a person asked for and can't be (5.x.x) against what is broken at the moment (4.x.x).
    failure f{e.code.temporary() ? failure::kind::unavailable : failure::kind::usage, std::move(text), {}, {}};
    if (e.code == status{5, 1, 1}) f.rule = not_there_rule;
    return f;
}

}  // namespace postern::control
