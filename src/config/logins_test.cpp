// How people log in, as the configuration says it: tokens, certificates, Kerberos.
#include <utility>

#include "config/fixture.hpp"

using namespace postern;
using namespace postern::config;
using namespace postern::config::testing;
using namespace std::chrono_literals;

TEST_CASE("tokens: several issuers, and what is found by discovery")
{
    auto const s = good(R"([oauth]
issuer = "https://id.example"
audience = ["postern"]
client_id = "postern"
client_secret = "/etc/secret"
introspect = "all"
cache_life = "10s"
[[oauth.issuers]]
issuer = "http://127.0.0.1:8080/x"
audience = ["mail"]
introspection = "http://127.0.0.1:8080/ask"
bearer = "token"
introspect = "only"
[[oauth.issuers]]
issuer = "third"
audience = ["mail"]
keys = "http://localhost/keys")");
    CHECK(s.oauth.keys.empty());
    CHECK(s.oauth.introspect == "all");
    CHECK(s.oauth.cache_life == std::chrono::seconds{10});
    REQUIRE(s.oauth.more.size() == 2);
    CHECK(s.oauth.more[0].introspection == "http://127.0.0.1:8080/ask");
    CHECK(s.oauth.more[0].account_claim == "email");
    CHECK(s.oauth.more[1].keys == "http://localhost/keys");
    std::vector<problem> problems;
    auto const again = parse(to_toml(s), "t", problems);
    REQUIRE(again);
    CHECK(again->oauth.more.size() == 2);
    CHECK(to_toml(*again) == to_toml(s));
}

TEST_CASE("tokens: the issuer alone would let everybody in")
{
    auto const s = good(R"([oauth]
issuer = "https://id.example"
audience = ["postern", "mail"]
keys = "https://id.example/keys"
scope = "smtp"
account_claim = "preferred_username"
clock_skew = "5s")");
    CHECK(s.oauth.issuer == "https://id.example");
    CHECK(s.oauth.audience == std::vector<std::string>{"postern", "mail"});
    CHECK(s.oauth.keys == "https://id.example/keys");
    CHECK(s.oauth.account_claim == "preferred_username");
    CHECK(s.oauth.clock_skew == std::chrono::seconds{5});
    for (auto const& [text, what] : std::vector<std::pair<std::string, std::string>>{
             {"issuer = \"x\"\naudience = [\"a\"]", "oauth.keys is not set"},
             {"issuer = \"http://x\"\naudience = [\"a\"]", "oauth.keys is not set"},
             {"issuer = \"x\"\nkeys = \"/k\"\naudience = [\"a\"]\nbearer = \"b\"", "oauth.introspection is not set"},
             {"issuer = \"https://x\"\naudience = [\"a\"]\nclient_id = \"b\"", "belong together"},
             {"issuer = \"https://x\"\naudience = [\"a\"]\nclient_id = \"b\"\nclient_secret = \"c\"\nbearer = \"d\"",
              "not both"},
             {"issuer = \"https://x\"\naudience = [\"a\"]\nintrospection = \"http://id.example/\"",
              "is not an https URL"},
             {"issuer = \"https://x\"\naudience = [\"a\"]\n[[oauth.issuers]]\nissuer = \"https://x\"\naudience = "
              "[\"a\"]",
              "is there twice"},
             {"issuer = \"https://x\"\naudience = [\"a\"]\n[[oauth.issuers]]\nissuer = \"https://y\"",
              "but not oauth.issuers.audience"},
             {"issuer = \"https://x\"\naudience = [\"a\"]\n[[oauth.issuers]]\naudience = [\"a\"]",
              "an issuer is missing"},
             {"[[oauth.issuers]]\nissuer = \"https://y\"\naudience = [\"a\"]", "oauth.issuer, is not set"},
             {"issuer = \"x\"\nkeys = \"/k\"", "but not oauth.audience"},
             {"issuer = \"x\"\nkeys = \"/k\"\naudience = [\"a\"]\naccount_claim = \"\"", "account_claim is empty"},
             {"issuer = \"x\"\nkeys = \"http://k\"\naudience = [\"a\"]", "take an https URL"},
             {"audience = [\"\"]", "the text is empty"}}) {
        std::vector<problem> problems;
        CHECK_FALSE(parse("[oauth]\n" + text, "t", problems));
        REQUIRE(problems.size() == 1);
        CHECK_MESSAGE(problems[0].text.find(what) != std::string::npos, problems[0].text);
    }
}

TEST_CASE("certificates of clients are bound to accounts by the hash of their key")
{
    std::string const digits(64, 'A');
    auto const s = good(
        "[auth]\nmechanisms = [\"EXTERNAL\"]\n[[auth.certificates]]\naccount = \"anna@example.com\"\n"
        "key = \"AA:" +
        digits.substr(2) + "\"");
    REQUIRE(s.auth.certificates.size() == 1);
    CHECK(s.auth.certificates[0].account == "anna@example.com");
    CHECK(s.auth.certificates[0].key == std::string(64, 'a'));
    CHECK(good(to_toml(s)).auth.certificates[0].key == std::string(64, 'a'));
    for (auto const& [text, what] : std::vector<std::pair<std::string, std::string>>{
             {"account = \"anna@example.com\"", "set both"},
             {"key = \"" + digits + "\"", "set both"},
             {"account = \"anna\"\nkey = \"" + digits + "\"", "is not the address of an account"},
             {"account = \"anna@example.com\"\nkey = \"" + digits + "A\"", "64 hexadecimal digits"},
             {"account = \"anna@example.com\"\nkey = \"g" + digits.substr(1) + "\"", "64 hexadecimal digits"}}) {
        std::vector<problem> problems;
        CHECK_FALSE(parse("[[auth.certificates]]\n" + text, "t", problems));
        REQUIRE(problems.size() == 1);
        CHECK_MESSAGE(problems[0].text.find(what) != std::string::npos, problems[0].text);
    }
}

TEST_CASE("Kerberos: nobody's principals are guessed")
{
    auto const s = good(R"([kerberos]
keytab = "/etc/postern/postern.keytab"
hostname = "mail.example.com"
[[kerberos.realms]]
realm = "EXAMPLE.COM"
domain = "example.com"
[[kerberos.principals]]
principal = "backup/host7@EXAMPLE.COM"
account = "backup@example.com")");
    CHECK(s.kerberos.keytab == "/etc/postern/postern.keytab");
    CHECK(s.kerberos.service == "smtp");
    CHECK(s.kerberos.hostname == "mail.example.com");
    REQUIRE(s.kerberos.realms.size() == 1);
    CHECK(s.kerberos.realms[0].realm == "EXAMPLE.COM");
    CHECK(s.kerberos.realms[0].domain == "example.com");
    REQUIRE(s.kerberos.principals.size() == 1);
    CHECK(s.kerberos.principals[0].principal == "backup/host7@EXAMPLE.COM");
    CHECK(s.kerberos.principals[0].account == "backup@example.com");
    for (auto const& [text, what] : std::vector<std::pair<std::string, std::string>>{
             {"[[kerberos.realms]]\nrealm = \"R\"", "set both realm and domain"},
             {"[[kerberos.realms]]\nrealm = \"R@S\"\ndomain = \"d.example\"", "is not a Kerberos realm"},
             {"[[kerberos.realms]]\nrealm = \"\"\ndomain = \"d.example\"", "is not a Kerberos realm"},
             {"[[kerberos.realms]]\nrealm = \"R\"\ndomain = \"a b\"", "expected a domain"},
             {"keytab = \"/k\"\n[[kerberos.realms]]\nrealm = \"R\"\ndomain = \"d.example\"\n"
              "[[kerberos.realms]]\nrealm = \"R\"\ndomain = \"e.example\"",
              "twice"},
             {"[[kerberos.principals]]\nprincipal = \"anna\"\naccount = \"a@b.example\"",
              "not a principal with its realm"},
             {"[[kerberos.principals]]\nprincipal = \"anna@R\"", "set both principal and account"},
             {"service = \"smtp/host\"", "the first part"},
             {"realm = \"R\"", "realms"}}) {
        std::vector<problem> problems;
        CHECK_FALSE(parse("[kerberos]\n" + text, "t", problems));
        REQUIRE(problems.size() == 1);
        CHECK_MESSAGE(problems[0].text.find(what) != std::string::npos, problems[0].text);
    }
}
