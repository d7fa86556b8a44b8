#include "diagnose/received_message.hpp"

#include <doctest/doctest.h>

using namespace postern::diagnose;

TEST_CASE("dates with zones, comments and without seconds")
{
    CHECK(read_date("Mon, 05 Jan 2026 03:04:05 +0000") == 1767582245);
    CHECK(read_date("Mon, 5 Jan 2026 04:04:05 +0100 (CET)") == 1767582245);
    CHECK(read_date("5 Jan 2026 03:04 GMT") == 1767582240);
    CHECK_FALSE(read_date("yesterday"));
    CHECK_FALSE(read_date("32 Jan 2026 03:04:05 +0000"));
    CHECK_FALSE(read_date("31 Feb 2026 03:04:05 +0000"));
    CHECK_FALSE(read_date(""));
}

TEST_CASE("the way of a message, and what its receiver says")
{
    auto const h = read_headers(
        "Return-Path: <a@b.example>\n"
        "Authentication-Results: mx.example;\n\tspf=pass smtp.mailfrom=b.example;\n"
        "\tdkim=fail (body hash did not verify) header.d=b.example; dmarc=fail (p=REJECT)\n"
        "Received: from out.example (out.example [192.0.2.1]) by mx.example with ESMTP id 1;\n"
        "\tMon, 05 Jan 2026 03:09:05 +0000\n"
        "Received: from laptop (by the way) by out.example with ESMTPSA id 2; Mon, 05 Jan 2026 03:04:05 +0000\n"
        "Date: Mon, 05 Jan 2026 01:04:05 +0000\n\nbody\n");
    CHECK(h.looked);
    CHECK(h.judge == "mx.example");
    CHECK(h.spf == "pass");
    CHECK(h.dkim == "fail");
    CHECK(h.dkim_reason == "body hash did not verify");
    CHECK(h.dmarc == "fail");
    REQUIRE(h.hops.size() == 2);
    CHECK(h.hops[0].by == "out.example");
    CHECK(h.hops[1].from == "out.example");
    CHECK(h.hops[1].seconds == 300);
    CHECK_FALSE(h.last_hop_encrypted);
    CHECK(h.total_seconds == 300);
    CHECK(h.date_off_seconds == -7200);
}

TEST_CASE("a report of a failure")
{
    auto const r = read_report(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n");
    REQUIRE(r);
    CHECK(r->status == "5.1.1");
    CHECK(r->text == "550 5.1.1 no such user");
    CHECK_FALSE(read_report("Subject: x\r\n\r\nStatus: 5.1.1\r\n"));
}
