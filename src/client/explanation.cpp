#include "client/explanation.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <initializer_list>

#include <netdb.h>
#include <openssl/x509_vfy.h>

#include "catalogue/rules.hpp"
#include "providers/replies.hpp"

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

providers::step step_of(stage where)
{
    switch (where) {
        case stage::look_up:
        case stage::connect:
        case stage::greeting: return providers::step::banner;
        case stage::hello: return providers::step::ehlo;
        case stage::tls: return providers::step::starttls;
        case stage::login: return providers::step::auth;
        case stage::mail: return providers::step::mail;
        case stage::rcpt: return providers::step::rcpt;
        case stage::data:
        case stage::content: break;
    }
    return providers::step::data;
}

providers::meaning meaning_of(stage where, step_result const& r, circumstances const& c)
{
    return providers::match(step_of(where), providers::find_by_host(c.host), r.said);
}

rule const& explain_reply(stage where, step_result const& r, circumstances const& c)
{
    // A reply that is no refusal came where it means nothing.
    auto const* const why = meaning_of(where, r, c).why;
    return why != nullptr ? *why : rules::reply_malformed;
}

rule const& explain_handshake(step_result const& r, circumstances const& c)
{
    switch (r.how) {
        case ending::malformed:
            // STARTTLS was answered, but not with 220.
            if (r.said.code != 0) return rules::starttls_unavailable;
            if (r.service == service::smtp) return rules::tls_on_plain_port;
            return explain_stranger(r);
        case ending::reply: return explain_reply(stage::tls, r, c);
        case ending::timed_out: return rules::answer_missing;
        case ending::closed: return rules::broke_off;
        default: break;
    }
    if (r.alert == "protocol_version" || r.problem.find("unsupported protocol") != std::string::npos)
        return rules::tls_too_old;
    if (c.seen.wants_certificate) return rules::client_certificate_demanded;
    return rules::tls_handshake_failed;
}

rule const& explain_greeting(step_result const& r, circumstances const& c)
{
    switch (r.how) {
        case ending::timed_out: return rules::greeting_missing;
        case ending::closed: return rules::closed_at_once;
        case ending::malformed: return explain_stranger(r);
        default: return explain_reply(stage::greeting, r, c);
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

rule const& explain_login(trouble const& t, circumstances const& c)
{
    auto const& r = t.login.last;
    if (t.login.how == login_result::what::unproven_server) return rules::server_unproven;
    if (t.login.how == login_result::what::broken_off) {
        if (t.login.mechanism.ends_with("-PLUS")) return rules::auth_plus_fails;
        if (r.problem == sasl::server_unproven) return rules::server_unproven;
        return r.problem == sasl::proof_refused ? rules::scram_verifier_missing : rules::reply_malformed;
    }
    if (r.how == ending::closed) return rules::closed_during_login;
    if (auto const* const silent = explain_silence(r)) return *silent;
    auto const meaning = meaning_of(stage::login, r, c);
    bool const token = t.login.mechanism == "XOAUTH2" || t.login.mechanism == "OAUTHBEARER";
    if (token && meaning.why == &rules::auth_failed) return rules::token_refused;
    return meaning.why != nullptr ? *meaning.why : rules::reply_malformed;
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
        case kind::login: return explain_login(t, c);
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
        case stage::greeting: return explain_greeting(t.how, c);
        case stage::hello:
            if (t.how.how == ending::closed) return rules::closed_after_ehlo;
            break;
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
