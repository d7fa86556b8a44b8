#include "client/explanation.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <initializer_list>

#include <netdb.h>
#include <openssl/x509_vfy.h>

#include "base/text.hpp"
#include "catalogue/rules.hpp"

namespace postern::client {

namespace rules = catalogue::rules;
using catalogue::rule;

namespace {

// Of the look-up; nothing else fails there.
rule const& explain_name(trouble const& t)
{
    return t.how.how == ending::timed_out ? rules::dns_silent : rules::server_name_unknown;
}

rule const& explain_connection(step_result const& r, std::uint16_t port)
{
    if (r.how == ending::timed_out) {
        constexpr std::uint16_t relay = 25, submission = 587, implicit = 465;
        if (port == relay) return rules::port_25_blocked;
        if (port == submission) return rules::port_587_blocked;
        if (port == implicit) return rules::port_465_blocked;
        return rules::server_unreachable;
    }
    switch (r.error.value()) {
        case ECONNREFUSED: return rules::connection_refused;
        case EACCES:
        case EPERM: return rules::firewall_rejects;
        default: return rules::network_unreachable;
    }
}

rule const& explain_certificate(circumstances const& c)
{
    auto const& seen = c.seen;
    if (seen.trusted && !seen.name_fits) return rules::certificate_other_name;
    switch (seen.trust_error) {
        case X509_V_ERR_CERT_HAS_EXPIRED: return rules::certificate_expired;
        case X509_V_ERR_CERT_NOT_YET_VALID: return rules::certificate_not_yet_valid;
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return rules::certificate_self_signed;
        case X509_V_ERR_EE_KEY_TOO_SMALL:
        case X509_V_ERR_CA_KEY_TOO_SMALL:
        case X509_V_ERR_CA_MD_TOO_WEAK: return rules::certificate_weak;
        case X509_V_ERR_CERT_REVOKED: return rules::certificate_revoked;
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return seen.chain.size() == 1 ? rules::certificate_chain_short : rules::certificate_unknown_issuer;
        default: return rules::certificate_unknown_issuer;
    }
}

rule const& explain_stranger(step_result const& r)
{
    if (r.service == service::text || r.service == service::binary || r.service == service::unknown)
        return r.problem.find("too long") != std::string::npos ? rules::greeting_endless : rules::not_smtp;
    return r.service == service::smtp ? rules::reply_malformed : rules::other_service;
}

rule const& explain_handshake(step_result const& r, circumstances const& c)
{
    switch (r.how) {
        case ending::malformed:
            if (r.service == service::smtp) return rules::tls_on_plain_port;
            return explain_stranger(r);
        case ending::reply: return rules::starttls_unavailable;
        case ending::timed_out: return rules::answer_missing;
        case ending::closed: return rules::broke_off;
        default: break;
    }
    if (r.alert == "protocol_version" || r.problem.find("unsupported protocol") != std::string::npos)
        return rules::tls_too_old;
    if (c.seen.wants_certificate) return rules::client_certificate_demanded;
    return rules::tls_handshake_failed;
}

rule const& explain_greeting(step_result const& r)
{
    switch (r.how) {
        case ending::timed_out: return rules::greeting_missing;
        case ending::closed: return rules::closed_at_once;
        case ending::malformed: return explain_stranger(r);
        default: return r.said.temporary() ? rules::server_busy : rules::greeting_refused;
    }
}

// Steps whose reply means little, but whose absence does.
rule const* explain_silence(step_result const& r)
{
    switch (r.how) {
        case ending::timed_out: return &rules::answer_missing;
        case ending::closed: return &rules::broke_off;
        case ending::malformed: return &explain_stranger(r);
        default: return nullptr;
    }
}

bool says(step_result const& r, std::initializer_list<std::string_view> words)
{
    auto const text = to_lower(r.said.text);
    return std::any_of(words.begin(), words.end(), [&](auto word) { return text.find(word) != std::string::npos; });
}

rule const& explain_login(trouble const& t)
{
    auto const& r = t.login.last;
    if (t.login.how == login_result::what::unproven_server || t.login.how == login_result::what::broken_off)
        return t.login.mechanism.ends_with("-PLUS") ? rules::auth_plus_fails : rules::scram_verifier_missing;
    if (r.how == ending::closed) return rules::closed_during_login;
    if (auto const* const silent = explain_silence(r)) return *silent;
    switch (r.said.code) {
        case 454: return rules::auth_unavailable;
        case 421: return rules::server_busy;
        case 432:
        case 534: return rules::provider_wants_app_password;
        case 504: return rules::auth_unknown_mechanism;
        case 530:
        case 538: return rules::tls_required;
        case 501: return rules::auth_bad_base64;
        case 503: return rules::auth_too_early;
        default: break;
    }
    if (r.said.temporary()) return rules::auth_unavailable;
    bool const token = t.login.mechanism == "XOAUTH2" || t.login.mechanism == "OAUTHBEARER";
    return token ? rules::token_refused : rules::auth_failed;
}

rule const& explain_no_mechanism(circumstances const& c)
{
    auto const only = [&](std::initializer_list<std::string_view> names) {
        return std::all_of(c.offered.begin(), c.offered.end(),
                           [&](auto const& one) { return std::find(names.begin(), names.end(), one) != names.end(); });
    };
    if (only({"XOAUTH2", "OAUTHBEARER"})) return rules::auth_tokens_only;
    if (only({"NTLM", "GSSAPI"})) return rules::auth_windows_only;
    return rules::auth_nothing_in_common;
}

// RFC 3463 section 3, where the reply has a code; then what servers write.
rule const& explain_reply(stage where, step_result const& r, circumstances const& c)
{
    auto const& s = r.said.status;
    bool const greylisted = r.said.temporary() && says(r, {"greylist", "graylist", "grey-list", "postgrey"});
    if (greylisted) return rules::greylisted;
    if (r.said.code == 421) return rules::server_busy;
    if (r.said.code == 530 || says(r, {"authentication required", "not authenticated", "must authenticate"}))
        return c.tls || !says(r, {"starttls"}) ? rules::auth_required : rules::tls_required;
    if (says(r, {"relay"}) && r.said.permanent() && where == stage::rcpt) return rules::relay_needs_login;
    if (s.subject == 1 && where == stage::rcpt && s.detail <= 1) return rules::unknown_recipient;
    if (s.subject == 1 && s.detail == 8) return rules::sender_domain_unknown;
    if (s.subject == 1 && where == stage::mail) return rules::bad_sender_address;
    if ((s.subject == 3 && s.detail == 4) || r.said.code == 552) return rules::message_too_big;
    if (s.subject == 6 && s.detail == 7) return rules::address_needs_smtputf8;
    if (s.subject == 5 && s.detail == 3) return rules::provider_limit;
    if (s.subject == 7 && where == stage::mail && c.wanted_login) return rules::sender_not_owned;
    if (where == stage::content || where == stage::data)
        return r.said.temporary() ? rules::server_busy : rules::content_refused;
    if (r.said.temporary()) return rules::server_busy;
    if (where == stage::rcpt && r.said.code == 550) return rules::unknown_recipient;
    return rules::route_refused;
}

}  // namespace

circumstances circumstances_of(sender const& s, bool wanted_login)
{
    circumstances c;
    c.port = s.route().port;
    c.host = s.route().host;
    c.tls = s.talk().tls() != nullptr;
    c.wanted_login = wanted_login;
    c.offered = s.talk().announced().known.mechanisms;
    c.seen = s.talk().observations();
    c.now = wall_clock::now();
    return c;
}

rule const& explain(trouble const& t, circumstances const& c)
{
    using kind = trouble::kind;
    switch (t.what) {
        case kind::no_such_host: return explain_name(t);
        case kind::no_starttls: return rules::starttls_missing;
        case kind::wrong_certificate: return explain_certificate(c);
        case kind::clear_password: return rules::password_kept_back;
        case kind::no_login: {
            if (!c.tls) return rules::auth_after_tls_only;
            constexpr std::uint16_t relay = 25;
            return c.port == relay ? rules::auth_missing_on_25 : rules::auth_missing;
        }
        case kind::no_mechanism: return explain_no_mechanism(c);
        case kind::login: return explain_login(t);
        case kind::no_smtputf8: return rules::address_needs_smtputf8;
        case kind::no_eight_bit: return rules::data_binary;
        case kind::no_require_tls: return rules::requiretls_without_tls;
        case kind::too_big: return rules::message_too_big;
        case kind::step: break;
    }
    switch (t.where) {
        case stage::look_up: return explain_name(t);
        case stage::connect: return explain_connection(t.how, c.port);
        case stage::tls: return explain_handshake(t.how, c);
        case stage::greeting: return explain_greeting(t.how);
        case stage::hello:
            if (t.how.how == ending::closed) return rules::closed_after_ehlo;
            if (auto const* const silent = explain_silence(t.how)) return *silent;
            return rules::ehlo_unknown;
        case stage::login:
        case stage::mail:
        case stage::rcpt:
        case stage::data:
        case stage::content: break;
    }
    if (auto const* const silent = explain_silence(t.how)) return *silent;
    return explain_reply(t.where, t.how, c);
}

verdict judge(trouble const& t) noexcept
{
    using kind = trouble::kind;
    switch (t.what) {
        case kind::no_such_host: return verdict::not_reached;
        case kind::no_starttls:
        case kind::wrong_certificate:
        case kind::clear_password: return verdict::unprotected;
        case kind::no_login:
        case kind::no_mechanism: return verdict::login_failed;
        case kind::login: return t.temporary() ? verdict::deferred : verdict::login_failed;
        case kind::no_smtputf8:
        case kind::no_eight_bit:
        case kind::no_require_tls:
        case kind::too_big: return verdict::refused;
        case kind::step: break;
    }
    if (t.how.how == ending::reply && t.how.said.temporary()) return verdict::deferred;
    switch (t.where) {
        case stage::look_up:
        case stage::connect:
        case stage::greeting: return verdict::not_reached;
        case stage::tls: return t.how.how == ending::malformed ? verdict::not_reached : verdict::unprotected;
        case stage::hello:
        case stage::login:
        case stage::mail:
        case stage::rcpt:
        case stage::data:
        case stage::content: break;
    }
    return t.how.how == ending::reply ? verdict::refused : verdict::deferred;
}

std::string_view name_of(verdict v) noexcept
{
    constexpr std::array<std::string_view, 6> names{"sent",         "refused",     "deferred",
                                                    "login-failed", "unprotected", "not-reached"};
    return names[static_cast<std::size_t>(v)];
}

}  // namespace postern::client
