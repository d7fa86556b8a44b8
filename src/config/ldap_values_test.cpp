// Back ends of type "ldap", as far as the configuration alone can tell that they are wrong.
#include <doctest/doctest.h>

#include "config/ldap_values.hpp"

using namespace postern::config;

TEST_CASE("an LDAP URL names a server")
{
    std::string why;
    for (char const* good : {"ldap://ldap.example.org", "ldaps://ldap.example.org:636", "ldap://192.0.2.1",
                             "ldap://[2001:db8::1]:389", "ldap://[::1]", "ldapi://", "ldapi://%2Frun%2Fslapd%2Fldapi"})
        CHECK_MESSAGE(is_ldap_url(good, why), good);
    for (char const* bad :
         {"", "ldap://", "ldap.example.org", "https://ldap.example.org", "ldap://x/dc=example", "ldap://x?a",
          "ldapi:///run/slapd", "ldapi://run", "ldap://x:0", "ldap://x y", "LDAP://x", "ldap://%2Fx"}) {
        why.clear();
        CHECK_MESSAGE(!is_ldap_url(bad, why), bad);
        CHECK_FALSE(why.empty());
    }
}

TEST_CASE("filters and names are about the user, and whole")
{
    std::string why;
    for (char const* good : {"(mail=%u)", "(&(objectClass=inetOrgPerson)(|(mail=%u)(uid=%n)))", "(cn=\\28%n\\29)",
                             "(&(mail=%n@%d)(x=100%%))"})
        CHECK_MESSAGE(is_ldap_filter(good, why), good);
    for (char const* bad : {"", "mail=%u", "(mail=%u", "(mail=%u))", "(mail=%u)(uid=%n)", "(mail=x)", "(mail=%d)",
                            "(mail=%x)", "(mail=%%u)", "(mail=%u)\\"})
        CHECK_MESSAGE(!is_ldap_filter(bad, why), bad);
    CHECK(is_ldap_name_pattern("uid=%n,ou=people,dc=example,dc=org", why));
    CHECK(is_ldap_name_pattern("mail=%u", why));
    for (char const* bad : {"", "%u", "uid=ann,dc=example", "uid=%d", "uid=%z"})
        CHECK_MESSAGE(!is_ldap_name_pattern(bad, why), bad);
}

TEST_CASE("what an LDAP back end needs, and what does not go together")
{
    backend b;
    b.type = "ldap";
    CHECK(ldap_problems(b).size() == 2);
    b.ldap.urls = {"ldaps://ldap.example.org"};
    b.ldap.filter = "(mail=%u)";
    CHECK(ldap_problems(b).size() == 1);
    b.ldap.base = "dc=example,dc=org";
    CHECK(ldap_problems(b).empty());

    auto const wrong = [&](auto change, char const* what) {
        backend other = b;
        change(other);
        auto const found = ldap_problems(other);
        REQUIRE(found.size() == 1);
        CHECK(found[0].find(what) != std::string::npos);
    };
    wrong([](auto& o) { o.ldap.filter = "(uid=%n)"; }, "any domain");
    wrong([](auto& o) { o.ldap.recipient_filter = "(uid=%n)"; }, "any domain");
    wrong([](auto& o) { o.ldap.service_dn = "cn=x"; }, "belong together");
    wrong([](auto& o) { o.password_file = "/x"; }, "belong together");
    wrong([](auto& o) { o.ldap.bind_dn = "mail=%u,dc=x"; }, "leave out one");
    for (char const* far : {"ldap://ldap.example.org", "ldap://192.0.2.1:389", "ldap://[2001:db8::1]"})
        wrong(
            [&](auto& o) {
                o.ldap.urls = {far};
                o.ldap.tls = tls_mode::none;
            },
            "unencrypted");
    for (char const* near : {"ldap://localhost", "ldap://127.0.0.1:389", "ldap://[::1]:389", "ldapi://"}) {
        backend other = b;
        other.ldap.urls = {near};
        other.ldap.tls = tls_mode::none;
        CHECK_MESSAGE(ldap_problems(other).empty(), near);
    }
    b.ldap.passwords = "fetch";
    b.ldap.filter = {};
    b.ldap.bind_dn = "uid=%n,dc=x";
    b.domain = "example.org";
    CHECK(ldap_problems(b).size() == 2);
}
