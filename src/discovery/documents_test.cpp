#include "discovery/documents.hpp"

#include <doctest/doctest.h>

#include <string>

#include "base/base64.hpp"
#include "base/crypto.hpp"

namespace postern::discovery {
namespace {

using providers::security;

std::string autoconfig(std::string_view servers)
{
    return "<?xml version=\"1.0\"?><clientConfig version=\"1.1\"><emailProvider id=\"example.com\">"
           "<displayName> Example mail </displayName>" +
           std::string{servers} + "</emailProvider></clientConfig>";
}

std::string outgoing(std::string_view host, std::string_view port, std::string_view socket)
{
    return "<outgoingServer type=\"smtp\"><hostname>" + std::string{host} + "</hostname><port>" + std::string{port} +
           "</port><socketType>" + std::string{socket} +
           "</socketType><authentication>OAuth2</authentication><authentication>password-cleartext</authentication>"
           "<username>%EMAILADDRESS%</username></outgoingServer>";
}

TEST_CASE("autoconfig: its outgoing servers in their order")
{
    auto const d = parse_autoconfig(
        autoconfig("<incomingServer type=\"imap\"><hostname>imap.example.com</hostname>"
                   "</incomingServer>" +
                   outgoing("SMTP.Example.com", "465", "SSL") + outgoing("smtp.example.com", " 587 ", "STARTTLS")));
    CHECK(d.problem.empty());
    CHECK(d.display_name == "Example mail");
    REQUIRE(d.servers.size() == 2);
    CHECK(d.servers[0].host == "smtp.example.com");
    CHECK(d.servers[0].port == 465);
    CHECK(d.servers[0].how == security::implicit_tls);
    CHECK(d.servers[0].user == "%EMAILADDRESS%");
    CHECK(d.servers[0].auth == std::vector<std::string>{"OAUTH2", "PLAIN"});
    CHECK(d.servers[1].port == 587);
    CHECK(d.servers[1].how == security::starttls);
}

TEST_CASE("autoconfig that is broken says why")
{
    struct row {
        std::string xml;
        std::string_view problem;
    };
    row const rows[] = {
        {"", "no well-formed XML"},
        {"<clientConfig>", "no well-formed XML"},
        {"hello", "no"},
        {"<other/>", "no emailProvider"},
        {autoconfig(""), "names no outgoing server"},
        {autoconfig(outgoing("not a host", "465", "SSL")), "is no name of a server"},
        {autoconfig(outgoing("smtp.example.com", "70000", "SSL")), "is no port"},
        {autoconfig(outgoing("smtp.example.com", "0", "SSL")), "is no port"},
        {autoconfig(outgoing("smtp.example.com", "465", "TLS")), "socketType"},
        {std::string(longest_document + 1, ' '), "longer than"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.xml.substr(0, 200));
        auto const d = parse_autoconfig(r.xml);
        CHECK(d.servers.empty());
        CHECK(d.problem.find(r.problem) != std::string::npos);
    }
}

TEST_CASE("entities of a document's own are never put in, and the number of servers is bounded")
{
    auto const bomb = parse_autoconfig("<!DOCTYPE a [<!ENTITY b \"bbbbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]>" +
                                       autoconfig(outgoing("smtp.&c;example.com", "465", "SSL")));
    CHECK(bomb.servers.empty());
    std::string many;
    for (int i = 0; i < 100; ++i) many += outgoing("smtp.example.com", "465", "SSL");
    CHECK(parse_autoconfig(autoconfig(many)).servers.size() == most_servers);
    std::string deep;
    for (int i = 0; i < 20'000; ++i) deep += "<a>";
    CHECK_FALSE(parse_autoconfig(deep).problem.empty());
}

TEST_CASE("Autodiscover: SMTP with its kind of encryption, redirections, errors")
{
    auto const answer = [](std::string_view account) {
        return "<?xml version=\"1.0\"?><Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/"
               "responseschema/2006\"><Response xmlns=\"x\">" +
               std::string{account} + "</Response></Autodiscover>";
    };
    auto const protocol = [&](std::string_view rest) {
        return answer(
            "<Account><Action>settings</Action><Protocol><Type>IMAP</Type><Server>i.example.com</Server>"
            "</Protocol><Protocol><Type>SMTP</Type><Server>smtp.example.com</Server>" +
            std::string{rest} + "</Protocol></Account>");
    };
    struct row {
        std::string_view rest;
        std::uint16_t port;
        security how;
    };
    constexpr row rows[] = {
        {"<Port>465</Port><SSL>on</SSL><Encryption>SSL</Encryption>", 465, security::implicit_tls},
        {"<Port>587</Port><Encryption>TLS</Encryption>", 587, security::starttls},
        {"<Port>587</Port><SSL>on</SSL>", 587, security::starttls},
        {"<Port>25</Port><SSL>off</SSL>", 25, security::none},
        {"<LoginName>anna@example.com</LoginName>", 465, security::implicit_tls},
    };
    for (auto const& r : rows) {
        CAPTURE(r.rest);
        auto const d = parse_autodiscover(protocol(r.rest));
        REQUIRE(d.servers.size() == 1);
        CHECK(d.servers[0].port == r.port);
        CHECK(d.servers[0].how == r.how);
    }
    CHECK(parse_autodiscover(answer("<Account><Action>redirectAddr</Action><RedirectAddr>a@b.test</RedirectAddr>"
                                    "</Account>"))
              .redirect_address == "a@b.test");
    CHECK(parse_autodiscover(answer("<Error><ErrorCode>600</ErrorCode></Error>")).problem ==
          "it answers with error 600");
    CHECK(autodiscover_request("a<&>b@example.com").find("a&lt;&amp;&gt;b@example.com") != std::string::npos);
}

TEST_CASE("PACC: implicit TLS at the default port, and the digest in the DNS")
{
    auto const d = parse_pacc(R"({"protocols":{"smtp":{"host":"smtp.example.com"}},)"
                              R"("authentication":{"oauth-public":{"issuer":"x"},"password":true},)"
                              R"("info":{"provider":{"name":"Example mail"}}})");
    REQUIRE(d.servers.size() == 1);
    CHECK(d.servers[0].port == 465);
    CHECK(d.servers[0].auth == std::vector<std::string>{"PLAIN", "OAUTH2"});
    CHECK(d.display_name == "Example mail");
    CHECK(parse_pacc("{}").problem == "it names no outgoing server");
    CHECK(parse_pacc("[").problem == "it is no JSON object");

    auto const octets = digest(hash::sha256, "x");
    CHECK(parse_pacc_record("v=UAAC1; a=sha256; d=" + base64_encode(octets)) == octets);
    CHECK_FALSE(parse_pacc_record("v=spf1 -all").has_value());
    CHECK_FALSE(parse_pacc_record("v=UAAC1; a=sha1; d=" + base64_encode(octets)).has_value());
    CHECK_FALSE(parse_pacc_record("v=UAAC1; a=sha256; d=eA==").has_value());
}

}  // namespace
}  // namespace postern::discovery
