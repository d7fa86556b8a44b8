#include "mail/trace.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::mail;

namespace {

received_facts facts()
{
    received_facts f;
    f.ehlo = "laptop.example";
    f.client = *ip_address::parse("192.0.2.7");
    f.hostname = "mail.example.com";
    f.protocol = "ESMTPSA";
    f.tls_version = "TLSv1.3";
    f.tls_cipher = "TLS_AES_256_GCM_SHA384";
    f.tls_bits = 256;
    f.queue_id = "Q0123456789AB";
    f.now = from_microseconds(1795331051'000000);
    return f;
}

}  // namespace

TEST_CASE("Received tells who, how, by whom, for whom and when")
{
    auto f = facts();
    mailbox const bob{"bob", "example.net"};
    f.recipient = &bob;
    CHECK(received_field(f) ==
          "Received: from laptop.example ([192.0.2.7])\r\n"
          "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n"
          "\tby mail.example.com (Postern) with ESMTPSA\r\n"
          "\tid Q0123456789AB\r\n"
          "\tfor <bob@example.net>\r\n"
          "\ttls TLS_AES_256_GCM_SHA384;\r\n"
          "\tSun, 22 Nov 2026 07:04:11 +0000\r\n");
}

TEST_CASE("Received without TLS, and with an IPv6 client whose name is known")
{
    auto f = facts();
    f.tls_version = f.tls_cipher = {};
    f.protocol = "SMTP";
    f.client = *ip_address::parse("2001:db8::7");
    f.client_name = "client.example";
    std::string out = "X: y\r\n";
    append_received_field(out, f);
    CHECK(out ==
          "X: y\r\nReceived: from laptop.example (client.example [IPv6:2001:db8::7])\r\n"
          "\tby mail.example.com (Postern) with SMTP\r\n"
          "\tid Q0123456789AB;\r\n"
          "\tSun, 22 Nov 2026 07:04:11 +0000\r\n");
}

TEST_CASE("Received of a program of this machine names its user")
{
    auto f = facts();
    f.tls_version = f.tls_cipher = {};
    f.protocol = "ESMTP";
    f.local_user = "user 33";
    CHECK(received_field(f) ==
          "Received: by mail.example.com (Postern, from user 33) with ESMTP\r\n"
          "\tid Q0123456789AB;\r\n"
          "\tSun, 22 Nov 2026 07:04:11 +0000\r\n");
}

TEST_CASE("a hidden client leaves no trace")
{
    auto f = facts();
    f.hide_client = true;
    f.client_name = "client.example";
    auto const text = received_field(f);
    CHECK(text.starts_with("Received: from unknown (client hidden)\r\n"));
    for (auto const* secret : {"laptop", "192.0.2", "client.example"}) CHECK(text.find(secret) == std::string::npos);
}

TEST_CASE("nothing that a client says gets out of its place in Received")
{
    for (std::string_view const said :
         {std::string_view{"a b"}, std::string_view{"x) by y (z"}, std::string_view{"a;b"},
          std::string_view{"a\r\nX-Evil: 1"}, std::string_view{"a\0b", 3}, std::string_view{"[1;2]"},
          std::string_view{"[]"}, std::string_view{""}, std::string_view{"<script>"}, std::string_view{"\xc3\xbc"},
          std::string_view{"a\\"}, std::string_view{"\"q\""}}) {
        auto f = facts();
        f.ehlo = f.client_name = said;
        auto const text = received_field(f);
        CHECK(text.starts_with("Received: from unknown ("));
        if (!said.empty()) CHECK(text.find(said) == std::string::npos);
    }
    auto f = facts();
    f.ehlo = "[127.0.0.1]";
    CHECK(received_field(f).starts_with("Received: from [127.0.0.1] ([192.0.2.7])"));
    std::string const endless(300, 'a');
    f.ehlo = endless;
    CHECK(received_field(f).find("aaa") == std::string::npos);
}

TEST_CASE("the tls clause takes registered names only, and an address needs SMTPUTF8 to be in `for`")
{
    auto f = facts();
    f.tls_cipher = "ECDHE-RSA-AES256-GCM-SHA384";
    auto const text = received_field(f);
    CHECK(text.find("cipher ECDHE-RSA-AES256-GCM-SHA384 ") != std::string::npos);
    CHECK(text.find("\ttls ") == std::string::npos);

    mailbox const who{"\xc3\xbc", "example.net"};
    f.recipient = &who;
    CHECK(received_field(f).find("for <") == std::string::npos);
    f.utf8 = true;
    CHECK(received_field(f).find("for <\xc3\xbc@example.net>") != std::string::npos);
}

TEST_CASE("fields of final delivery")
{
    path p;
    p.address = {"a b", "example.com"};
    CHECK(return_path_field(p) == "Return-Path: <\"a b\"@example.com>\r\n");
    p.null = true;
    CHECK(return_path_field(p) == "Return-Path: <>\r\n");
    CHECK(delivered_to_field({"bob", "example.net"}) == "Delivered-To: bob@example.net\r\n");
}
