// AUTH, RFC 4954: base64, 334, `=` and `*` are done here, the rest by the mechanism.
// No octet of a credential gets into a refusal.
#include <algorithm>
#include <cassert>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "smtp/session_state.hpp"

namespace postern::smtp {
namespace {

constexpr std::string_view plus_suffix = "-PLUS";

/// The name of a mechanism that somebody somewhere has, in our spelling; other words may be
/// a credential in the wrong place, so they get into no log.
std::string_view known_name(std::string_view word)
{
    for (std::string_view const name : {"PLAIN",         "LOGIN",
                                        "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
                                        "SCRAM-SHA-1",   "SCRAM-SHA-1-PLUS",
                                        "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS",
                                        "CRAM-MD5",      "DIGEST-MD5",
                                        "NTLM",          "GSSAPI",
                                        "GSS-SPNEGO",    "GS2-KRB5",
                                        "XOAUTH2",       "OAUTHBEARER",
                                        "OAUTH10A",      "EXTERNAL",
                                        "ANONYMOUS",     "OTP",
                                        "SKEY",          "KERBEROS_V4",
                                        "SCRAM-MD5"}) {
        if (equal_ignoring_case(word, name)) return name;
    }
    return {};
}

}  // namespace

bool server_session::state::offers_auth() const
{
    return !settings.mechanisms.empty() && (tls || facts.auth_without_tls);
}

/// What of the configured mechanisms can succeed here and now. What the client was shown
/// holds until its next EHLO, or flag "y" of SCRAM would say the wrong thing.
void server_session::state::find_mechanisms()
{
    offered.clear();
    if (!offers_auth()) return;
    sasl::circumstances const c{.accounts = facts.accounts,
                                .tls = tls.has_value(),
                                .bindings = tls && tls->bindings.any(),
                                .certificate = tls && (!tls->certificate_accounts.empty() || tls->certificate_unsure)};
    for (auto const& name : settings.mechanisms)
        if (sasl::can_succeed(name, c)) offered.push_back(name);
}

bool server_session::state::offers_plus() const
{
    return std::any_of(offered.begin(), offered.end(),
                       [](std::string_view name) { return name.ends_with(plus_suffix); });
}

bool server_session::state::offers(std::string_view name) const
{
    return std::any_of(offered.begin(), offered.end(),
                       [&](std::string_view ours) { return equal_ignoring_case(ours, name); });
}

void server_session::state::list_mechanisms(std::string_view keyword)
{
    out.append("250-").append(keyword);
    bool first = true;
    for (auto const name : offered) {
        // "AUTH=" has no blank behind it.
        if (!first || !keyword.ends_with('=')) out.append(1, ' ');
        out.append(name);
        first = false;
    }
    out.append("\r\n");
}

action server_session::state::take_auth(command const& c)
{
    auto const end = std::min(c.argument.find(' '), c.argument.size());
    auto const word = c.argument.substr(0, end);
    mechanism = known_name(word);
    claimed.clear();

    if (settings.mechanisms.empty()) return end_auth(rules::auth_not_offered);
    if (!extended) return end_auth(rules::auth_ehlo_first);
    if (!login.empty()) return end_auth(rules::auth_already);
    if (in_transaction) return end_auth(rules::auth_in_transaction);
    if (!offers_auth()) return end_auth(rules::auth_needs_tls);
    if (word.empty()) {
        return refuse(catalogue::make_verdict(rules::syntax_error, {{"command", "AUTH"}}), "AUTH");
    }
    if (!offers(mechanism)) return end_auth(rules::auth_unknown_mechanism);
    sasl::server_options options{.bindings = {}, .plus_offered = offers_plus(), .host = settings.hostname};
    if (tls) {
        options.bindings = tls->bindings;
        options.external = tls->certificate_accounts;
        options.external_unsure = tls->certificate_unsure;
    }
    exchange = sasl::make_server_mechanism(mechanism, options);
    if (!exchange) return end_auth(rules::auth_unknown_mechanism);

    auto initial = c.argument.substr(end);
    initial.remove_prefix(std::min(initial.find_first_not_of(' '), initial.size()));
    if (initial.empty()) return step(exchange->step(std::nullopt));
    if (sasl::is_server_first(mechanism)) return end_auth(rules::auth_no_initial_response);
    if (initial == "=") return step(exchange->step(std::string_view{}));
    return auth_response(initial);
}

action server_session::state::auth_response(std::string_view text)
{
    if (text == "*") return exchange->refused() ? fail_auth(failed_proof()) : end_auth(rules::auth_cancelled);
    auto decoded = base64_decode(text);
    if (!decoded) return end_auth(rules::auth_bad_base64);
    auto const octets = secret::take(*decoded);
    return step(exchange->step(octets.reveal()));
}

action server_session::state::step(sasl::outcome o)
{
    claimed = exchange->claimed();
    if (auto const* c = std::get_if<sasl::challenge>(&o)) {
        // What the client sent before it saw this challenge can't be the response to it
        // (RFC 4954 section 4: AUTH comes last in a group of pipelined commands).
        if (more_input) return end_auth(rules::auth_pipelined);
        out.append("334 ");
        return say(base64_encode(c->octets));
    }
    if (auto* v = std::get_if<sasl::verify_password>(&o)) {
        awaiting = smtp::awaiting::login;
        return verify_password{std::move(v->authcid), std::move(v->authzid), std::move(v->password)};
    }
    if (auto* f = std::get_if<sasl::fetch_scram>(&o)) {
        awaiting = smtp::awaiting::scram;
        return fetch_scram{std::move(f->authcid), f->hash};
    }
    if (auto* f = std::get_if<sasl::fetch_cram>(&o)) {
        awaiting = smtp::awaiting::scram;
        return fetch_cram{std::move(f->authcid)};
    }
    if (auto* v = std::get_if<sasl::verify_token>(&o)) {
        awaiting = smtp::awaiting::login;
        return verify_token{std::move(v->identity), std::move(v->token)};
    }
    if (auto* c = std::get_if<sasl::context_step>(&o)) {
        awaiting = smtp::awaiting::scram;
        return std::move(*c);
    }
    if (auto* a = std::get_if<sasl::accepted>(&o)) {
        awaiting = smtp::awaiting::login;
        return authorize{std::move(a->authcid), std::move(a->authzid), std::move(a->stored_key), a->outside};
    }
    auto const& r = std::get<sasl::rejected>(o);
    switch (r.why) {
        case sasl::rejected::reason::malformed: return end_auth(rules::auth_malformed, r.detail);
        case sasl::rejected::reason::cancelled: return end_auth(rules::auth_cancelled, r.detail);
        case sasl::rejected::reason::unsure: return fail_auth(rules::auth_unavailable, r.detail);
        case sasl::rejected::reason::bad_credentials:
        case sasl::rejected::reason::channel_binding: break;
    }
    return fail_auth(failed_proof(), r.detail);
}

action server_session::state::on_login(login_result r, std::string_view account, std::string_view told)
{
    assert(awaiting == smtp::awaiting::login && exchange);
    switch (r) {
        case login_result::accepted:
            login = account;
            exchange.reset();
            return say("235 2.7.0 Logged in");
        case login_result::bad_credentials:
            // RFC 7628 section 3.2.3: first the reason, as a challenge; the failure follows its answer.
            if (!told.empty()) return step(exchange->on_token_refused(told));
            return fail_auth(failed_proof());
        case login_result::disabled: return fail_auth(rules::auth_account_disabled);
        case login_result::smtp_auth_off: return fail_auth(rules::auth_smtp_off);
        case login_result::app_password_needed: return fail_auth(rules::auth_app_password_needed);
        // As when the mechanism itself finds that: it may be a guess.
        case login_result::unsure: return fail_auth(rules::auth_unavailable, sasl::unsure_proof);
        case login_result::unavailable: break;
    }
    return end_auth(rules::auth_unavailable);
}

/// The client hears the same.
catalogue::rule const& server_session::state::failed_proof() const
{
    return mechanism == sasl::gssapi ? rules::auth_ticket_refused : rules::auth_failed;
}

/// The exchange is over without a login; the session is as before it.
action server_session::state::end_auth(catalogue::rule const& why, std::string_view detail)
{
    exchange.reset();
    std::vector<catalogue::evidence> facts_of_it;
    std::string text = "AUTH";
    if (!mechanism.empty()) {
        facts_of_it.push_back({"mechanism", mechanism});
        text.append(1, ' ').append(mechanism);
    }
    if (!detail.empty()) facts_of_it.push_back({"detail", std::string{detail}});
    return refuse(catalogue::make_verdict(why, std::move(facts_of_it)), text);
}

/// The same when nobody looked at what was proven.
action server_session::state::put_off_auth(catalogue::verdict v)
{
    assert(awaiting == smtp::awaiting::login || awaiting == smtp::awaiting::scram);
    exchange.reset();
    return refuse(std::move(v), mechanism.empty() ? std::string{"AUTH"} : "AUTH " + std::string{mechanism});
}

/// The same for what may be a guess at a password.
action server_session::state::fail_auth(catalogue::rule const& why, std::string_view detail)
{
    ++auth_failures;
    auto next = end_auth(why, detail);
    if (auth_failures != settings.auth_failures || std::holds_alternative<hang_up>(next)) return next;
    return refuse_and_close(rules::too_many_auth_failures, {});
}

}  // namespace postern::smtp
