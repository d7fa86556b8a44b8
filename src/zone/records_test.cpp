#include "zone/records.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace postern;
using namespace postern::zone;

namespace {

server ours()
{
    server s;
    s.hostname = "mail.example.net";
    s.addresses = {*ip_address::parse("192.0.2.1"), *ip_address::parse("2001:db8::1")};
    s.implicit_port = 465;
    s.starttls_port = 587;
    s.takes_mail = true;
    s.imap = "imap.example.net:993";
    s.of_name = s.addresses;
    s.certificate_keys = {"abcd"};
    return s;
}

}  // namespace

TEST_CASE("records as lines of a zone")
{
    struct {
        record r;
        std::string line;
    } const rows[] = {
        {mx_record("example.com", ours()), "example.com. IN MX 10 mail.example.net."},
        {address_record("mail.example.net", *ip_address::parse("192.0.2.1")), "mail.example.net. IN A 192.0.2.1"},
        {address_record("mail.example.net", *ip_address::parse("2001:db8::1")),
         "mail.example.net. IN AAAA 2001:db8::1"},
        {reverse_record(*ip_address::parse("192.0.2.1"), "mail.example.net"),
         "1.2.0.192.in-addr.arpa. IN PTR mail.example.net."},
        {dmarc_record("example.com"),
         "_dmarc.example.com. IN TXT \"v=DMARC1; p=none; rua=mailto:postmaster@example.com\""},
        {tlsrpt_record("example.com"),
         "_smtp._tls.example.com. IN TXT \"v=TLSRPTv1; rua=mailto:postmaster@example.com\""},
        {tlsa_record("mail.example.net", 25, "abcd"), "_25._tcp.mail.example.net. IN TLSA 3 1 1 abcd"},
        {autoconfig_record("example.com", ours()), "autoconfig.example.com. IN CNAME mail.example.net."},
        {dkim_record("s._domainkey.example.com", std::string(300, 'x')),
         "s._domainkey.example.com. IN TXT \"" + std::string(255, 'x') + "\" \"" + std::string(45, 'x') + '"'},
        {{"a.example", "TXT", "a\"b\\c"}, "a.example. IN TXT \"a\\\"b\\\\c\""},
    };
    for (auto const& row : rows) CHECK(to_line(row.r) == row.line);
}

TEST_CASE("SPF keeps what the record says of others")
{
    auto const v4 = *ip_address::parse("192.0.2.1");
    auto const foreign = *ip_address::parse("198.51.100.7");
    struct {
        std::vector<std::string> published;
        std::vector<ip_address> missing;
        std::string value;
    } const rows[] = {
        {{}, {}, "v=spf1 mx a:mail.example.net ~all"},
        {{}, {v4, foreign}, "v=spf1 mx a:mail.example.net ip4:198.51.100.7 ~all"},
        {{"v=spf1 include:other.example -all"}, {v4}, "v=spf1 a:mail.example.net include:other.example -all"},
        {{"v=spf1 a:mail.example.net -all"}, {v4}, "v=spf1 ip4:192.0.2.1 a:mail.example.net -all"},
        {{"v=spf1 mx -all"}, {foreign}, "v=spf1 ip4:198.51.100.7 mx -all"},
        {{"v=spf1 mx +all"}, {}, "v=spf1 mx ~all"},
        {{"v=spf1 mx ?all"}, {}, "v=spf1 mx ~all"},
        {{"v=spf1 mx"}, {}, "v=spf1 mx ~all"},
        {{"v=spf1 redirect=other.example"}, {v4}, "v=spf1 a:mail.example.net redirect=other.example"},
        {{"v=spf1 mx -all", "V=SPF1  mx a -all"}, {}, "v=spf1 mx a -all"},
        // What no verifier can read goes, whoever wrote it; what stood behind the end never counted.
        {{"v=spf1 ipv4:192.0.2.9 a: mx -all"}, {v4}, "v=spf1 a:mail.example.net mx -all"},
        {{"v=spf1 mx -all a:late.example"}, {}, "v=spf1 mx -all"},
        {{"v=spf1 mx -all", "v=spf1 redirect=other.example"}, {}, "v=spf1 mx include:other.example -all"},
        {{"v=spf1 redirect=a.example", "v=spf1 redirect=b.example"},
         {},
         "v=spf1 include:a.example include:b.example ~all"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.value);
        CHECK(spf_record("example.com", ours(), row.published, row.missing).value == row.value);
    }
}

TEST_CASE("an address that the host name does not lead to is allowed by itself")
{
    auto s = ours();
    s.of_name = {*ip_address::parse("192.0.2.1")};
    CHECK(spf_record("example.com", s, {"v=spf1 mx -all"}, {*ip_address::parse("2001:db8::1")}).value ==
          "v=spf1 ip6:2001:db8::1 mx -all");
}

TEST_CASE("what strangers publish reaches no terminal as it is")
{
    record const r{"a.example", "TXT", "v=spf1 exists:\x1b]0;x\x07\n\xff -all"};
    CHECK(to_line(r) == "a.example. IN TXT \"v=spf1 exists:\\027]0;x\\007\\010\\255 -all\"");
}

TEST_CASE("a new policy of MTA-STS is as strict as the old one")
{
    mail::sts_policy const old{mail::sts_mode::enforce, {"old.example"}, std::chrono::seconds{86400}};
    CHECK(sts_policy({"mail.example.net"}, old) ==
          "version: STSv1\r\nmode: enforce\r\nmx: mail.example.net\r\nmax_age: 86400\r\n");
}

TEST_CASE("the id of MTA-STS changes with the policy, and only with it")
{
    auto const one = sts_policy({"mail.example.net"});
    CHECK(one == "version: STSv1\r\nmode: testing\r\nmx: mail.example.net\r\nmax_age: 604800\r\n");
    CHECK(sts_record("example.com", one) == sts_record("example.com", sts_policy({"mail.example.net"})));
    CHECK(sts_record("example.com", one).value != sts_record("example.com", sts_policy({"mx.example.net"})).value);
}

TEST_CASE("SRV records are those of ports that there are")
{
    auto s = ours();
    auto const all = srv_records("example.com", s);
    REQUIRE(all.size() == 7);
    CHECK(to_line(all[0]) == "_submissions._tcp.example.com. IN SRV 0 1 465 mail.example.net.");
    CHECK(to_line(all[1]) == "_submission._tcp.example.com. IN SRV 10 1 587 mail.example.net.");
    CHECK(to_line(all[2]) == "_imaps._tcp.example.com. IN SRV 0 1 993 imap.example.net.");
    // What the operator does not have is said to be absent, once he has said what there is.
    CHECK(to_line(all[3]) == "_imap._tcp.example.com. IN SRV 0 0 0 .");
    CHECK(to_line(all[4]) == "_pop3s._tcp.example.com. IN SRV 0 0 0 .");
    CHECK(to_line(all[5]) == "_pop3._tcp.example.com. IN SRV 0 0 0 .");
    CHECK(to_line(all[6]) == "_autodiscover._tcp.example.com. IN SRV 0 1 443 mail.example.net.");
    s.implicit_port = 0;
    s.imap = "nonsense";
    s.web_host = "web.example.net";
    auto const fewer = srv_records("example.com", s);
    REQUIRE(fewer.size() == 3);
    CHECK(to_line(fewer[0]) == "_submissions._tcp.example.com. IN SRV 0 0 0 .");
    CHECK(to_line(fewer[2]) == "_autodiscover._tcp.example.com. IN SRV 0 1 443 web.example.net.");
    s.imap = "imap.example.net:143";
    auto const clear = srv_records("example.com", s);
    CHECK(to_line(clear[2]) == "_imaps._tcp.example.com. IN SRV 0 0 0 .");
    CHECK(to_line(clear[3]) == "_imap._tcp.example.com. IN SRV 0 1 143 imap.example.net.");
}

TEST_CASE("where mail programs' configuration is, and who may make certificates")
{
    auto s = ours();
    s.web_host = "web.example.net";
    s.authority = authority_of("https://acme-v02.api.letsencrypt.org/directory");
    auto const all = all_records("example.com", s, {}, {"v=UAAC1; a=sha256; d=x", "v=UAAC1; a=sha256; d=y"});
    std::vector<std::string> lines;
    for (auto const& r : all) lines.push_back(to_line(r));
    for (auto const* const line :
         {"ua-auto-config.example.com. IN CNAME web.example.net.",
          "_ua-auto-config.example.com. IN TXT \"v=UAAC1; a=sha256; d=x\"",
          "_ua-auto-config.example.com. IN TXT \"v=UAAC1; a=sha256; d=y\"",
          "web.example.net. IN CAA 0 issue \"letsencrypt.org\"", "autoconfig.example.com. IN CNAME web.example.net."}) {
        CAPTURE(line);
        CHECK(std::find(lines.begin(), lines.end(), line) != lines.end());
    }
    CHECK(authority_of("https://acme.zerossl.com/v2/DV90") == "sectigo.com");
    CHECK(authority_of("https://dv.acme-v02.api.pki.goog:443/directory") == "pki.goog");
    CHECK(authority_of("https://notletsencrypt.org/directory").empty());
    CHECK(authority_of("").empty());
}

TEST_CASE("all records of a domain, and fewer where this server takes no mail")
{
    auto s = ours();
    auto const full = all_records("example.com", s, {{"s._domainkey.example.com", "v=DKIM1; p=x"}});
    s.takes_mail = false;
    auto const fewer = all_records("example.com", s, {});
    CHECK(full.size() == fewer.size() + 5);
    for (auto const& r : fewer) CHECK(r.type != "MX");
}
