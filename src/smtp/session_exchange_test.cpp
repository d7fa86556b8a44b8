// Exchanges of AUTH that a written dialog can't hold: SCRAM with its nonces, long lines,
// what is in the actions. Statements 10, 11, 22, 23, 37 and 38 of standards.md.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>

#include "base/base64.hpp"
#include "sasl/client_mechanism.hpp"
#include "smtp/server_session.hpp"

namespace {

using namespace postern;

/// A session under TLS that has said EHLO, and its client's end.
struct fixture {
    smtp::server_settings settings;
    smtp::tls_facts tls;
    smtp::connection_facts facts;
    std::unique_ptr<smtp::server_session> session;

    explicit fixture(char const* binding = "", bool tickets = false)
    {
        settings.hostname = "mx.example";
        settings.mechanisms = {"SCRAM-SHA-256-PLUS", "GSSAPI", "SCRAM-SHA-256", "PLAIN", "LOGIN"};
        facts.accounts.ticket = tickets;
        settings.errors = 20;
        settings.auth_failures = 5;
        facts.session_id = "SESSION";
        tls.version = "TLSv1.3";
        tls.bindings.tls_exporter = binding;
        session = std::make_unique<smtp::server_session>(settings, facts);
        (void)session->on_connect(&tls);
        (void)say("EHLO client.example");
    }

    std::string output() { return std::exchange(session->output(), {}); }
    smtp::action feed(std::string_view octets)
    {
        session->output().clear();
        return session->on_input(octets);
    }
    std::string say(std::string const& line)
    {
        (void)feed(line + "\r\n");
        return output();
    }
};

sasl::scram_keys keys_of(std::string_view password)
{
    // RFC 5802 section 3
    std::string const salt = "0123456789abcdef";
    auto const salted = pbkdf2(hash::sha256, password, salt, 4096);
    auto const client_key = hmac(hash::sha256, salted, "Client Key");
    return {.salt = salt,
            .iterations = 4096,
            .stored_key = digest(hash::sha256, client_key),
            .server_key = hmac(hash::sha256, salted, "Server Key"),
            .real = true};
}

struct scram_outcome {
    std::string reply;
    std::size_t challenges = 0;
    bool client_is_sure = false;
};

scram_outcome scram(fixture& f, std::string const& mechanism, std::string const& password, bool initial_response)
{
    auto client = sasl::make_client_mechanism(
        mechanism, {.authcid = "alice@example.test", .authzid = {}, .password = secret{password}},
        {.bindings = f.tls.bindings, .plus_offered = mechanism.ends_with("-PLUS")});
    REQUIRE(client);
    auto const first = base64_encode(std::get<sasl::respond>(client->step(std::nullopt)).octets);
    scram_outcome result;
    auto line = "AUTH " + mechanism + (initial_response ? " " + first : "");
    bool owes_first = !initial_response;
    for (;;) {
        auto a = f.feed(line + "\r\n");
        for (;;) {
            if (auto const* fetch = std::get_if<smtp::fetch_scram>(&a)) {
                CHECK(fetch->authcid == "alice@example.test");
                a = f.session->on_scram(keys_of("sesame"));
            } else if (auto const* proven = std::get_if<smtp::authorize>(&a)) {
                CHECK(proven->stored_key == keys_of("sesame").stored_key);
                auto const account = proven->authcid;
                a = f.session->on_login(smtp::login_result::accepted, account);
            } else {
                break;
            }
        }
        result.reply = f.output();
        if (!result.reply.starts_with("334 ")) break;
        ++result.challenges;
        if (std::exchange(owes_first, false)) {
            CHECK(result.reply == "334 \r\n");
            line = first;
            continue;
        }
        auto const challenge = base64_decode(result.reply.substr(4, result.reply.size() - 6));
        REQUIRE(challenge);
        line = base64_encode(std::get<sasl::respond>(client->step(*challenge)).octets);
    }
    result.client_is_sure = client->finished();
    return result;
}

TEST_CASE("38: SCRAM's server-final goes in a 334, the client answers empty, then 235")
{
    for (bool const initial : {true, false}) {
        fixture f;
        auto const result = scram(f, "SCRAM-SHA-256", "sesame", initial);
        CHECK(result.reply == "235 2.7.0 Logged in\r\n");
        CHECK(result.challenges == (initial ? 2 : 3));
        CHECK(result.client_is_sure);
        CHECK(f.session->login() == "alice@example.test");
        CHECK(f.session->mechanism() == "SCRAM-SHA-256");
        CHECK(f.session->take_refusals().empty());
    }
}

TEST_CASE("SCRAM-SHA-256-PLUS binds the login to the connection")
{
    fixture f{"an exporter value of 32 octets.."};
    CHECK(scram(f, "SCRAM-SHA-256-PLUS", "sesame", true).reply == "235 2.7.0 Logged in\r\n");
    CHECK(f.session->mechanism() == "SCRAM-SHA-256-PLUS");
}

TEST_CASE("37: a wrong password fails at the proof, and the next exchange starts anew")
{
    fixture f;
    auto const result = scram(f, "SCRAM-SHA-256", "guess", true);
    CHECK(result.challenges == 1);
    CHECK(result.reply.starts_with("535 5.7.8 "));
    CHECK(scram(f, "SCRAM-SHA-256", "sesame", true).reply.starts_with("235 "));
}

TEST_CASE("10, 11: exchange lines and AUTH commands may have 12288 octets; longer ones are skipped")
{
    struct row {
        std::size_t octets;  // of the line with its CRLF
        char const* reply;
    };
    // The base64 is right, so the shorter ones get as far as the mechanism.
    for (auto const& [octets, reply] : {row{12286, "501 5.5.2 "},
                                        {12000, "501 5.5.2 "},
                                        {12288, "501 5.5.2 "},
                                        {12289, "500 5.5.6 "},
                                        {13000, "500 5.5.6 "},
                                        {65536, "500 5.5.6 "}}) {
        CAPTURE(octets);
        fixture f;
        CHECK(f.say("AUTH PLAIN") == "334 \r\n");
        std::string_view const noop = "NOOP\r\n";
        (void)f.feed(std::string(octets - 2, 'A') + "\r\n" + std::string{noop});
        auto const replies = f.output();
        CHECK(replies.substr(0, 10) == reply);
        CHECK(replies.ends_with("\r\n250 2.0.0 OK\r\n"));
        CHECK(!f.session->in_exchange());

        fixture inline_response;
        std::string const command = "AUTH PLAIN ";
        (void)inline_response.feed(command + std::string(octets - 2 - command.size(), 'A') + "\r\n" +
                                   std::string{noop});
        auto const answers = inline_response.output();
        CHECK(answers.substr(0, 10) == reply);
        CHECK(answers.ends_with("\r\n250 2.0.0 OK\r\n"));
    }
}

TEST_CASE("22: unknown user and wrong password get the same octets")
{
    fixture a;
    fixture b;
    auto const answer = [](fixture& f, std::string const& who) {
        auto const next =
            f.feed("AUTH PLAIN " + base64_encode(std::string(1, '\0') + who + std::string(1, '\0') + "x") + "\r\n");
        CHECK(std::holds_alternative<smtp::verify_password>(next));
        (void)f.session->on_login(smtp::login_result::bad_credentials, {});
        return f.output();
    };
    CHECK(answer(a, "alice@example.test") == answer(b, "nobody@example.test"));
}

TEST_CASE("23: the password is in the action that needs it, and in nothing else")
{
    fixture f;
    auto const a = f.feed("AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=\r\n");
    auto const& asked = std::get<smtp::verify_password>(a);
    CHECK(asked.authcid == "alice@example.test");
    CHECK(asked.authzid.empty());
    CHECK(asked.password.reveal() == "sesame");
    (void)f.session->on_login(smtp::login_result::bad_credentials, {});
    auto const refusals = f.session->take_refusals();
    REQUIRE(refusals.size() == 1);
    CHECK(refusals[0].command == "AUTH PLAIN");
    CHECK(refusals[0].number == 1);
    for (auto const& fact : refusals[0].what.facts) {
        CHECK(fact.value.find("sesame") == std::string::npos);
        CHECK(fact.value.find("c2VzYW1l") == std::string::npos);
        CHECK(fact.value.find("AGFs") == std::string::npos);
    }
}

sasl::context_answer established()
{
    sasl::context_answer a;
    a.what = sasl::context_answer::state::established;
    a.octets = "proof";
    a.principal = "anna@EXAMPLE.COM";
    a.account = "anna@example.com";
    return a;
}

sasl::context_answer done(std::string octets)
{
    sasl::context_answer a;
    a.what = sasl::context_answer::state::done;
    a.octets = std::move(octets);
    return a;
}

TEST_CASE("GSSAPI is shown where tickets are taken, and is not there elsewhere")
{
    fixture with{"", true};
    CHECK(with.say("EHLO a").find("250-AUTH GSSAPI SCRAM-SHA-256 PLAIN LOGIN\r\n") != std::string::npos);
    fixture without;
    CHECK(without.say("EHLO a").find("GSSAPI") == std::string::npos);
    CHECK(without.say("AUTH GSSAPI dGlja2V0").starts_with("504 "));
}

TEST_CASE("GSSAPI: tokens go to the library and back, and the library's failure is a 454 at every step")
{
    for (int fails_at = 0; fails_at < 4; ++fails_at) {
        CAPTURE(fails_at);
        fixture f{"", true};
        auto a = f.feed("AUTH GSSAPI dGlja2V0\r\n");
        for (int step = 0;; ++step) {
            if (step == 3) break;
            REQUIRE(std::holds_alternative<smtp::context_step>(a));
            if (step == fails_at) {
                (void)f.session->on_scram_unavailable();
                break;
            }
            auto const& asked = std::get<smtp::context_step>(a);
            using kind = sasl::context_step::kind;
            if (step == 0) {
                CHECK(asked.what == kind::begin);
                CHECK(asked.octets == "ticket");
                (void)f.session->on_context(established());
                CHECK(f.output() == "334 cHJvb2Y=\r\n");
                a = f.feed("\r\n");
            } else if (step == 1) {
                CHECK(asked.what == kind::wrap);
                CHECK(asked.octets == std::string{"\x01\0\0\0", 4});
                (void)f.session->on_context(done("sealed"));
                CHECK(f.output() == "334 c2VhbGVk\r\n");
                a = f.feed("c2VhbGVk\r\n");
            } else {
                CHECK(asked.what == kind::unwrap);
                a = f.session->on_context(done(std::string{"\x01\0\0\0", 4}));
            }
        }
        if (fails_at < 3) {
            CHECK(f.output().starts_with("454 4.7.0 "));
            CHECK(f.session->login().empty());
            CHECK_FALSE(f.session->in_exchange());
            continue;
        }
        auto const& in = std::get<smtp::authorize>(a);
        CHECK(in.outside);
        CHECK(in.authcid == "anna@example.com");
        (void)f.session->on_login(smtp::login_result::accepted, "anna@example.com");
        CHECK(f.output() == "235 2.7.0 Logged in\r\n");
    }
}

TEST_CASE("GSSAPI: a refused ticket is a 535, something else a 501, and neither ends the session")
{
    for (bool const defective : {false, true}) {
        fixture f{"", true};
        (void)f.feed("AUTH GSSAPI dGlja2V0\r\n");
        sasl::context_answer no;
        no.what = defective ? sasl::context_answer::state::defective : sasl::context_answer::state::refused;
        no.note = "the ticket has expired";
        (void)f.session->on_context(no);
        CHECK(f.output().starts_with(defective ? "501 5.5.2 " : "535 5.7.8 "));
        auto const refusals = f.session->take_refusals();
        REQUIRE(refusals.size() == 1);
        CHECK(refusals[0].command == "AUTH GSSAPI");
        CHECK(refusals[0].what.facts.back().value == "the ticket has expired");
        CHECK(f.say("AUTH GSSAPI") == "334 \r\n");
        CHECK(f.say("*").starts_with("501 5.7.0 "));
    }
}

}  // namespace
