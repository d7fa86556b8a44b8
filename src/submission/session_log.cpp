#include "submission/session_log.hpp"

#include <algorithm>
#include <vector>

#include "base/counters.hpp"
#include "base/text.hpp"
#include "catalogue/rules.hpp"
#include "directory/names.hpp"

namespace postern::submission {
namespace {

log::level level_of(catalogue::rule const& rule)
{
    // What the operator has to mend is louder than what the client did.
    bool const ours = rule.status.klass == 4 && rule.status.subject == 3;
    return ours ? log::level::error : log::level::info;
}

bool is_for_want_of_login(catalogue::rule const& rule)
{
    using namespace catalogue::rules;
    return &rule == &auth_required || &rule == &tls_required || &rule == &relay_needs_login ||
           &rule == &local_needs_login;
}

/// Whose address the sender was to be, where nobody had logged in for it: as its owner's page looks for it.
std::string unproven_sender(smtp::server_session const& session, smtp::server_session::refusal const& r)
{
    if (!session.login().empty() || !is_for_want_of_login(*r.what.why)) return {};
    std::string_view text;
    for (auto const& fact : r.what.facts)
        if (fact.key == "sender") text = fact.value;
    std::string_view const command{r.command};
    if (text.empty() && starts_with_ignoring_case(command, "MAIL FROM:<")) {
        text = command.substr(command.find('<') + 1);
        text = text.substr(0, text.find('>'));
    }
    auto const address = mail::parse_mailbox(text);
    return address ? directory::address_key(*address) : std::string{};
}

}  // namespace

void log_refusal(session_identity const& who, smtp::server_session const& session,
                 smtp::server_session::refusal const& r, std::string_view cause, std::string_view meaning)
{
    auto const& rule = *r.what.why;
    counters::totals.refusals.add(rule.name);
    if (r.command.starts_with("AUTH")) counters::totals.logins.add(std::string{session.mechanism()} + " refused");
    auto const id = who.id + '.' + std::to_string(r.number);
    auto const status = to_string(rule.status);
    auto const mail_from = unproven_sender(session, r);
    auto const account = session.login().empty() ? std::string{session.claimed_identity()} : session.login();
    std::vector<log::field> fields{
        {"session", id},
        {"rule", rule.name},
        {"code", rule.code},
        {"status", status},
        {"command", r.command},
        {"account", account},
        {"logged_in", !session.login().empty()},
        {"credential", who.credential},
        {"label", who.label},
        {"mechanism", session.mechanism()},
        {"client", who.client},
        {"listener", who.listener},
        {"tls", session.tls_details().version},
        {"ehlo", session.ehlo_argument()},
        {"cause", cause},
        {"meaning", meaning},
        {"mail_from", mail_from},
    };
    // A reply may have named what stands above already; no key twice in one line.
    for (auto const& fact : r.what.facts)
        if (std::ranges::none_of(fields, [&](log::field const& f) { return f.key == fact.key; }))
            fields.emplace_back(fact.key, fact.value);
    log::event(level_of(rule), "refused", fields.data(), fields.size());
}

void log_incident(session_identity const& who, catalogue::rule const& rule, std::string_view problem)
{
    counters::totals.refusals.add(rule.name);
    log::event(log::level::info, "refused",
               {{"session", who.id},
                {"rule", rule.name},
                {"client", who.client},
                {"listener", who.listener},
                {"problem", problem}});
}

void log_login(session_identity const& who, smtp::server_session const& session, std::string_view cause)
{
    counters::totals.logins.add(std::string{session.mechanism()} + " accepted");
    log::event(log::level::info, "login",
               {{"session", who.id},
                {"account", session.login()},
                {"mechanism", session.mechanism()},
                {"credential", who.credential},
                {"label", who.label},
                {"client", who.client},
                {"listener", who.listener},
                {"tls", session.tls_details().version},
                {"ehlo", session.ehlo_argument()},
                {"cause", cause}});
}

void log_end(session_identity const& who, smtp::server_session const& session, session_totals const& totals)
{
    auto const& version = session.tls_details().version;
    counters::totals.tls_versions.add(version.empty() ? std::string_view{"none"} : version);
    log::event(log::level::info, "session",
               {{"session", who.id},
                {"client", who.client},
                {"listener", who.listener},
                {"ehlo", printable(session.ehlo_argument(), 255)},
                {"tls", session.tls_details().version},
                {"cipher", session.tls_details().cipher},
                {"account", session.login()},
                {"messages", totals.messages},
                {"refusals", totals.refusals},
                {"milliseconds", totals.milliseconds},
                {"ended_by", totals.ended_by}});
}

}  // namespace postern::submission
