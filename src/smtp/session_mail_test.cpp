// MAIL and RCPT with their parameters: statements 20, 53, 61, 71, 73 to 75 of
// standards.md, parts 2.4 and 2.5 of security.md as far as the session goes.
#include <doctest/doctest.h>

#include "support/dialog.hpp"

namespace {

using namespace postern;
using postern::test::dialog;

constexpr dialog dialogs[] = {
    {"MAIL and RCPT need EHLO or HELO, and RCPT needs MAIL", "mx", R"(
        -- greeting
        C: MAIL FROM:<alice@example.test>
        S: 503 5.5.1 ...
        -- rule ehlo-first
        C: RCPT TO:<bob@example.org>
        S: 503 5.5.1 ...
        C: HELO client.example
        S: 250 mx.example
        C: RCPT TO:<bob@example.org>
        S: 503 5.5.1 ...
        -- mail
        C: MAIL FROM:<alice@example.test>
        S: 503 5.5.1 ...
        C: RCPT TO:<carol@example.org>
        S: 250 2.1.5 ...
        -- protocol SMTP
    )"},
    {"a refused sender opens no transaction", "mx", R"(
        -- greeting
        -- ehlo
        -- next sender sender-not-owned
        C: MAIL FROM:<king@example.test>
        S: 550 5.7.1 ...
        -- rule sender-not-owned
        -- command MAIL FROM:<king@example.test>
        C: RCPT TO:<bob@example.org>
        S: 503 5.5.1 ...
        -- mail
    )"},
    {"a refused sender leaves nothing of its parameters", "mx", R"(
        -- greeting
        -- ehlo
        -- next sender sender-not-owned
        C: MAIL FROM:<king@example.test> SMTPUTF8
        S: 550 5.7.1 ...
        C- MAIL FROM:<\xc3\xbc@example.test>\r\n
        S: 553 5.6.7 ...
        C: MAIL FROM:<a@example.test> SMTPUTF8 FOO
        S: 555 5.5.4 ...
        C- MAIL FROM:<\xc3\xbc@example.test>\r\n
        S: 553 5.6.7 ...
    )"},
    {"when and how urgently is asked for where EHLO offers it", "submission tls timing hold=3600", R"(
        -- greeting
        C: EHLO laptop.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE 1000000
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-AUTH ...
        S: 250-DSN
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-REQUIRETLS
        S: 250-MT-PRIORITY
        S: 250-DELIVERBY
        S: 250-FUTURERELEASE 3600 1970-01-01T01:00:00.000000Z
        S: 250-LIMITS RCPTMAX=100
        S: 250 HELP
        C: MAIL FROM:<alice@example.test> HOLDFOR=60
        S: 530 5.7.0 ...
        -- rule release-needs-login
        -- login
        C: MAIL FROM:<alice@example.test> HOLDFOR=3601
        S: 501 5.5.4 ...
        -- rule release-too-late
        C: MAIL FROM:<alice@example.test> HOLDFOR=60 MT-PRIORITY=9 BY=100;N
        S: 250 2.1.0 ...
    )"},
    {"a priority above 0 needs a login, or is lowered", "mx timing hold=3600", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<alice@example.test> MT-PRIORITY=3
        S: 250 2.3.6 0 ...
        C: RSET
        S: 250 2.0.0 ...
        C: MAIL FROM:<alice@example.test> MT-PRIORITY=-3
        S: 250 2.1.0 ...
        C: RSET
        S: 250 2.0.0 ...
        C: MAIL FROM:<alice@example.test> HOLDFOR=60
        S: 555 5.5.4 ...
        -- rule unknown-parameter
    )"},
    {"a priority above 0 needs none where the operator says so", "mx timing priority-without-login", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<alice@example.test> MT-PRIORITY=3
        S: 250 2.1.0 ...
    )"},
    {"a refused recipient leaves the others", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        -- next recipient lookup-failure
        C: RCPT TO:<carol@example.org>
        S: 451 4.3.0 ...
        -- command RCPT TO:<carol@example.org>
        C: RCPT TO:<dan@example.org>
        S: 250 2.1.5 ...
        C: DATA
        S: 354 ...
        C: .
        S: 250 2.0.0 ...
        -- recipients 2
    )"},
    {"RSET ends the transaction", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        C: RSET
        S: 250 2.0.0 OK
        C: DATA
        S: 503 5.5.1 ...
        -- mail
    )"},
    {"61: postmaster, without a domain too", "mx", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<>
        S: 250 2.1.0 ...
        C: RCPT TO:<postmaster>
        S: 250 2.1.5 ...
        C: RCPT TO:<PostMaster>
        S: 250 2.1.5 ...
        C: RCPT TO:<nobody>
        S: 501 5.1.3 ...
        C: RSET
        S: 250 2.0.0 OK
        C: MAIL FROM:<postmaster>
        S: 501 5.1.7 ...
        -- rule bad-sender-address
    )"},
    {"the syntax around the path", "mx errors=40", R"(
        -- greeting
        -- ehlo
        C: MAIL
        S: 501 5.5.4 ...
        -- rule syntax-error
        C: MAIL FROM
        S: 501 5.5.4 ...
        C: MAIL FROM:
        S: 501 5.5.4 ...
        C: MAIL <alice@example.test>
        S: 501 5.5.4 ...
        C: MAIL TO:<alice@example.test>
        S: 501 5.5.4 ...
        C: MAIL FROM:alice@example.test
        S: 501 5.5.4 ...
        -- rule address-needs-brackets
        C: MAIL FROM:<alice@example.test
        S: 501 5.5.4 ...
        -- rule address-needs-brackets
        C: MAIL FROM:<alice@example.test>SIZE=1
        S: 501 5.5.4 ...
        C: MAIL FROM:<alice@example.test> =1
        S: 501 5.5.4 ...
        C: MAIL FROM:<alice@example.test> SIZE=1=1
        S: 501 5.5.4 ...
        C: MAIL FROM:<alice@example.test> -SIZE=1
        S: 501 5.5.4 ...
        C: MAIL FROM:<alice@example.test> <bob@example.test>
        S: 501 5.5.4 ...
        C: MAIL FROM: <alice@example.test>   SIZE=1  BODY=8BITMIME
        S: 250 2.1.0 ...
        C: RCPT
        S: 501 5.5.4 ...
        C: RCPT FROM:<bob@example.org>
        S: 501 5.5.4 ...
        C: RCPT TO:<>
        S: 501 5.1.3 ...
        C: RCPT TO:bob@example.org
        S: 501 5.5.4 ...
        -- rule address-needs-brackets
        C: RCPT TO:<bob@example.org>,<carol@example.org>
        S: 501 5.5.4 ...
        C: RCPT TO: <bob@example.org>
        S: 250 2.1.5 ...
    )"},
    {"53, 2.4: each error of an address has its reply", "mx errors=40", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<alice>
        S: 501 5.1.7 ...
        -- rule bad-sender-address
        C: MAIL FROM:<alice@example.test.>
        S: 553 5.1.7 ...
        -- rule sender-domain-invalid
        C: MAIL FROM:<alice@-example.test>
        S: 553 5.1.7 ...
        C: MAIL FROM:<alice@localonly>
        S: 553 5.1.3 ...
        -- rule address-not-qualified
        C: MAIL FROM:<@relay.example:alice@example.test>
        S: 553 5.1.3 ...
        -- rule source-route
        C: MAIL FROM:<alice@@example.test>
        S: 501 5.1.7 ...
        C- MAIL FROM:<\xff@example.test> SMTPUTF8\r\n
        S: 553 5.6.7 ...
        -- rule address-not-utf8
        C: MAIL FROM:<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.test>
        S: 501 5.1.3 ...
        -- rule address-too-long
        C: MAIL FROM:<alice@example.test>
        S: 250 2.1.0 ...
        C: RCPT TO:<bob@localonly>
        S: 553 5.1.3 ...
        -- rule address-not-qualified
        C: RCPT TO:<bob@example.org.>
        S: 553 5.1.3 ...
        -- rule recipient-domain-invalid
        C: RCPT TO:<@relay.example:bob@example.org>
        S: 553 5.1.3 ...
        -- rule source-route
        C: RCPT TO:<bob>
        S: 501 5.1.3 ...
        -- rule bad-recipient-address
    )"},
    {"73: letters outside ASCII need SMTPUTF8", "mx", R"(
        -- greeting
        -- ehlo
        C- MAIL FROM:<\xc3\xbc@example.test>\r\n
        S: 553 5.6.7 ...
        -- rule needs-smtputf8
        C- MAIL FROM:<a@\xc3\xbc.example>\r\n
        S: 553 5.6.7 ...
        C- MAIL FROM:<\xc3\xbc@example.test> SMTPUTF8\r\n
        S: 250 2.1.0 ...
        C- RCPT TO:<\xc3\xa9@example.org>\r\n
        S: 250 2.1.5 ...
        C: RSET
        S: 250 2.0.0 OK
        C: MAIL FROM:<a@example.test>
        S: 250 2.1.0 ...
        C- RCPT TO:<\xc3\xa9@example.org>\r\n
        S: 553 5.6.7 ...
        -- rule needs-smtputf8
        C: RCPT TO:<e@example.org>
        S: 250 2.1.5 ...
    )"},
    {"unknown parameters, and those that stand twice", "mx errors=40", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<a@example.test> FOO=BAR
        S: 555 5.5.4 ...
        -- rule unknown-parameter
        C: MAIL FROM:<a@example.test> NOTIFY=NEVER
        S: 555 5.5.4 ...
        C: MAIL FROM:<a@example.test> HOLDFOR=60
        S: 555 5.5.4 ...
        C: MAIL FROM:<a@example.test> SIZE=1 size=1
        S: 501 5.5.4 ...
        -- rule duplicate-parameter
        C: MAIL FROM:<a@example.test> SMTPUTF8 SMTPUTF8
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.test> AUTH=<> AUTH=<>
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.test> SMTPUTF8=1
        S: 501 5.5.4 ...
        -- rule bad-parameter
        C: MAIL FROM:<a@example.test> BODY
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.test> BODY=9BIT
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.test>
        S: 250 2.1.0 ...
        C: RCPT TO:<b@example.org> SIZE=1
        S: 555 5.5.4 ...
        C: RCPT TO:<b@example.org> NOTIFY=NEVER NOTIFY=NEVER
        S: 501 5.5.4 ...
        -- rule duplicate-parameter
        C: RCPT TO:<b@example.org> NOTIFY
        S: 501 5.5.4 ...
        C: RCPT TO:<b@example.org> ORCPT
        S: 501 5.5.4 ...
    )"},
    {"71: a declared size over the limit is refused at MAIL; values that are none", "mx errors=40", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<a@example.test> SIZE=1000001
        S: 552 5.3.4 ...
        -- rule message-too-big
        C: MAIL FROM:<a@example.test> SIZE=18446744073709551615
        S: 552 5.3.4 ...
        C: MAIL FROM:<a@example.test> SIZE=18446744073709551616
        S: 552 5.3.4 ...
        C: MAIL FROM:<a@example.test> SIZE=99999999999999999999
        S: 552 5.3.4 ...
        C: MAIL FROM:<a@example.test> SIZE=100000000000000000000
        S: 501 5.5.4 ...
        -- rule bad-parameter
        C: MAIL FROM:<a@example.test> SIZE=-1
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.test> SIZE=+1
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.test> SIZE=0x10
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.test> SIZE=1e3
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.test> SIZE=
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.test> SIZE
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.test> SIZE=00000000000001000000
        S: 250 2.1.0 ...
    )"},
    {"2.5: line breaks in xtext", "mx", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<a@example.test> ENVID=x+0D+0Ay
        S: 501 5.5.4 ...
        -- rule bad-parameter
        C: MAIL FROM:<a@example.test> ENVID=x+y
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.test> RET=ALL
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.test> RET=HDRS ENVID=QQ+2B314159
        S: 250 2.1.0 ...
        C: RCPT TO:<b@example.org> ORCPT=rfc822;b+0D+0Ax@example.org
        S: 501 5.5.4 ...
        C: RCPT TO:<b@example.org> ORCPT=b@example.org
        S: 501 5.5.4 ...
        C: RCPT TO:<b@example.org> NOTIFY=NEVER,SUCCESS
        S: 501 5.5.4 ...
        C: RCPT TO:<b@example.org> NOTIFY=SUCCESS,NEVER
        S: 501 5.5.4 ...
        C: RCPT TO:<b@example.org> NOTIFY=SUCCESS,,DELAY
        S: 501 5.5.4 ...
        C: RCPT TO:<b@example.org> NOTIFY=,
        S: 501 5.5.4 ...
        C: RCPT TO:<b@example.org> NOTIFY=success,FAILURE,Delay ORCPT=rfc822;b+2B@example.org
        S: 250 2.1.5 ...
    )"},
    {"BINARYMIME needs EHLO", "mx", R"(
        -- greeting
        C: HELO client.example
        S: 250 mx.example
        C: MAIL FROM:<a@example.test> BODY=BINARYMIME
        S: 501 5.5.4 ...
        -- rule binary-needs-smtp
        C: MAIL FROM:<a@example.test> BODY=8BITMIME
        S: 250 2.1.0 ...
    )"},
};

POSTERN_PLAY("dialogs: MAIL and RCPT", dialogs)

/// A session after EHLO, logged in or not.
struct fixture {
    smtp::server_settings settings;
    std::unique_ptr<smtp::server_session> session;

    explicit fixture(bool logged_in)
    {
        settings.hostname = "mx.example";
        settings.mechanisms = {"PLAIN"};
        settings.role = config::role::mx;
        smtp::tls_facts const tls{"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, {}, {}};
        session = std::make_unique<smtp::server_session>(
            settings, smtp::connection_facts{.session_id = "SESSION", .client = {}, .auth_without_tls = false});
        (void)session->on_connect(&tls);
        (void)feed("EHLO client.example\r\n");
        if (!logged_in) return;
        (void)feed("AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=\r\n");
        (void)session->on_login(smtp::login_result::accepted, "alice@example.test");
    }
    smtp::action feed(std::string_view octets) { return session->on_input(octets); }
};

TEST_CASE("74: what MAIL and RCPT say is in the envelope")
{
    fixture f{false};
    auto asked =
        f.feed("MAIL FROM:<a@Example.TEST> SIZE=4711 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B314159 REQUIRETLS\r\n");
    CHECK(std::holds_alternative<smtp::check_sender>(asked));
    (void)f.session->on_sender({});
    auto const& e = f.session->transaction();
    CHECK(e.reverse_path.to_string() == "a@example.test");
    CHECK(e.declared_size == 4711);
    CHECK(e.body == mail::body_type::eight_bit_mime);
    CHECK(e.smtputf8);
    CHECK(e.require_tls);
    CHECK(e.ret == mail::dsn_return::headers);
    CHECK(e.envelope_id == "QQ+314159");
    CHECK(e.auth.empty());

    auto next = f.feed("RCPT TO:<b@example.org> NOTIFY=SUCCESS,delay ORCPT=rfc822;B+2Bx@example.org\r\n");
    auto const& candidate = std::get<smtp::check_recipient>(next).to;
    CHECK(candidate.forward_path.to_string() == "b@example.org");
    CHECK(f.session->transaction().recipients.empty());
    (void)f.session->on_recipient({});
    REQUIRE(f.session->transaction().recipients.size() == 1);
    auto const& r = f.session->transaction().recipients[0];
    CHECK(r.forward_path.to_string() == "b@example.org");
    CHECK(r.original == "rfc822;B+2Bx@example.org");
    CHECK(r.notify ==
          mail::dsn_notify{.specified = true, .never = false, .success = true, .failure = false, .delay = true});

    next = f.feed("RCPT TO:<c@example.org> NOTIFY=NEVER\r\n");
    CHECK(std::get<smtp::check_recipient>(next).to.notify.never);
    (void)f.session->on_recipient({});

    (void)f.feed("RSET\r\nMAIL FROM:<>\r\n");
    CHECK(f.session->transaction().reverse_path.null);
    CHECK(f.session->transaction().envelope_id.empty());
    CHECK(f.session->transaction().recipients.empty());
    CHECK_FALSE(f.session->transaction().require_tls);
}

TEST_CASE("20: AUTH= is believed from authenticated clients only")
{
    for (bool const logged_in : {false, true}) {
        fixture f{logged_in};
        (void)f.feed("MAIL FROM:<a@example.com> AUTH=e+3Dmc2@example.com\r\n");
        CHECK(f.session->transaction().auth == (logged_in ? "e=mc2@example.com" : ""));
    }
    fixture f{true};
    (void)f.feed("MAIL FROM:<a@example.com> AUTH=<>\r\n");
    CHECK(f.session->transaction().auth.empty());
}

TEST_CASE("2.6 RCPT explosion: the memory of a long list goes with its transaction")
{
    fixture f{false};
    (void)f.feed("MAIL FROM:<a@example.com>\r\n");
    (void)f.session->on_sender({});
    for (int i = 0; i < 1000; ++i) {
        (void)f.feed("RCPT TO:<b" + std::to_string(i) + "@example.org>\r\n");
        (void)f.session->on_recipient({});
    }
    CHECK(f.session->transaction().recipients.size() == 1000);
    (void)f.feed("RSET\r\n");
    CHECK(f.session->transaction().recipients.capacity() <= 16);
}

}  // namespace
