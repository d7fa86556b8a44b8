// What an envelope asks for, and what a server that announced less gets of it.
#include <doctest/doctest.h>

#include "smtp/client_fixture.hpp"

using namespace postern;
using namespace postern::smtp;
using namespace postern::smtp::testing;

TEST_CASE("parameters go only to servers that announced them")
{
    letter l;
    l.env.body = mail::body_type::eight_bit_mime;
    l.env.smtputf8 = true;
    l.env.ret = mail::dsn_return::headers;
    l.env.envelope_id = "a+b";
    l.recipients[0].notify = {.specified = true, .success = true, .delay = true};
    l.recipients[0].original = "rfc822;x@y";

    auto all = ready_session({"PIPELINING", "8bitmime", "SMTPUTF8", "DSN", "SIZE 100"});
    REQUIRE(all.check(l.view()) == obstacle::none);
    all.begin(0, l.view());
    CHECK(all.output() ==
          "MAIL FROM:<from@a.example> SIZE=9 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb\r\n"
          "RCPT TO:<to0@b.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y\r\n"
          "DATA\r\n");

    auto none = ready_session({"PIPELINING"});
    none.begin(0, l.view());
    CHECK(none.output() == "MAIL FROM:<from@a.example>\r\nRCPT TO:<to0@b.example>\r\nDATA\r\n");

    l.recipients[0].notify = {.specified = true, .never = true};
    l.env.reverse_path = {.null = true, .address = {}, .utf8 = false};
    auto dsn = ready_session({"PIPELINING", "DSN"});
    dsn.begin(0, l.view());
    CHECK(dsn.output().starts_with("MAIL FROM:<> RET=HDRS ENVID=a+2Bb\r\nRCPT TO:<to0@b.example> NOTIFY=NEVER ORCPT"));
}

TEST_CASE("obstacles")
{
    letter l;
    auto bare = ready_session({});
    CHECK(bare.check(l.view()) == obstacle::none);
    l.utf8 = true;
    CHECK(bare.check(l.view()) == obstacle::smtputf8);
    CHECK(ready_session({"SMTPUTF8"}).check(l.view()) == obstacle::none);

    letter eight;
    eight.env.body = mail::body_type::eight_bit_mime;
    CHECK(bare.check(eight.view()) == obstacle::eight_bit);
    CHECK(ready_session({"8BITMIME"}).check(eight.view()) == obstacle::none);

    letter binary;
    binary.env.body = mail::body_type::binary_mime;
    CHECK(ready_session({"8BITMIME", "CHUNKING"}).check(binary.view()) == obstacle::binary);
    CHECK(ready_session({"BINARYMIME", "CHUNKING"}).check(binary.view()) == obstacle::none);

    letter big;
    big.size = 1001;
    CHECK(ready_session({"SIZE 1000"}).check(big.view()) == obstacle::too_big);
    CHECK(ready_session({"SIZE 0"}).check(big.view()) == obstacle::none);
    CHECK(ready_session({"SIZE"}).check(big.view()) == obstacle::none);
    CHECK(ready_session({"SIZE 99999999999999999999999"}).check(big.view()) == obstacle::none);

    // RFC 8689: announced in the clear, or over TLS that was not verified, it is worth nothing.
    letter secret;
    secret.env.require_tls = true;
    CHECK(ready_session({"REQUIRETLS"}).check(secret.view()) == obstacle::require_tls);
    for (bool verified : {false, true}) {
        client_session s{{"us.example", dialect::smtp, tls_wish::if_offered}};
        s.on_input("220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n");
        s.on_tls(verified);
        s.on_input("250-mx\r\n250 REQUIRETLS\r\n");
        CHECK(s.check(secret.view()) == (verified ? obstacle::none : obstacle::require_tls));
    }
}

TEST_CASE("LIMITS is read")
{
    auto s = ready_session({"LIMITS MAILMAX=10 RCPTMAX=25 FUTURE=1", "LIMITS"});
    CHECK(s.announced().most_messages == 10);
    CHECK(s.announced().most_recipients == 25);
    CHECK(ready_session({"LIMITS RCPTMAX=0 MAILMAX=-1 X"}).announced().most_recipients == 0);
}

TEST_CASE("BINARYMIME goes in one chunk, behind the recipients' replies")
{
    letter l;
    l.env.body = mail::body_type::binary_mime;
    auto s = ready_session({"PIPELINING", "CHUNKING", "BINARYMIME"});
    s.begin(0, l.view());
    CHECK(s.output() == "MAIL FROM:<from@a.example> BODY=BINARYMIME\r\nRCPT TO:<to0@b.example>\r\n");
    s.output().clear();
    s.on_input("250 ok\r\n250 ok\r\n");
    CHECK(s.output() == "BDAT 9 LAST\r\n");
    auto const act = s.next();
    REQUIRE(std::holds_alternative<send_content>(act));
    CHECK(std::get<send_content>(act).chunk);
    s.on_content_sent();
    CHECK_FALSE(s.can_begin());
    s.on_input("250 ok\r\n");
    auto const f = s.take_finished();
    REQUIRE(f.has_value());
    CHECK(f->recipients[0].what == fate::accepted);
}
