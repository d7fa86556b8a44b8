#include "client/explanation.hpp"

#include <cerrno>

#include <doctest/doctest.h>
#include <openssl/x509_vfy.h>
#include <boost/asio/error.hpp>

#include "catalogue/rules.hpp"

using namespace postern;
using namespace postern::client;
namespace rules = catalogue::rules;

namespace {

using kind = trouble::kind;

// "550 5.1.1 text" as a step.
step_result replied(std::string_view line)
{
    smtp::reply_parser p;
    std::string const all = std::string{line} + "\r\n";
    std::string_view in = all;
    REQUIRE(p.take(in) == smtp::reply_parser::state::complete);
    step_result r;
    r.how = ending::reply;
    r.said = p.release();
    return r;
}

trouble at(stage where, step_result how)
{
    trouble t;
    t.where = where;
    t.how = std::move(how);
    return t;
}

step_result ended(ending how, service who = service::unknown)
{
    step_result r;
    r.how = how;
    r.service = who;
    return r;
}

struct reply_row {
    stage where;
    char const* line;
    catalogue::rule const& rule;
    verdict how;
};

reply_row const replies[] = {
    {stage::greeting, "554 5.7.1 no", rules::greeting_refused, verdict::not_reached},
    {stage::greeting, "421 4.3.2 later", rules::server_busy, verdict::deferred},
    {stage::hello, "502 what?", rules::ehlo_unknown, verdict::refused},
    {stage::tls, "454 4.7.0 TLS not available", rules::starttls_unavailable, verdict::deferred},
    {stage::mail, "530 5.7.0 Authentication required", rules::auth_required, verdict::refused},
    {stage::mail, "530 5.7.0 Must issue a STARTTLS command first", rules::tls_required, verdict::refused},
    {stage::mail, "450 4.1.8 domain not found", rules::sender_domain_unknown, verdict::deferred},
    {stage::mail, "552 5.3.4 too big", rules::message_too_big, verdict::refused},
    {stage::rcpt, "550 5.1.1 no such user", rules::unknown_recipient, verdict::refused},
    {stage::rcpt, "550 5.7.1 relaying denied", rules::relay_needs_login, verdict::refused},
    {stage::rcpt, "454 4.7.1 Relay access denied", rules::relay_needs_login, verdict::deferred},
    {stage::rcpt, "451 4.7.1 Greylisted, come back", rules::greylisted, verdict::deferred},
    {stage::content, "550 5.7.1 spam", rules::content_refused, verdict::refused},
    {stage::content, "421 4.3.0 closing", rules::remote_deferred, verdict::deferred},
};

struct login_row {
    char const* mechanism;
    char const* line;
    catalogue::rule const& rule;
    verdict how;
};

login_row const logins[] = {
    {"PLAIN", "535 5.7.8 no", rules::auth_failed, verdict::login_failed},
    {"XOAUTH2", "535 5.7.8 no", rules::token_refused, verdict::login_failed},
    {"PLAIN", "454 4.7.0 later", rules::auth_unavailable, verdict::deferred},
    {"PLAIN", "534 5.7.9 app password", rules::provider_wants_app_password, verdict::login_failed},
    {"PLAIN", "538 5.7.11 encryption", rules::tls_required, verdict::login_failed},
    {"LOGIN", "504 5.5.4 no", rules::auth_unknown_mechanism, verdict::login_failed},
};

}  // namespace

TEST_CASE("replies are explained by stage and code")
{
    for (auto const& row : replies) {
        CAPTURE(row.line);
        auto const t = at(row.where, replied(row.line));
        CHECK(explain(t, {}).name == row.rule.name);
        CHECK(name_of(judge(t)) == name_of(row.how));
    }
}

TEST_CASE("a refused log-in is explained by code and mechanism")
{
    for (auto const& row : logins) {
        CAPTURE(row.line);
        trouble t;
        t.where = stage::login;
        t.what = kind::login;
        t.login.how = login_result::what::refused;
        t.login.mechanism = row.mechanism;
        t.login.last = replied(row.line);
        CHECK(explain(t, {}).name == row.rule.name);
        CHECK(name_of(judge(t)) == name_of(row.how));
    }
}

TEST_CASE("an exchange that the server broke is no advice to use PLAIN")
{
    struct row {
        login_result::what how;
        char const* mechanism;
        char const* problem;
        catalogue::rule const& rule;
    };
    using what = login_result::what;
    for (auto const& r : {row{what::unproven_server, "SCRAM-SHA-256", "", rules::server_unproven},
                          row{what::broken_off, "SCRAM-SHA-256", sasl::server_unproven, rules::server_unproven},
                          row{what::broken_off, "SCRAM-SHA-256", sasl::proof_refused, rules::scram_verifier_missing},
                          row{what::broken_off, "SCRAM-SHA-256-PLUS", sasl::proof_refused, rules::auth_plus_fails},
                          row{what::broken_off, "SCRAM-SHA-1", "bad salt", rules::reply_malformed},
                          row{what::broken_off, "PLAIN", "a challenge that is not base64", rules::reply_malformed},
                          row{what::broken_off, "LOGIN", "the server never stops asking", rules::reply_malformed}}) {
        CAPTURE(r.problem);
        trouble t;
        t.where = stage::login;
        t.what = kind::login;
        t.login.how = r.how;
        t.login.mechanism = r.mechanism;
        t.login.last.how = ending::reply;
        t.login.last.problem = r.problem;
        CHECK(explain(t, {}).name == r.rule.name);
    }
}

TEST_CASE("silent name servers are no wrong names")
{
    trouble t;
    t.where = stage::look_up;
    t.what = kind::no_such_host;
    t.how = ended(ending::timed_out);
    CHECK(explain(t, {}).name == rules::dns_silent.name);
    CHECK(t.temporary());
    t.how = ended(ending::unconnected);
    CHECK(explain(t, {}).name == rules::server_name_unknown.name);
    CHECK_FALSE(t.temporary());
}

TEST_CASE("connections that fail are explained by the error and the port")
{
    circumstances c;
    auto refused = ended(ending::unconnected);
    refused.error = {ECONNREFUSED, boost::system::system_category()};
    CHECK(explain(at(stage::connect, refused), c).name == rules::connection_refused.name);
    refused.error = {EHOSTUNREACH, boost::system::system_category()};
    CHECK(explain(at(stage::connect, refused), c).name == rules::network_unreachable.name);
    c.port = 25;
    CHECK(explain(at(stage::connect, ended(ending::timed_out)), c).name == rules::port_25_blocked.name);
    c.port = 2525;
    CHECK(explain(at(stage::connect, ended(ending::timed_out)), c).name == rules::server_unreachable.name);
}

TEST_CASE("who answers in place of SMTP is explained as such")
{
    auto const say = [](stage where, service who) {
        return explain(at(where, ended(ending::malformed, who)), {}).name;
    };
    CHECK(say(stage::greeting, service::http) == rules::other_service.name);
    CHECK(say(stage::greeting, service::binary) == rules::not_smtp.name);
    CHECK(say(stage::hello, service::smtp) == rules::reply_malformed.name);
    CHECK(say(stage::tls, service::smtp) == rules::tls_on_plain_port.name);
    CHECK(say(stage::tls, service::ssh) == rules::other_service.name);
}

TEST_CASE("certificates are explained by what is wrong with them")
{
    trouble t;
    t.what = kind::wrong_certificate;
    circumstances c;
    c.seen.trusted = true;
    CHECK(explain(t, c).name == rules::certificate_other_name.name);
    c.seen.trusted = false;
    c.seen.chain.resize(1);
    struct row {
        int error;
        catalogue::rule const& rule;
    };
    for (auto const& r : {row{X509_V_ERR_CERT_HAS_EXPIRED, rules::certificate_expired},
                          row{X509_V_ERR_CERT_NOT_YET_VALID, rules::certificate_not_yet_valid},
                          row{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, rules::certificate_self_signed},
                          row{X509_V_ERR_EE_KEY_TOO_SMALL, rules::certificate_weak},
                          row{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, rules::certificate_chain_short},
                          row{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, rules::certificate_unknown_issuer}}) {
        c.seen.trust_error = r.error;
        CHECK(explain(t, c).name == r.rule.name);
    }
}

TEST_CASE("every explanation says what to do")
{
    for (auto where : {stage::look_up, stage::connect, stage::tls, stage::greeting, stage::hello, stage::login,
                       stage::mail, stage::rcpt, stage::data, stage::content})
        for (auto how : {ending::reply, ending::unconnected, ending::timed_out, ending::closed, ending::malformed,
                         ending::tls_refused, ending::not_possible})
            for (auto what : {kind::step, kind::no_such_host, kind::no_starttls, kind::wrong_certificate,
                              kind::clear_password, kind::no_login, kind::no_mechanism, kind::login, kind::no_smtputf8,
                              kind::no_eight_bit, kind::no_require_tls, kind::too_big}) {
                auto t = at(where, ended(how));
                t.what = what;
                t.login.last = t.how;
                CHECK_FALSE(explain(t, {}).user.empty());
                CHECK(judge(t) != verdict::sent);
            }
}
