#include "mail/authentication.hpp"

#include <doctest/doctest.h>

using namespace postern::mail;

TEST_CASE("DMARC records, and what is none")
{
    struct row {
        char const* text;
        bool good;
        dmarc_policy policy, sub;
        unsigned percent;
    };
    using p = dmarc_policy;
    row const rows[] = {
        {"v=DMARC1; p=reject", true, p::reject, p::reject, 100},
        {"v=DMARC1;p=Quarantine;sp=none;pct=20", true, p::quarantine, p::none, 20},
        {" v = DMARC1 ; p = none ; aspf=s ; adkim=s", true, p::none, p::none, 100},
        {"v=DMARC1; p=reject; pct=200", true, p::reject, p::reject, 100},
        {"v=DMARC1; p=what; rua=mailto:a@example.com", true, p::none, p::none, 100},
        {"v=DMARC1; rua=mailto:a@example.com", true, p::none, p::none, 100},
        {"v=DMARC1; p=reject; sp=what", false, p::none, p::none, 0},
        {"v=DMARC1", false, p::none, p::none, 0},
        {"v=DMARC1; p=what", false, p::none, p::none, 0},
        {"p=reject; v=DMARC1", false, p::none, p::none, 0},
        {"v=dmarc1; p=reject", false, p::none, p::none, 0},
        {"v=spf1 -all", false, p::none, p::none, 0},
        {"", false, p::none, p::none, 0},
    };
    for (auto const& r : rows) {
        CAPTURE(r.text);
        auto const got = parse_dmarc_record(r.text);
        REQUIRE(got.has_value() == r.good);
        if (!got) continue;
        CHECK(got->policy == r.policy);
        CHECK(got->subdomain_policy == r.sub);
        CHECK(got->percent == r.percent);
    }
    CHECK(parse_dmarc_record("v=DMARC1; p=none; aspf=s")->strict_spf);
    // RFC 9989: domains that are not there, and records that are only tried out.
    CHECK(parse_dmarc_record("v=DMARC1; p=none; np=reject")->no_such_subdomain_policy == dmarc_policy::reject);
    CHECK(parse_dmarc_record("v=DMARC1; p=none; np=reject")->subdomain_policy == dmarc_policy::none);
    CHECK(parse_dmarc_record("v=DMARC1; p=none; sp=quarantine")->no_such_subdomain_policy == dmarc_policy::quarantine);
    CHECK_FALSE(parse_dmarc_record("v=DMARC1; p=none; np=perhaps"));
    CHECK(parse_dmarc_record("v=DMARC1; p=reject; t=y")->testing);
    CHECK_FALSE(parse_dmarc_record("v=DMARC1; p=reject; t=n")->testing);
    CHECK_FALSE(parse_dmarc_record("v=DMARC1; p=none; aspf=s")->strict_dkim);
    CHECK(dmarc_records_of({"v=spf1 -all", "v=DMARC1; p=none"}) == std::vector<std::string>{"v=DMARC1; p=none"});
}

TEST_CASE("Who an Authentication-Results field claims to be of")
{
    struct row {
        char const* value;
        bool ours;
    };
    row const rows[] = {
        {" mail.example; spf=pass", true},
        {" MAIL.Example.; none", true},
        {" mail.example 1; none", true},
        {" mail.example/1; none", true},
        {" (a comment (in a comment)) mail.example; none", true},
        {" \"mail.example\"; none", true},
        {" \"mail\\.example\"; none", true},
        {"\r\n mail.example\r\n ; none", true},
        {" (no end mail.other; none", true},
        {" \"no end", true},
        {" mail.other; spf=pass smtp.mailfrom=mail.example", false},
        {" sub.mail.example; none", false},
        {" (mail.example) mail.other; none", false},
        {"", false},
    };
    for (auto const& r : rows) {
        CAPTURE(r.value);
        CHECK(claims_to_be_of(r.value, "mail.example") == r.ours);
    }
}

TEST_CASE("The field says what was found, whatever strangers wrote")
{
    findings f;
    f.spf = {auth_result::pass, "example.com", false};
    f.dkim.push_back({auth_result::fail, "example.com", "se\r\nX: y\"l", "rsa-sha256", "ab/cd", "body hash differs"});
    author a;
    a.address = {"anna", "example.com"};
    a.dmarc = auth_result::pass;
    a.policy = dmarc_policy::reject;
    f.authors.push_back(a);
    CHECK(authentication_results("mail.example", f) ==
          "Authentication-Results: mail.example;\r\n"
          "\tspf=pass smtp.mailfrom=example.com;\r\n"
          "\tdkim=fail reason=\"body hash differs\"\r\n"
          "\t header.d=example.com header.s=\"seX: y\\\"l\" header.a=rsa-sha256 header.b=\"ab/cd\";\r\n"
          "\tdmarc=pass (p=reject) header.from=example.com\r\n");
    CHECK(authentication_results("mail.example", {}) ==
          "Authentication-Results: mail.example;\r\n\tspf=none;\r\n\tdkim=none\r\n");
}
