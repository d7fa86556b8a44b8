#include "mail/dsn.hpp"

#include <doctest/doctest.h>

#include "base/text.hpp"
#include "mail/dsn_text.hpp"
#include "mail/transfer_encoding.hpp"

using namespace postern;
using namespace postern::mail;

namespace {

bool has(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t count(std::string_view text, std::string_view part)
{
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
    return n;
}

dsn_request failure()
{
    dsn_request q;
    q.hostname = "mail.example.com";
    q.sender.address = {"alice", "example.com"};
    q.queue_id = "QMESSAGE";
    q.report_id = "QREPORT";
    q.arrived = from_microseconds(1795331051'000000);
    q.now = from_microseconds(1795331111'000000);
    q.header = "From: alice@example.com\r\nMessage-ID: <1@laptop.example>\r\nSubject: Hello\r\n\r\n";
    q.content = "From: alice@example.com\r\nSubject: Hello\r\n\r\nThe body\r\n";
    dsn_recipient r;
    r.address = {"bob", "example.net"};
    r.code = {5, 1, 1};
    r.remote_host = "mx.example.net";
    r.remote_reply = "550 5.1.1 no such user";
    r.last_attempt = q.now;
    q.recipients.push_back(r);
    return q;
}

// Every line ends in CRLF, none is too long.
void check_lines(std::string_view text)
{
    while (!text.empty()) {
        auto const end = text.find("\r\n");
        REQUIRE(end != std::string_view::npos);
        CHECK(end <= 998);
        CHECK(text.substr(0, end).find_first_of("\r\n") == std::string_view::npos);
        text.remove_prefix(end + 2);
    }
}

}  // namespace

TEST_CASE("a report of failure, whole")
{
    auto q = failure();
    q.envelope_id = "ENV 1";
    q.recipients[0].original = "rfc822;Bob+2BTag@example.net";
    CHECK(make_dsn(q) ==
          "From: Mail Delivery System <MAILER-DAEMON@mail.example.com>\r\n"
          "To: <alice@example.com>\r\n"
          "Subject: Your mail could not be delivered\r\n"
          "Date: Sun, 22 Nov 2026 07:05:11 +0000\r\n"
          "Message-ID: <QREPORT@mail.example.com>\r\n"
          "In-Reply-To: <1@laptop.example>\r\n"
          "References: <1@laptop.example>\r\n"
          "Auto-Submitted: auto-replied\r\n"
          "MIME-Version: 1.0\r\n"
          "Content-Type: multipart/report; report-type=delivery-status;\r\n"
          "\tboundary=\"report-QREPORT\"\r\n"
          "\r\n"
          "This is a report in MIME format (RFC 3464).\r\n"
          "\r\n"
          "--report-QREPORT\r\n"
          "Content-Type: text/plain; charset=us-ascii\r\n"
          "Content-Transfer-Encoding: 7bit\r\n"
          "\r\n"
          "This is the mail server mail.example.com.\r\n"
          "\r\n"
          "Your message could not be delivered to the following addresses, and no\r\n"
          "further attempt will be made.\r\n"
          "\r\n"
          "  <bob@example.net>\r\n"
          "    The server mx.example.net said: 550 5.1.1 no such user\r\n"
          "    What you can do: Check the address for spelling mistakes, and ask the\r\n"
          "    recipient in another way for the right one.\r\n"
          "\r\n"
          "The message was accepted on Sun, 22 Nov 2026 07:04:11 +0000 as QMESSAGE.\r\n"
          "Technical details and the head of your message follow.\r\n"
          "\r\n"
          "--report-QREPORT\r\n"
          "Content-Type: message/delivery-status\r\n"
          "Content-Transfer-Encoding: 7bit\r\n"
          "\r\n"
          "Reporting-MTA: dns; mail.example.com\r\n"
          "Original-Envelope-Id: ENV 1\r\n"
          "Arrival-Date: Sun, 22 Nov 2026 07:04:11 +0000\r\n"
          "X-Postern-Queue-ID: QMESSAGE\r\n"
          "\r\n"
          "Original-Recipient: rfc822; Bob+Tag@example.net\r\n"
          "Final-Recipient: rfc822; bob@example.net\r\n"
          "Action: failed\r\n"
          "Status: 5.1.1\r\n"
          "Remote-MTA: dns; mx.example.net\r\n"
          "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
          "Last-Attempt-Date: Sun, 22 Nov 2026 07:05:11 +0000\r\n"
          "\r\n"
          "--report-QREPORT\r\n"
          "Content-Type: text/rfc822-headers\r\n"
          "Content-Transfer-Encoding: 7bit\r\n"
          "\r\n"
          "From: alice@example.com\r\n"
          "Message-ID: <1@laptop.example>\r\n"
          "Subject: Hello\r\n"
          "\r\n"
          "--report-QREPORT--\r\n");
}

TEST_CASE("RET=FULL brings the content back, when it is a failure, small and clean")
{
    auto q = failure();
    q.ret = dsn_return::full;
    CHECK(has(make_dsn(q), "Content-Type: message/rfc822\r\n"));
    CHECK(has(make_dsn(q), "\r\n\r\nFrom: alice@example.com\r\nSubject: Hello\r\n\r\nThe body\r\n"));

    auto other = q;
    other.recipients[0].action = dsn_action::delayed;
    CHECK_FALSE(has(make_dsn(other), "The body"));
    other = q;
    other.content_limit = 10;
    CHECK_FALSE(has(make_dsn(other), "The body"));
    other = q;
    other.headers_only = true;
    CHECK_FALSE(has(make_dsn(other), "The body"));
    other = q;
    other.content = "A: b\r\n\r\nThe body\nwith a bare LF\r\n";
    CHECK_FALSE(has(make_dsn(other), "The body"));
    other = q;
    other.content.reset();
    CHECK(has(make_dsn(other), "text/rfc822-headers"));
    for (auto const ret : {dsn_return::headers, dsn_return::unspecified}) {
        other = q;
        other.ret = ret;
        CHECK_FALSE(has(make_dsn(other), "The body"));
    }
    other = q;
    other.content =
        "A: b\r\n\r\nThe b\xc3\xb6"
        "dy";
    CHECK(has(make_dsn(other), "Content-Transfer-Encoding: 8bit"));
    check_lines(make_dsn(other));
}

TEST_CASE("a delay says until when, and that nothing need be done")
{
    auto q = failure();
    q.recipients[0].action = dsn_action::delayed;
    q.recipients[0].code = {4, 4, 1};
    q.recipients[0].will_retry_until = q.now + std::chrono::hours(24);
    auto const text = make_dsn(q);
    CHECK(has(text, "Subject: Your mail is delayed\r\n"));
    CHECK(has(text, "Action: delayed\r\nStatus: 4.4.1\r\n"));
    CHECK(has(text, "Will-Retry-Until: Mon, 23 Nov 2026 07:05:11 +0000\r\n"));
    CHECK(has(text, "you do not have to send it again"));
}

TEST_CASE("several recipients, each with its own fate, under the gravest subject")
{
    auto q = failure();
    dsn_recipient r;
    r.address = {"carl", "example.org"};
    r.action = dsn_action::relayed;
    q.recipients.insert(q.recipients.begin(), r);
    r.address = {"dora", "example.org"};
    r.action = dsn_action::delayed;
    q.recipients.push_back(r);
    r.address = {"eve", "example.org"};
    r.action = dsn_action::delivered;
    q.recipients.push_back(r);
    auto const text = make_dsn(q);
    CHECK(has(text, "Subject: Your mail could not be delivered\r\n"));
    CHECK(count(text, "\r\nFinal-Recipient: ") == 4);
    CHECK(has(text, "Action: relayed\r\nStatus: 2.0.0\r\n"));
    CHECK(has(text, "Action: delayed\r\n"));
    CHECK(has(text, "Action: delivered\r\n"));
}

TEST_CASE("nothing that others said gets out of its field")
{
    auto q = failure();
    q.envelope_id = "x\r\nX-Evil: 1";
    auto& r = q.recipients[0];
    r.original = "rfc822;a+0D+0AX-Evil:+202";
    r.remote_host = "mx\r\nX-Evil: 3";
    r.remote_reply =
        "550-no\r\n550 way\r\n\r\n--report-QREPORT--\r\nX-Evil: 4\x1b[2J\xe2\x80\xae\xff" + std::string(5000, 'x');
    r.reason = "bad\nX-Evil: 5";
    q.header = "A: b\r\nbad\nX-Evil: 6\r\nMessage-ID: <a b>\r\n";
    q.content.reset();
    auto const text = make_dsn(q);
    check_lines(text);
    CHECK_FALSE(has(text, "\r\nX-Evil"));
    CHECK_FALSE(has(text, "\nX-Evil"));
    CHECK_FALSE(has(text, "Original-Recipient"));
    CHECK_FALSE(has(text, "Original-Envelope-Id"));
    CHECK_FALSE(has(text, "In-Reply-To"));
    CHECK(count(text, "\r\n--report-QREPORT--") == 1);
    CHECK_FALSE(has(text, "\x1b"));
    CHECK(is_ascii(text));
}

TEST_CASE("UTF-8 addresses: in ASCII for an ASCII sender, as they are for others")
{
    auto q = failure();
    q.smtputf8 = true;
    q.recipients[0].address.local_part =
        "b\xc3\xb6"
        "b";
    q.recipients[0].original = "utf-8;b\\x{F6}b@example.net";
    q.recipients[0].remote_reply = "550 n\xc3\xb6";
    q.header = "Subject: \xc3\xbc\r\n";
    CHECK_FALSE(dsn_needs_smtputf8(q));
    auto text = make_dsn(q);
    CHECK(is_ascii(text));
    CHECK(has(text, "Final-Recipient: utf-8; b\\x{F6}b@example.net\r\n"));
    CHECK(has(text, "Original-Recipient: utf-8; b\\x{F6}b@example.net\r\n"));
    CHECK(has(text, "Diagnostic-Code: smtp; 550 n\\xc3\\xb6\r\n"));
    CHECK(has(text, "<b=C3=B6b@example.net>"));
    CHECK(has(text,
              "Content-Type: message/global-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSubject: "
              "=C3=BC\r\n"));

    q.sender.address.local_part = "\xc3\xa4lice";
    CHECK(dsn_needs_smtputf8(q));
    text = make_dsn(q);
    CHECK(has(text, "report-type=global-delivery-status"));
    CHECK(has(text, "Content-Type: message/global-delivery-status\r\n"));
    CHECK(has(text,
              "Final-Recipient: utf-8; b\xc3\xb6"
              "b@example.net\r\n"));
    CHECK(has(text, "To: <\xc3\xa4lice@example.com>\r\n"));
}

TEST_CASE("a header section over the limit is cut")
{
    auto q = failure();
    std::string header;
    for (int i = 0; i < 10000; ++i) header += "X-Field: something\r\n";
    q.header = header;
    q.content_limit = 1000;
    auto const text = make_dsn(q);
    CHECK(text.size() < 4000);
    check_lines(text);
}

TEST_CASE("text is wrapped, folded and encoded within its columns")
{
    std::string out;
    append_wrapped(out, "  ", std::string(2000, 'w') + " and " + std::string(70, 'v') + "  short");
    check_lines(out);
    CHECK(has(out, "  and"));
    out.clear();
    append_field(out, "A", "");
    CHECK(out == "A:\r\n");
    out.clear();
    append_quoted_printable(out, "a=b \r\n\xc3\xbc\t\r\n" + std::string(100, 'x') + " ");
    CHECK(out == "a=3Db=20\r\n=C3=BC=09\r\n" + std::string(75, 'x') + "=\r\n" + std::string(25, 'x') + "=20");
    CHECK(clean_remote_text(" a\r\n\t b \n") == "a b");
    CHECK(clean_remote_text("") == "");
}
