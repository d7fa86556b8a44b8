// What every session has: greeting, EHLO, line ends, limits, small commands. The numbers
// are those of the statements in standards.md and the rows of security.md.
#include <doctest/doctest.h>

#include "smtp/line_reader.hpp"
#include "support/dialog.hpp"

namespace {

using postern::test::dialog;

constexpr dialog dialogs[] = {
    {"58, 75, 77: EHLO lists what holds, LIMITS with true values", "submission tls recipients=250", R"(
        S: 220 mx.example ESMTP Postern
        C: EHLO client.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE 1000000
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-AUTH SCRAM-SHA-256 PLAIN LOGIN
        S: 250-DSN
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-REQUIRETLS
        S: 250-LIMITS RCPTMAX=250
        S: 250 HELP
    )"},
    {"1: HELO lists nothing", "submission tls", R"(
        -- greeting
        C: HELO client.example
        S: 250 mx.example
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 503 5.5.1 ...
        -- rule auth-ehlo-first
        C: EHLO client.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE 1000000
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-AUTH SCRAM-SHA-256 PLAIN LOGIN
        S: 250-DSN
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-REQUIRETLS
        S: 250-LIMITS RCPTMAX=100
        S: 250 HELP
    )"},
    {"17: before TLS, STARTTLS is listed and AUTH is not", "submission starttls", R"(
        -- greeting
        C: EHLO client.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE 1000000
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-STARTTLS
        S: 250-DSN
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-LIMITS RCPTMAX=100
        S: 250 HELP
    )"},
    {"EHLO takes names, literals and what real clients send", "mx", R"(
        -- greeting
        C: EHLO [192.0.2.1]
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE 1000000
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-DSN
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-LIMITS RCPTMAX=100
        S: 250 HELP
        C: HELO my_laptop
        S: 250 mx.example
        C: helo [IPv6:2001:db8::1]
        S: 250 mx.example
        C: HELO
        S: 501 5.5.2 ...
        -- rule helo-argument
        C: EHLO
        S: 501 5.5.2 ...
        C: EHLO a b
        S: 501 5.5.2 ...
        C: EHLO <script>
        S: 501 5.5.2 ...
        C: HELO x(comment)
        S: 501 5.5.2 ...
    )"},
    {"a refused EHLO leaves the session as it was", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        C: EHLO
        S: 501 5.5.2 ...
        C: RCPT TO:<carol@example.org>
        S: 250 2.1.5 ...
    )"},
    {"EHLO and HELO end the transaction", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        -- ehlo
        C: RCPT TO:<carol@example.org>
        S: 503 5.5.1 ...
        -- mail
        C: HELO again.example
        S: 250 mx.example
        C: DATA
        S: 503 5.5.1 ...
        -- rule bad-sequence
    )"},
    {"verbs in any letter case, blanks at the end", "mx", R"(
        -- greeting
        C: eHlO client.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE 1000000
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-DSN
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-LIMITS RCPTMAX=100
        S: 250 HELP
        C- noop   \r\n
        S: 250 2.0.0 OK
        C- mail from:<alice@example.test>  \r\n
        S: 250 2.1.0 ...
        C- rcpt TO:<bob@example.org>  \r\n
        S: 250 2.1.5 ...
    )"},
    {"small commands", "mx", R"(
        -- greeting
        C: HELP
        S: 214 2.0.0 ...
        C: HELP MAIL
        S: 214 2.0.0 ...
        C: NOOP
        S: 250 2.0.0 OK
        C: NOOP whatever you like
        S: 250 2.0.0 OK
        C: RSET
        S: 250 2.0.0 OK
        C: RSET now
        S: 501 5.5.4 ...
        -- rule no-parameters
        C: QUIT please
        S: 501 5.5.4 ...
        -- open
        C: QUIT
        S: 221 2.0.0 Goodbye
        -- closed
    )"},
    {"2.4 VRFY says the same for everybody, EXPN and ETRN nothing", "mx", R"(
        -- greeting
        C: VRFY alice@example.test
        S: 252 2.0.0 Addresses are not looked up for VRFY; send a mail and see
        C: VRFY nobody@example.test
        S: 252 2.0.0 Addresses are not looked up for VRFY; send a mail and see
        C- VRFY \xc3\xbc\r\n
        S: 252 2.0.0 Addresses are not looked up for VRFY; send a mail and see
        C: VRFY
        S: 501 5.5.4 ...
        C: EXPN staff
        S: 502 5.5.1 ...
        -- rule command-not-implemented
        C: ETRN example.test
        S: 502 5.5.1 ...
        C: XCLIENT ADDR=127.0.0.1
        S: 502 5.5.1 ...
    )"},
    {"unknown commands are told and counted", "mx errors=3", R"(
        -- greeting
        C: FOO bar
        S: 500 5.5.2 ...
        -- rule unknown-command
        -- command FOO
        C: MAIL
        S: 503 5.5.1 ...
        C:
        S: 500 5.5.2 ...
        S: 421 4.7.0 ...
        -- rule too-many-errors
        -- closed
    )"},
    {"errors are forgiven when a message was accepted", "mx errors=2", R"(
        -- greeting
        -- ehlo
        C: FOO
        S: 500 5.5.2 ...
        -- mail
        C: DATA
        S: 354 ...
        C: x
        C: .
        S: 250 2.0.0 Accepted as QUEUED
        C: FOO
        S: 500 5.5.2 ...
        -- open
    )"},
    {"60: a bare CR or LF in a command is refused", "mx", R"(
        -- greeting
        C- NO\rOP\r\n
        S: 500 5.5.2 ...
        -- rule bare-newline-in-command
        C- NOOP\r\r\n
        S: 500 5.5.2 ...
        -- open
        C- NOOP\nNOOP\r\n
        S: 500 5.5.2 ...
        -- rule bare-newline-in-command
        -- closed
    )"},
    {"2.2 NUL and other control characters in commands", "mx", R"(
        -- greeting
        C- NO\0OP\r\n
        S: 500 5.5.2 ...
        -- rule bad-octet-in-command
        C- MAIL FROM:<a\0b@example.test>\r\n
        S: 500 5.5.2 ...
        C- EHLO a\tb\r\n
        S: 500 5.5.2 ...
        C- NOOP \x7f\r\n
        S: 500 5.5.2 ...
        C- NOOP \x1b[2J\r\n
        S: 500 5.5.2 ...
        -- command NOOP
        C- \xff\xfe\r\n
        S: 500 5.5.2 ...
        -- rule unknown-command
    )"},
    {"a web browser is sent away at its first line", "mx", R"(
        -- greeting
        C: POST / HTTP/1.1
        C: Host: mx.example:25
        C: MAIL FROM:<a@example.test>
        S: 554 5.5.1 ...
        -- rule http-client
        -- closed
    )"},
    {"CONNECT, GET and header fields of HTTP too", "mx", R"(
        -- greeting
        C: Host: mx.example
        S: 554 5.5.1 ...
        -- closed
    )"},
    {"GET is HTTP", "mx", R"(
        -- greeting
        C: get / HTTP/1.0
        S: 554 5.5.1 ...
        -- closed
    )"},
    {"a TLS client hello on a port for STARTTLS is explained", "submission starttls", R"(
        -- greeting
        C- \x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03
        S: 500 5.5.2 ...
        -- rule tls-on-plain-port
        -- closed
    )"},
    {"70, 2920: a pipelined batch is answered in order, errors discard nothing", "mx", R"(
        -- greeting
        -- ehlo
        -- next recipient unknown-recipient
        C: MAIL FROM:<alice@example.test>
        C: RCPT TO:<nobody@example.org>
        C: RCPT TO:<bob@example.org>
        C: FOO
        C: DATA
        S: 250 2.1.0 ...
        S: 550 5.1.1 ...
        S: 250 2.1.5 ...
        S: 500 5.5.2 ...
        S: 354 ...
        C: Subject: x
        C: .
        C: MAIL FROM:<>
        C: QUIT
        S: 250 2.0.0 Accepted as QUEUED
        S: 250 2.1.0 ...
        S: 221 2.0.0 ...
        -- closed
        -- message Subject: x\r\n
        -- recipients 1
    )"},
    {"63: too many recipients are put off with 452, the others get the mail", "mx recipients=2", R"(
        -- greeting
        -- ehlo
        -- mail
        C: RCPT TO:<b@example.org>
        C: RCPT TO:<c@example.org>
        C: RCPT TO:<d@example.org>
        S: 250 2.1.5 ...
        S: 452 4.5.3 ...
        S: 452 4.5.3 ...
        -- rule too-many-recipients
        -- command RCPT TO:<d@example.org>
        C: DATA
        S: 354 ...
        C: .
        S: 250 2.0.0 ...
        -- recipients 2
    )"},
    {"421 when nothing comes", "mx", R"(
        -- greeting
        -- timeout
        S: 421 4.4.2 ...
        -- rule timeout
        -- closed
    )"},
    {"421 when the server stops, also within an exchange", "mx tls", R"(
        -- greeting
        -- ehlo
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        -- exchange
        -- shutdown
        S: 421 4.3.2 ...
        -- rule server-stopping
        -- closed
    )"},
    {"16: no 530 on EHLO, HELO, NOOP, RSET, QUIT", "submission starttls", R"(
        -- greeting
        C: HELO client.example
        S: 250 mx.example
        -- ehlo
        C: NOOP
        S: 250 2.0.0 OK
        C: RSET
        S: 250 2.0.0 OK
        C: QUIT
        S: 221 2.0.0 ...
    )"},
};

POSTERN_PLAY("dialogs: the session", dialogs)

/// Plays a greeting and an EHLO, then `octets`; gives the replies to them.
std::string reply_to(std::string const& octets, char const* expected_rule)
{
    using namespace postern;
    smtp::server_settings settings;
    settings.hostname = "mx.example";
    settings.role = config::role::mx;
    settings.errors = 100;
    smtp::server_session s{settings, {.session_id = "SESSION", .client = {}, .auth_without_tls = false}};
    (void)s.on_connect();
    s.output().clear();
    std::string pending;
    std::string replies;
    std::string rule;
    // In network-sized pieces: the driver keeps what the session leaves.
    for (std::size_t at = 0; at < octets.size(); at += 1000) {
        pending += octets.substr(at, 1000);
        std::string_view in = pending;
        auto const a = s.on_input(in);
        pending.erase(0, pending.size() - in.size());
        CHECK(pending.size() < smtp::command_line_limit);  // what it makes the driver keep is bounded
        for (auto const& r : s.take_refusals()) rule = r.what.why->name;
        if (std::holds_alternative<smtp::hang_up>(a)) {
            replies = s.output() + "<closed>";
            break;
        }
        replies = s.output();
    }
    CHECK(rule == expected_rule);
    return replies;
}

TEST_CASE("a check marks its session in EHLO or NOOP, and a handshake keeps the mark")
{
    postern::smtp::server_settings s;
    s.hostname = "mx.example";
    s.role = postern::config::role::mx;
    s.starttls = true;
    postern::smtp::server_session session{s, {}};
    session.on_connect();
    auto const say = [&](std::string_view line) { return session.on_input(line); };
    say("EHLO laptop.example\r\nNOOP check.invalid\r\nNOOP two words.check.invalid\r\n");
    CHECK(session.mark().empty());
    say("NOOP 2.chk-k7q2m9tx4wza.check.invalid\r\n");
    CHECK(session.mark() == "2.chk-k7q2m9tx4wza.check.invalid");
    say("EHLO 3.chk-k7q2m9tx4wza.CHECK.invalid\r\n");
    CHECK(session.mark() == "3.chk-k7q2m9tx4wza.CHECK.invalid");
    say("STARTTLS\r\n");
    session.on_tls({});
    CHECK(session.mark() == "3.chk-k7q2m9tx4wza.CHECK.invalid");
}

TEST_CASE("63: command lines up to the limit are taken, longer ones are skipped to their end")
{
    auto const noop = [](std::size_t octets) { return "NOOP " + std::string(octets - 7, 'x') + "\r\n"; };
    CHECK(reply_to(noop(512), "") == "250 2.0.0 OK\r\n");
    CHECK(reply_to(noop(2048), "") == "250 2.0.0 OK\r\n");
    for (std::size_t const size : {2049U, 2050U, 4000U, 12289U, 65535U, 65536U}) {
        auto const reply = reply_to(noop(size) + "NOOP\r\n", "line-too-long");
        CHECK(reply.substr(0, 10) == "500 5.5.6 ");
        CHECK(reply.ends_with("\r\n250 2.0.0 OK\r\n"));
    }
}

TEST_CASE("2.2 unbounded line: who sends more than 64 KiB of it is sent away")
{
    for (std::size_t const size : {65537U, 70000U, 4U << 20}) {
        auto const reply = reply_to(std::string(size, 'x'), "line-too-long");
        CHECK(reply.substr(0, 10) == "500 5.5.6 ");
        CHECK(reply.ends_with("<closed>"));
    }
    // The end of the line does not save it.
    auto const reply = reply_to(std::string(65535, 'x') + "\r\nNOOP\r\n", "line-too-long");
    CHECK(reply.ends_with("<closed>"));
}

TEST_CASE("an overlong line that ends in a bare LF is refused as such")
{
    CHECK(reply_to(std::string(5000, 'x') + "\nNOOP\r\n", "bare-newline-in-command").ends_with("<closed>"));
    CHECK(reply_to(std::string(2999, 'x') + "\r\nNOOP\r\n", "line-too-long").ends_with("250 2.0.0 OK\r\n"));
}

TEST_CASE("the session's id and the refusal's number end each refusal")
{
    auto const reply = reply_to("FOO\r\nBAR\r\n", "unknown-command");
    CHECK(reply.find("(SESSION.1)\r\n") != std::string::npos);
    CHECK(reply.find("(SESSION.2)\r\n") != std::string::npos);
}

TEST_CASE("where there are web pages, a refusal leads to its own")
{
    postern::smtp::server_settings s;
    s.hostname = "mx.example";
    s.pages = "https://mail.example.com";
    postern::smtp::connection_facts facts;
    facts.session_id = "K7Q2M9TX4WZA";
    postern::smtp::server_session session{s, facts};
    session.on_connect();
    std::string_view in = "FOO\r\n";
    session.on_input(in);
    CHECK(session.output().find("(K7Q2M9TX4WZA.1, see https://mail.example.com/why/K7Q2M9TX4WZA.1)\r\n") !=
          std::string::npos);
}

}  // namespace
