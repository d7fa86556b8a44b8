#include "config/fixture.hpp"

using namespace postern;
using namespace postern::config;
using namespace postern::config::testing;

TEST_CASE("routes and smart hosts: what makes no sense together is said")
{
    std::string const host = "[[smart_host]]\nname = \"up\"\naddress = \"smtp.example.net:587\"\n";
    for (auto const& [toml, problem] : std::vector<std::pair<std::string, std::string_view>>{
             {host + "user = \"ann\"\n", "nothing to log in with"},
             {host + "password = \"x\"\n", "no user"},
             {host + "user = \"ann\"\npassword = \"x\"\ntls = \"none\"\n", "a login needs TLS"},
             {host + "user = \"ann\"\npassword = \"x\"\ntls = \"none\"\nplaintext = true\n", "of this machine only"},
             {host + "user = \"ann\"\npassword = \"x\"\npassword_file = \"/x\"\n", "not both"},
             {host + "user = \"ann\"\ntoken_url = \"http://id.example.net/token\"\n", "not an https URL"},
             {host + "user = \"ann\"\ntoken_url = \"https://id.example.net/token\"\n", "not client_id"},
             {host + "user = \"ann\"\npassword = \"x\"\nmechanisms = [\"GSSAPI\"]\n", "does not log in with GSSAPI"},
             {host + "user = \"ann\"\npassword = \"x\"\nmechanisms = [\"XOAUTH2\"]\n", "need a token"},
             {host + "certificate = \"/x\"\n", "belong together"},
             {host + "[[smart_host.logins]]\nuser = \"ann\"\npassword = \"x\"\n", "without senders"},
             {host + "[[smart_host.logins]]\nsenders = [\"ann\"]\n", "is not an address"},
             {host + host, "is there twice"},
             {host + "[[route]]\nto = \"smart_host:upp\"\n", "did you mean \"up\"?"},
             {"[[route]]\nto = \"elsewhere\"\n", "is not \"mx\""},
             {"[[route]]\nto = \"mx\"\ntext = \"x\"\n", "by a refusal only"},
             {"[[route]]\nrecipients = [\"@example.net\"]\nto = \"mx\"\n", "is not a domain"},
             {"[[route]]\nto = \"mx\"\n[[route]]\nsenders = [\"<>\"]\nto = \"mx\"\n", "would never be looked at"},
             {"[[route]]\nrecipients = [\"b.example\"]\n", "a key is missing"},
             {"[[routes]]\nto = \"mx\"\n", "did you mean `route`?"}}) {
        CAPTURE(toml);
        auto const all = problems_of(toml);
        CAPTURE(all);
        CHECK(has(all, problem));
    }
}

TEST_CASE("smart hosts are read, and written as they are read, but for their secrets")
{
    std::string const toml =
        "[[smart_host]]\nname = \"up\"\naddress = \"smtp.example.net:465\"\ntls = \"implicit\"\nuser = \"ann\"\n"
        "password = \"open, Sesame!\"\nmessages_per_minute = 30\n\n[[smart_host.logins]]\n"
        "senders = [\"Bob@Example.com\", \"@SHOP.example\"]\nuser = \"bob\"\npassword_file = \"/etc/bob\"\n\n"
        "[[route]]\nrecipients = [\".B.example\"]\naccounts = [\"news@a.example\"]\nto = \"smart_host:up\"\n";
    auto const s = good(toml);
    REQUIRE(s.smart_hosts.size() == 1);
    CHECK(s.smart_hosts[0].password.reveal() == "open, Sesame!");
    CHECK(s.smart_hosts[0].logins.at(0).senders == std::vector<std::string>{"bob@example.com", "@shop.example"});
    CHECK(s.routes.at(0).recipients == std::vector<std::string>{".b.example"});
    auto const shown = to_toml(s);
    CHECK_FALSE(has(shown, "Sesame"));
    auto const again = good(shown);
    CHECK(to_toml(again) == shown);
    CHECK(again.smart_hosts.at(0).logins.at(0).user == "bob");
}
