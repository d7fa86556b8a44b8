#include <doctest/doctest.h>

#include "providers/providers.hpp"
#include "providers/wild_text.hpp"

namespace postern::providers {
namespace {

std::string_view id_of(provider const* p) { return p == nullptr ? "nobody" : p->id; }

TEST_CASE("a provider is found by the domain of an address")
{
    CHECK(id_of(find_by_domain("gmail.com")) == "gmail");
    CHECK(id_of(find_by_domain("Hotmail.COM.")) == "outlook-com");
    CHECK(id_of(find_by_domain("t-online.de")) == "tonline");
    CHECK(id_of(find_by_domain("mail.gmail.com")) == "nobody");
    CHECK(id_of(find_by_domain("")) == "nobody");
}

TEST_CASE("a provider is found by a mail exchanger, and the longer suffix counts")
{
    CHECK(id_of(find_by_mx("aspmx.l.google.com")) == "gmail");
    CHECK(id_of(find_by_mx("example-com.mail.protection.outlook.com.")) == "office365");
    CHECK(id_of(find_by_mx("outlook-com.olc.protection.outlook.com")) == "outlook-com");
    CHECK(id_of(find_by_mx("in1-smtp.messagingengine.com")) == "fastmail");
    CHECK(id_of(find_by_mx("notgoogle.com")) == "nobody");
    CHECK(id_of(find_by_mx("google.com.example.net")) == "nobody");
}

TEST_CASE("a provider is found by its outgoing server")
{
    CHECK(id_of(find_by_host("smtp.gmail.com")) == "gmail");
    CHECK(id_of(find_by_host("SMTP.Office365.com")) == "office365");
    CHECK(id_of(find_by_host("email-smtp.eu-west-1.amazonaws.com")) == "ses");
    CHECK(id_of(find_by_host("example-com.mail.protection.outlook.com")) == "office365-direct");
    CHECK(id_of(find_by_host("smtppro.zoho.eu")) == "zoho-eu");
    CHECK(id_of(find_by_host("smtp.example.com")) == "nobody");
}

TEST_CASE("what is known of each provider holds together")
{
    CHECK(all().size() >= 90);
    for (auto const& p : all()) {
        CAPTURE(p.id);
        CHECK(p.sends() == !p.endpoints.empty());
        CHECK(p.auth.empty() == (p.user == user_form::none));
        CHECK((p.user == user_form::literal || p.user == user_form::own) == !p.user_word.empty());
        for (auto const host : p.hosts) CHECK(find_by_host(host) == &p);
    }
}

TEST_CASE("wildcards stand for anything, and all else for itself")
{
    CHECK(has_somewhere("sender address rejected: domain not found", "sender … domain not found"));
    CHECK(has_somewhere("abc", ""));
    CHECK(has_somewhere("abc", "…"));
    CHECK_FALSE(has_somewhere("domain not found, sender", "sender…domain"));
    CHECK(is_whole("email-smtp.a.amazonaws.com", "email-smtp.….amazonaws.com"));
    CHECK_FALSE(is_whole("email-smtp.amazonaws.com", "email-smtp.….amazonaws.com"));
    CHECK(is_whole("aXbYc", "a…b…c"));
    CHECK_FALSE(is_whole("ab", "ab…b"));
    CHECK_FALSE(is_whole("abc", "ab"));
}

}  // namespace
}  // namespace postern::providers
