#include "porter/answer.hpp"

#include <doctest/doctest.h>

#include <chrono>

#include <boost/json/serialize.hpp>

#include "porter/autodiscover.hpp"
#include "porter/fixture.hpp"
#include "porter/pace.hpp"

using namespace postern;
using namespace postern::porter;

namespace {

constexpr std::string_view settings_schema =
    "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";
constexpr std::string_view mobile_schema =
    "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006";

std::string pox(std::string_view address, std::string_view schema = settings_schema)
{
    return R"(<?xml version="1.0" encoding="utf-8"?><Autodiscover )"
           R"(xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>)"
           "<EMailAddress>" +
           std::string{address} + "</EMailAddress><AcceptableResponseSchema>" + std::string{schema} +
           "</AcceptableResponseSchema></Request></Autodiscover>";
}

http::request ask(http::method m, std::string host, std::string path, std::string query = {}, std::string body = {},
                  bool secure = true)
{
    http::request r;
    r.method = m;
    r.host = std::move(host);
    r.path = std::move(path);
    r.query = std::move(query);
    r.body = secret{body};
    r.secure = secure;
    r.client = *ip_address::parse("192.0.2.7");
    return r;
}

using enum http::method;

}  // namespace

TEST_CASE("who asks what, and what is answered")
{
    auto const f = example_facts();
    struct {
        char const* name;
        http::request r;
        unsigned status;
        char const* outcome;
        char const* domain;
        std::string part;  // of the body or of a field
    } const rows[] = {
        // Mozilla's places
        {"its own name",
         ask(get, "autoconfig.example.test", "/mail/config-v1.1.xml", "emailaddress=anna%40example.test"), 200,
         "settings", "example.test", "id=\"example.test\""},
        {"without an address", ask(get, "autoconfig.example.test", "/mail/config-v1.1.xml"), 200, "settings",
         "example.test", "id=\"example.test\""},
        {"in the clear", ask(get, "autoconfig.example.test", "/mail/config-v1.1.xml", "", "", false), 200, "settings",
         "example.test", "id=\"example.test\""},
        {"well-known", ask(get, "example.test", "/.well-known/autoconfig/mail/config-v1.1.xml"), 200, "settings",
         "example.test", "id=\"example.test\""},
        {"well-known, in the clear",
         ask(get, "example.test", "/.well-known/autoconfig/mail/config-v1.1.xml", "emailaddress=a@example.test", "",
             false),
         200, "settings", "example.test", "id=\"example.test\""},
        {"the drafts' place", ask(get, "other.test", "/.well-known/mail-v1.xml"), 200, "settings", "other.test", ""},
        {"another case of the name and the address",
         ask(get, "autoconfig.hoster.test", "/mail/config-v1.1.xml", "EmailAddress=Anna@EXAMPLE.Test"), 200, "settings",
         "example.test", ""},
        {"an international domain",
         ask(get, "autoconfig.hoster.test", "/mail/config-v1.1.xml", "emailaddress=a@b%C3%BCcher.example"), 200,
         "settings", "xn--bcher-kva.example", ""},
        {"by the mail exchanger",
         ask(get, "autoconfig.hoster.test", "/mail/config-v1.1.xml", "emailaddress=a@other.test"), 200, "settings",
         "other.test", "<domain purpose=\"mx\">hoster.test"},
        {"by the mail exchanger, without an address", ask(get, "autoconfig.hoster.test", "/mail/config-v1.1.xml"), 200,
         "settings", "hoster.test", "id=\"hoster.test\""},
        {"an address with nothing put in",
         ask(get, "autoconfig.example.test", "/mail/config-v1.1.xml", "emailaddress=%25EMAILADDRESS%25"), 200,
         "settings", "example.test", ""},
        {"somebody else's domain",
         ask(get, "autoconfig.example.test", "/mail/config-v1.1.xml", "emailaddress=a@gone.test"), 404,
         "unknown domain", "gone.test", ""},
        {"somebody else's host", ask(get, "autoconfig.gone.test", "/mail/config-v1.1.xml"), 404, "unknown domain",
         "gone.test", ""},
        {"a bad escape", ask(get, "autoconfig.example.test", "/mail/config-v1.1.xml", "emailaddress=%zz"), 200,
         "settings", "example.test", ""},
        {"HEAD", ask(head, "autoconfig.example.test", "/mail/config-v1.1.xml"), 200, "settings", "example.test", ""},
        {"OPTIONS", ask(options, "autoconfig.example.test", "/mail/config-v1.1.xml"), 204, "options", "", ""},
        {"DELETE", ask(http::method::remove, "autoconfig.example.test", "/mail/config-v1.1.xml"), 405, "wrong method",
         "", ""},
        {"as the database", ask(get, "mail.hoster.test", "/v1.1/other.test"), 200, "settings", "other.test", ""},
        {"as the database, unknown", ask(get, "mail.hoster.test", "/autoconfig/v1.1/gone.test"), 404, "unknown domain",
         "gone.test", ""},
        // Outlook's
        {"POX", ask(post, "autodiscover.example.test", "/autodiscover/autodiscover.xml", "", pox("anna@example.test")),
         200, "settings", "example.test", "<LoginName>anna@example.test</LoginName>"},
        {"any letter case", ask(post, "example.test", "/AutoDiscover/Autodiscover.XML", "", pox("nobody@example.test")),
         200, "settings", "example.test", "<LoginName>nobody@example.test</LoginName>"},
        {"through SRV", ask(post, "mail.hoster.test", "/autodiscover/autodiscover.xml", "", pox("anna@other.test")),
         200, "settings", "other.test", ""},
        {"POX, somebody else's",
         ask(post, "autodiscover.example.test", "/autodiscover/autodiscover.xml", "", pox("anna@gone.test")), 200,
         "unknown domain", "gone.test", "<ErrorCode>500</ErrorCode>"},
        {"POX of a phone",
         ask(post, "autodiscover.example.test", "/autodiscover/autodiscover.xml", "",
             pox("anna@example.test", mobile_schema)),
         200, "other schema", "example.test", "<ErrorCode>601</ErrorCode>"},
        {"POX with GET", ask(get, "autodiscover.example.test", "/autodiscover/autodiscover.xml"), 200, "no question",
         "example.test", "<ErrorCode>600</ErrorCode>"},
        {"POX without a body", ask(post, "autodiscover.example.test", "/autodiscover/autodiscover.xml"), 200,
         "no question", "example.test", "<ErrorCode>600</ErrorCode>"},
        {"POX without an address",
         ask(post, "autodiscover.example.test", "/autodiscover/autodiscover.xml", "", pox("")), 200, "no question",
         "example.test", "<ErrorCode>600</ErrorCode>"},
        {"POX with half an address",
         ask(post, "autodiscover.example.test", "/autodiscover/autodiscover.xml", "", pox("x")), 200, "unknown domain",
         "example.test", "<ErrorCode>500</ErrorCode>"},
        {"POX in the clear is led on",
         ask(get, "autodiscover.example.test", "/autodiscover/autodiscover.xml", "", "", false), 302, "led to https",
         "example.test", "https://mail.hoster.test/autodiscover/autodiscover.xml"},
        {"JSON",
         ask(get, "autodiscover.example.test", "/autodiscover/autodiscover.json",
             "Email=anna%40example.test&Protocol=Autodiscoverv1&RedirectCount=1"),
         200, "pointer", "example.test", "https://autodiscover.example.test/autodiscover/autodiscover.xml"},
        {"JSON, the other form",
         ask(get, "mail.hoster.test", "/autodiscover/autodiscover.json/v1.0/anna@other.test",
             "Protocol=AUTODISCOVERV1"),
         200, "pointer", "other.test", "https://mail.hoster.test/autodiscover/autodiscover.xml"},
        {"JSON without an address", ask(get, "autodiscover.example.test", "/Autodiscover/Autodiscover.json"), 200,
         "pointer", "example.test", ""},
        {"JSON without an address, of a phone",
         ask(get, "autodiscover.example.test", "/autodiscover/autodiscover.json", "Protocol=ActiveSync"), 404,
         "other protocol", "example.test", "InvalidProtocol"},
        {"JSON of a phone",
         ask(get, "autodiscover.example.test", "/autodiscover/autodiscover.json",
             "Email=a@example.test&Protocol=ActiveSync"),
         400, "other protocol", "example.test", "InvalidProtocol"},
        {"JSON, somebody else's",
         ask(get, "autodiscover.example.test", "/autodiscover/autodiscover.json",
             "Email=a@gone.test&Protocol=AutodiscoverV1"),
         404, "unknown domain", "gone.test", "UserNotFound"},
        {"JSON in the clear is led on",
         ask(get, "autodiscover.example.test", "/autodiscover/autodiscover.json/v1.0/a&b@example.test",
             "Protocol=AutodiscoverV1", "", false),
         302, "led to https", "example.test",
         "https://mail.hoster.test/autodiscover/autodiscover.json?Email=a%26b%40example.test&Protocol=AutodiscoverV1"},
        // PACC
        {"PACC", ask(get, "ua-auto-config.example.test", "/.well-known/user-agent-configuration.json"), 200, "settings",
         "example.test", "\"mailto:postmaster@example.test\""},
        {"PACC, somebody else's", ask(get, "ua-auto-config.gone.test", "/.well-known/user-agent-configuration.json"),
         404, "unknown domain", "gone.test", ""},
        {"PACC, posted", ask(post, "ua-auto-config.example.test", "/.well-known/user-agent-configuration.json"), 405,
         "wrong method", "", ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const said = answer(f, row.r, {});
        REQUIRE(said.has_value());
        CHECK(said->response.status == row.status);
        CHECK(said->note.status == row.status);
        CHECK(said->note.answer == row.outcome);
        CHECK(said->note.domain == row.domain);
        auto all = said->response.body;
        for (auto const& [key, value] : said->response.fields) all += '\n' + value;
        CHECK(all.find(row.part) != std::string::npos);
        CHECK(said->response.status != 401);
        // A page elsewhere may read it.
        if (row.status != 302) CHECK(http::find(said->response.fields, "access-control-allow-origin") == "*");
    }
}

TEST_CASE("what is no question to the porter")
{
    auto const f = example_facts();
    for (auto const* const path :
         {"/", "/mail", "/mail/config-v1.1.xml/x", "/autodiscover/autodiscover.xmlx",
          "/autodiscover/autodiscover.jsonx", "/autodiscover", "/v1.2/example.test", "/.well-known/security.txt"}) {
        CAPTURE(path);
        CHECK_FALSE(answer(f, ask(get, "autoconfig.example.test", path), {}).has_value());
    }
    CHECK_FALSE(
        answer(f, ask(get, "ua-auto-config.example.test", "/.well-known/user-agent-configuration.json", "", "", false),
               {})
            .has_value());
}

TEST_CASE("the answer is the same for addresses that exist and that don't, and for whoever asks")
{
    auto const f = example_facts();
    auto r = ask(get, "autoconfig.example.test", "/mail/config-v1.1.xml", "emailaddress=anna@example.test");
    auto const one = answer(f, r, {});
    r.query = "emailaddress=no-such-account@example.test";
    r.fields = {{"authorization", "Basic YW5uYTpzZWNyZXQ="}, {"user-agent", "Outlook\r\nx"}};
    auto const other = answer(f, r, {});
    CHECK(one->response.body == other->response.body);
    CHECK(one->response.fields == other->response.fields);
    CHECK_FALSE(one->note.password_sent);
    CHECK(other->note.password_sent);
    CHECK(other->note.user_agent == "Outlook\\x0d\\x0ax");
    auto const kept = serialize(boost::json::value(to_json(other->note, {})));
    CHECK(kept.find("YW5uYTpzZWNyZXQ") == std::string::npos);
    CHECK(kept.find("no-such-account") == std::string::npos);
}

TEST_CASE("an address in the path is not noted")
{
    auto const r = ask(get, "mail.hoster.test", "/autodiscover/autodiscover.json/v1.0/anna@other.test");
    CHECK(answer(example_facts(), r, {})->note.path == "/autodiscover/autodiscover.json/v1.0/");
}

TEST_CASE("reading what Outlook sends")
{
    using kind = autodiscover_question::kind;
    struct {
        char const* name;
        std::string body;
        kind what;
        std::string address;
    } const rows[] = {
        {"as it is", pox(" anna@example.test\r\n"), kind::settings, "anna@example.test"},
        {"a phone", pox("anna@example.test", mobile_schema), kind::other_schema, "anna@example.test"},
        {"a prefix for the namespace",
         "<a:autodiscover "
         "xmlns:a='x'><a:request><a:EmailAddress>b@c.test</a:EmailAddress></a:request></a:autodiscover>",
         kind::settings, "b@c.test"},
        {"an entity of XML", pox("a&amp;b@c.test"), kind::settings, "a&b@c.test"},
        {"an entity that nobody knows stays what it is", pox("&e;@c.test"), kind::settings, "&e;@c.test"},
        {"a DTD", "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + pox("&e;@c.test"), kind::invalid, ""},
        {"a DTD without anything in it", "<!DOCTYPE Autodiscover>" + pox("anna@example.test"), kind::invalid, ""},
        {"a distinguished name only", "<Autodiscover><Request><LegacyDN>/o=x</LegacyDN></Request></Autodiscover>",
         kind::invalid, ""},
        {"no XML", "emailaddress=anna@example.test&password=geheim", kind::invalid, ""},
        {"half of it", pox("anna@example.test").substr(0, 200), kind::invalid, ""},
        {"nothing", "", kind::invalid, ""},
        {"too long an address", pox(std::string(321, 'x')), kind::invalid, ""},
        {"too much", pox("anna@example.test") + std::string(longest_autodiscover_request, ' '), kind::invalid, ""},
        {"nested without end",
         [] {
             std::string s;
             for (int i = 0; i < 5000; ++i) s += "<a>";
             return s;
         }(),
         kind::invalid, ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const q = read_autodiscover(row.body);
        CHECK(q.what == row.what);
        CHECK(q.address == row.address);
    }
}

TEST_CASE("a client is admitted as often as it may ask, and the table stays bounded")
{
    pace p{{3, 1, 4}};
    steady_time now{};
    auto const a = *ip_address::parse("192.0.2.1");
    for (int i = 0; i < 3; ++i) CHECK(p.admit(a, now));
    CHECK_FALSE(p.admit(a, now));
    CHECK(p.admit(*ip_address::parse("192.0.2.2"), now));
    now += std::chrono::seconds{1};
    CHECK(p.admit(a, now));
    CHECK_FALSE(p.admit(a, now));
    // One customer's, and this machine's own.
    for (int i = 0; i < 3; ++i) CHECK(p.admit(*ip_address::parse(i % 2 ? "2001:db8::1" : "2001:db8::2"), now));
    CHECK_FALSE(p.admit(*ip_address::parse("2001:db8::3"), now));
    for (int i = 0; i < 9; ++i) CHECK(p.admit(*ip_address::parse("127.0.0.1"), now));
    for (std::uint32_t i = 0; i < 100; ++i) {
        p.admit(ip_address::v4(0xc6336400 + i), now);
        CHECK(p.remembered() <= 4);
    }
}
