// Logging in at a server as a client: dialogs with good servers and with rogues.
#include <doctest/doctest.h>

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "base/base64.hpp"
#include "sasl/scram.hpp"
#include "smtp/client_session.hpp"

using namespace postern;
using namespace postern::smtp;
using namespace std::string_literals;

namespace {

// Looked for in all memory that is given back.
std::string_view never_left_behind;
bool left_behind = false;

void look_for_it(void* p) noexcept
{
    if (p == nullptr || never_left_behind.empty()) return;
    std::string_view const octets{static_cast<char const*>(p), ::malloc_usable_size(p)};
    left_behind = left_behind || octets.find(never_left_behind) != std::string_view::npos;
}

}  // namespace

void* operator new(std::size_t size)
{
    // Without what somebody else left there.
    if (void* const p = std::calloc(1, size)) return p;
    throw std::bad_alloc{};
}
void operator delete(void* p) noexcept
{
    look_for_it(p);
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept
{
    look_for_it(p);
    std::free(p);
}

namespace {

enum class proof { password, token, scram, certificate };

// A driver that performs what the session asks for, as the real one does.
struct player {
    client_session session;
    proof what;
    std::vector<std::string> allowed;
    std::string written;

    player(client_settings s, proof p, std::vector<std::string> a)
        : session(std::move(s)), what(p), allowed(std::move(a))
    {
    }

    sasl::client_credentials credentials() const
    {
        sasl::client_credentials c;
        c.authcid = "ann";
        if (what == proof::token) {
            c.token = secret{"ya29.token"};
        } else if (what == proof::certificate) {
            c.certificate = true;
        } else {
            c.password = secret{"pencil"};
        }
        return c;
    }

    void choose()
    {
        sasl::client_means const means{what == proof::password || what == proof::scram, what == proof::token,
                                       what == proof::certificate};
        std::string const name{sasl::choose_mechanism(session.usable_mechanisms(), {}, means, allowed)};
        if (name.empty()) return session.give_up_login("nothing fits");
        if (name.starts_with("SCRAM")) {
            session.begin_login(
                sasl::scram::make_client(hash::sha256, false, credentials(), {}, "rOprNGfwEbeRWgbNEkqO"));
        } else {
            session.begin_login(sasl::make_client_mechanism(name, credentials(), {}));
        }
    }

    void act()
    {
        for (;;) {
            written += session.output();
            session.output().clear();
            auto const next = session.next();
            if (std::holds_alternative<choose_login>(next)) {
                choose();
            } else if (std::holds_alternative<answer_challenge>(next)) {
                auto const& c = session.challenge();
                session.on_answer(session.mechanism().step(c ? std::optional<std::string_view>{*c} : std::nullopt));
            } else {
                return;
            }
        }
    }

    void end(std::string_view expected)
    {
        auto const next = session.next();
        if (expected == "ready") {
            CHECK(std::holds_alternative<ready>(next));
            return;
        }
        if (expected == "TLS") {
            REQUIRE(std::holds_alternative<start_tls_now>(next));
            session.on_tls(true);
            return act();
        }
        if (expected == "TLS that proves nothing") {
            REQUIRE(std::holds_alternative<start_tls_now>(next));
            session.on_tls(false);
            return act();
        }
        CHECK(std::holds_alternative<hang_up_now>(next));
        auto const colon = expected.find(": ");
        auto const kind = expected.substr(0, colon);
        failure const wanted = kind == "refused"      ? failure::login_refused
                               : kind == "impossible" ? failure::login_impossible
                                                      : failure::malformed;
        CHECK(session.failed() == wanted);
        INFO(session.failure_text());
        CHECK(session.failure_text().find(expected.substr(colon + 2)) != std::string::npos);
    }

    void play(std::string_view script)
    {
        while (!script.empty()) {
            std::size_t const stop = std::min(script.find('\n'), script.size());
            std::string_view line = script.substr(0, stop);
            script.remove_prefix(std::min(stop + 1, script.size()));
            line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
            if (line.empty()) continue;
            CAPTURE(line);
            if (line.starts_with("S: ")) {
                CHECK(written.empty());
                session.on_input(std::string{line.substr(3)} + "\r\n");
                act();
            } else if (line.starts_with("C: ")) {
                CHECK(written == std::string{line.substr(3)} + "\r\n");
                written.clear();
            } else {
                end(line.substr(3));
            }
        }
        CHECK(written.empty());
    }
};

struct dialog {
    char const* name;
    proof what;
    char const* script;  // after EHLO under TLS; "AUTH PLAIN LOGIN CRAM-MD5 ..." is announced as given
    std::vector<std::string> allowed{};
};

void begin(player& p, std::string const& mechanisms)
{
    p.session.begin_in_tls(true);
    p.play("S: 220 mx\nC: EHLO us.example\n");
    p.session.on_input("250-mx\r\n250-PIPELINING\r\n250 AUTH " + mechanisms + "\r\n");
    p.act();
}

client_settings usual()
{
    client_settings s;
    s.hostname = "us.example";
    s.tls = tls_wish::required;
    s.logs_in = true;
    return s;
}

void run(std::string const& mechanisms, std::vector<dialog> const& dialogs)
{
    for (auto const& d : dialogs) {
        CAPTURE(d.name);
        player p{usual(), d.what, d.allowed};
        begin(p, mechanisms);
        p.play(d.script);
    }
}

}  // namespace

TEST_CASE("logging in with a password")
{
    run("LOGIN PLAIN", {
                           {"PLAIN, in one command", proof::password, R"(
            C: AUTH PLAIN AGFubgBwZW5jaWw=
            S: 235 2.7.0 ok
            -- ready
        )"},
                           {"PLAIN is not forced upon who forbids it",
                            proof::password,
                            R"(
            C: AUTH LOGIN
            S: 334 VXNlcm5hbWU6
            C: YW5u
            S: 334 UGFzc3dvcmQ6
            C: cGVuY2ls
            S: 235 2.7.0 ok
            -- ready
        )",
                            {"LOGIN"}},
                           {"a wrong password is wrong, and is not sent again by other means", proof::password, R"(
            C: AUTH PLAIN AGFubgBwZW5jaWw=
            S: 535-5.7.8 Username and Password not accepted.
            S: 535 5.7.8 https://support.example/?p=BadCredentials
            -- refused: PLAIN: 535 5.7.8 Username and Password not accepted.
        )"},
                           {"a mechanism that the server does not know after all", proof::password, R"(
            C: AUTH PLAIN AGFubgBwZW5jaWw=
            S: 504 5.5.4 Unrecognized authentication type
            C: AUTH LOGIN
            S: 504 5.7.4 neither
            -- impossible: nothing fits
        )"},
                           {"for now", proof::password, R"(
            C: AUTH PLAIN AGFubgBwZW5jaWw=
            S: 454 4.7.0 Temporary authentication failure
            -- refused: 454 4.7.0
        )"},
                       });
    run("CRAM-MD5 LOGIN", {
                              {"CRAM-MD5", proof::password, R"(
            C: AUTH CRAM-MD5
            S: 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+
            C: YW5uIDI2NmY4MmJiMmQxYWNlNjcyOWQyYzU3M2U0ZTAwNGM2
            S: 235 ok
            -- ready
        )"},
                          });
}

TEST_CASE("logging in with a token, and with a certificate")
{
    run("PLAIN XOAUTH2", {
                             {"XOAUTH2", proof::token, R"(
            C: AUTH XOAUTH2 dXNlcj1hbm4BYXV0aD1CZWFyZXIgeWEyOS50b2tlbgEB
            S: 235 2.7.0 Accepted
            -- ready
        )"},
                             {"what the server says of the token is told", proof::token, R"(
            C: AUTH XOAUTH2 dXNlcj1hbm4BYXV0aD1CZWFyZXIgeWEyOS50b2tlbgEB
            S: 334 eyJzdGF0dXMiOiI0MDAifQ==
            C: 
            S: 535 5.7.8 no
            -- refused: XOAUTH2: 535 5.7.8 no ({"status":"400"})
        )"},
                             {"a server that finds fault with a token and takes it all the same", proof::token, R"(
            C: AUTH XOAUTH2 dXNlcj1hbm4BYXV0aD1CZWFyZXIgeWEyOS50b2tlbgEB
            S: 334 eyJzdGF0dXMiOiI0MDAifQ==
            C: 
            S: 235 fine
            -- impossible: before it had proven itself
        )"},
                         });
    run("OAUTHBEARER", {
                           {"OAUTHBEARER", proof::token, R"(
            C: AUTH OAUTHBEARER bixhPWFubiwBYXV0aD1CZWFyZXIgeWEyOS50b2tlbgEB
            S: 334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=
            C: AQ==
            S: 535 5.7.8 no
            -- refused: invalid_token
        )"},
                           {"no token goes to who offers nothing for it", proof::password, R"(
            -- impossible: nothing fits
        )"},
                       });
    run("EXTERNAL", {
                        {"EXTERNAL", proof::certificate, R"(
            C: AUTH EXTERNAL YW5u
            S: 235 ok
            -- ready
        )"},
                    });
}

// RFC 7677 section 3, with "ann" in place of "user".
TEST_CASE("SCRAM: the server proves itself, or is not believed")
{
    player p{usual(), proof::scram, {}};
    begin(p, "PLAIN SCRAM-SHA-256");
    p.play("C: AUTH SCRAM-SHA-256 biwsbj1hbm4scj1yT3ByTkdmd0ViZVJXZ2JORWtxTw==\n");
    SUBCASE("a success before any proof") { p.play("S: 235 welcome\n-- impossible: before it had proven itself\n"); }
    std::string const salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
    std::string const first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=" + salt + ",i=4096";
    auto const say_first = [&] {
        p.session.on_input("334 " + base64_encode(first) + "\r\n");
        p.act();
    };
    SUBCASE("the right signature")
    {
        say_first();
        auto const salted = sasl::scram::salted_password(hash::sha256, "pencil", *base64_decode(salt), 4096);
        std::string const final = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        std::string const all = "n=ann,r=rOprNGfwEbeRWgbNEkqO," + first + "," + final;
        auto const signature = hmac(hash::sha256, hmac(hash::sha256, salted.reveal(), "Server Key"), all);
        std::string const proven = final + ",p=" + base64_encode(sasl::scram::client_proof(hash::sha256, salted, all));
        p.play("C: " + base64_encode(proven) + "\n");
        p.play("S: 334 " + base64_encode("v=" + base64_encode(signature)) + "\nC: \nS: 235 ok\n-- ready\n");
        CHECK(p.session.logged_in_by() == "SCRAM-SHA-256");
    }
    SUBCASE("a wrong signature: the exchange is broken off, and nothing weaker is tried")
    {
        say_first();
        p.written.clear();
        p.play("S: 334 " + base64_encode("v=" + base64_encode(std::string(32, 'x'))) +
               "\nC: *\nS: 501 5.7.0 cancelled\n-- impossible: does not know the password\n");
    }
    SUBCASE("no signature at all")
    {
        say_first();
        p.written.clear();
        p.play("S: 235 ok\n-- impossible: before it had proven itself\n");
    }
    SUBCASE("a nonce of its own")
    {
        p.play("S: 334 " + base64_encode("r=mine,s=" + salt + ",i=4096") +
               "\nC: *\nS: 501 5.7.0 cancelled\n-- impossible: the nonce differs\n");
    }
    SUBCASE("a count that would keep us busy for hours")
    {
        p.play("S: 334 " + base64_encode("r=rOprNGfwEbeRWgbNEkqOx,s=" + salt + ",i=2000000000") +
               "\nC: *\nS: 501 5.7.0 cancelled\n-- impossible: iteration count\n");
    }
}

TEST_CASE("servers that break the exchange")
{
    run("LOGIN", {
                     {"endless challenges", proof::password, R"(
            C: AUTH LOGIN
            S: 334 VXNlcm5hbWU6
            C: YW5u
            S: 334 UGFzc3dvcmQ6
            C: cGVuY2ls
            S: 334 QWdhaW4=
            C: *
            S: 501 cancelled
            -- impossible: more challenges than LOGIN has
        )"},
                     {"what is no base 64", proof::password, R"(
            C: AUTH LOGIN
            S: 334 User Name!
            C: *
            S: 501 cancelled
            -- impossible: not base64
        )"},
                     {"success too early", proof::password, R"(
            C: AUTH LOGIN
            S: 235 that was easy
            -- impossible: before it had proven itself
        )"},
                     {"another success", proof::password, R"(
            C: AUTH LOGIN
            S: 250 ok
            -- malformed: AUTH was answered with 250
        )"},
                     {"another question", proof::password, R"(
            C: AUTH LOGIN
            S: 354 go on
            -- malformed: AUTH was answered with 354
        )"},
                 });
    run("PLAIN", {
                     {"a challenge that PLAIN does not have", proof::password, R"(
            C: AUTH PLAIN AGFubgBwZW5jaWw=
            S: 334 
            C: *
            S: 235 gotcha
            -- impossible: a challenge that PLAIN does not have
        )"},
                 });
    player p{usual(), proof::password, {}};
    begin(p, "LOGIN");
    p.play("C: AUTH LOGIN\n");
    p.session.on_input("334 " + std::string(5000, 'A'));
    CHECK(p.session.failed() == failure::malformed);
}

TEST_CASE("a long first message waits for the server's challenge (RFC 4954 section 4)")
{
    player p{usual(), proof::token, {}};
    struct long_token : sasl::client_mechanism {
        std::string_view name() const noexcept override { return "XOAUTH2"; }
        sasl::client_action step(std::optional<std::string_view>) override
        {
            return sasl::respond{std::string(1500, 't')};
        }
        bool finished() const noexcept override { return true; }
    };
    p.session.begin_in_tls(true);
    p.play("S: 220 mx\nC: EHLO us.example\n");
    p.session.on_input("250-mx\r\n250 AUTH XOAUTH2\r\n");
    REQUIRE(std::holds_alternative<choose_login>(p.session.next()));
    p.session.begin_login(std::make_unique<long_token>());
    p.act();
    p.play("C: AUTH XOAUTH2\n");
    SUBCASE("asked for") { p.play("S: 334 \nC: " + base64_encode(std::string(1500, 't')) + "\nS: 235 ok\n-- ready\n"); }
    SUBCASE("asked for something else")
    {
        p.play("S: 334 SGVsbG8=\nC: *\nS: 501 no\n-- impossible: a challenge before the first message\n");
    }
}

TEST_CASE("nothing is proven over a connection that is not good for it")
{
    client_settings s = usual();
    SUBCASE("no TLS, and none is offered")
    {
        player p{s, proof::password, {}};
        p.play("S: 220 mx\nC: EHLO us.example\n");
        p.session.on_input("250-mx\r\n250 AUTH PLAIN\r\n");
        CHECK(p.session.failed() == failure::no_tls);
        CHECK(p.session.output().empty());
    }
    SUBCASE("TLS was not even wished for")
    {
        s.tls = tls_wish::never;
        player p{s, proof::password, {}};
        p.play("S: 220 mx\nC: EHLO us.example\n");
        p.session.on_input("250-mx\r\n250 AUTH PLAIN\r\n");
        p.act();
        p.end("impossible: not encrypted well enough");
    }
    SUBCASE("within this machine, when told so")
    {
        s.tls = tls_wish::never;
        s.logs_in_clear = true;
        player p{s, proof::password, {}};
        p.play("S: 220 mx\nC: EHLO us.example\n");
        p.session.on_input("250-mx\r\n250 AUTH PLAIN\r\n");
        p.act();
        p.play("C: AUTH PLAIN AGFubgBwZW5jaWw=\nS: 235 ok\n-- ready\n");
    }
    SUBCASE("a certificate that proves nothing")
    {
        player p{s, proof::password, {}};
        p.play("S: 220 mx\nC: EHLO us.example\n");
        p.session.on_input("250-mx\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n");
        p.act();
        p.play("C: STARTTLS\nS: 220 go\n-- TLS that proves nothing\nC: EHLO us.example\n");
        p.session.on_input("250-mx\r\n250 AUTH PLAIN\r\n");
        p.act();
        p.end("impossible: not encrypted well enough");
    }
    SUBCASE("AUTH gone after TLS: what was said before does not count")
    {
        player p{s, proof::password, {}};
        p.play("S: 220 mx\nC: EHLO us.example\n");
        p.session.on_input("250-mx\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n");
        p.act();
        p.play("C: STARTTLS\nS: 220 go\n-- TLS\nC: EHLO us.example\n");
        p.session.on_input("250-mx\r\n250 PIPELINING\r\n");
        p.act();
        p.end("impossible: offers no log-ins");
    }
    SUBCASE("a server that knows HELO only")
    {
        player p{s, proof::password, {}};
        p.session.begin_in_tls(true);
        p.play("S: 220 mx\nC: EHLO us.example\nS: 500 what?\nC: HELO us.example\nS: 250 mx\n");
        p.end("impossible: offers no log-ins");
    }
}

TEST_CASE("AUTH in EHLO, in both forms, and never too much of it")
{
    client_settings s = usual();
    client_session session{s};
    session.begin_in_tls(true);
    std::string many = "250-AUTH";
    for (int i = 0; i < 100; ++i) many += " M" + std::to_string(i);
    session.on_input("220 mx\r\n250-mx\r\n250-AUTH=LOGIN\r\n250-AUTH plain\r\n" + many + "\r\n250 HELP\r\n");
    auto const& list = session.announced().mechanisms;
    REQUIRE(list.size() == 50);
    CHECK(list[0] == "LOGIN");
    CHECK(list[1] == "PLAIN");
}

TEST_CASE("421 in the middle of a login ends the session as everywhere")
{
    player p{usual(), proof::password, {}};
    begin(p, "PLAIN");
    p.play("C: AUTH PLAIN AGFubgBwZW5jaWw=\nS: 421 4.7.0 Too many failed logins\n");
    CHECK(p.session.failed() == failure::shutting_down);
}

TEST_CASE("what proves the password stays in no memory that is given back")
{
    for (bool const too_long : {false, true}) {
        CAPTURE(too_long);
        client_session session{usual()};
        session.begin_in_tls(true);
        session.on_input("220 mx\r\n");
        session.output().clear();
        session.on_input("250-mx\r\n250 AUTH PLAIN\r\n");
        sasl::client_credentials c;
        c.authcid = "ann" + std::string(too_long ? 240 : 0, 'n');
        c.password = secret{std::string(too_long ? 240 : 60, 'p')};
        session.begin_login(sasl::make_client_mechanism("PLAIN", std::move(c), {}));
        auto answer = session.mechanism().step(std::nullopt);
        // A part of the base 64 of many p's.
        std::string const needle = "cHBwcHBwcHBwcHBwcHBwcHBwcHBw";
        left_behind = false;
        never_left_behind = needle;
        session.on_answer(std::move(answer));
        if (too_long) {
            CHECK(session.output() == "AUTH PLAIN\r\n");
            session.output().clear();
            session.on_input("334 \r\n");
        }
        CHECK(session.output().find(needle) != std::string::npos);
        // As who sends it does.
        wipe(session.output().data(), session.output().size());
        std::string{}.swap(session.output());
        session.on_input("235 2.7.0 ok\r\n");
        never_left_behind = {};
        CHECK_FALSE(left_behind);
    }
}
