#include <doctest/doctest.h>

#include "mail/sts_policy.hpp"
#include "mail/tlsrpt_record.hpp"

using namespace postern::mail;

TEST_CASE("the TXT record of MTA-STS: one, with an id, or there is no policy")
{
    struct row {
        std::vector<std::string> records;
        std::string id;  // empty: none
    };
    std::string const long_id(33, 'a');
    for (auto const& [records, id] : std::initializer_list<row>{
             {{"v=STSv1; id=20260101T000000Z;"}, "20260101T000000Z"},
             {{"v=STSv1;id=1"}, "1"},
             {{"v=spf1 -all", "v=STSv1 ; other=x ; id = 7b ;"}, "7b"},
             {{}, ""},
             {{"v=spf1 -all"}, ""},
             {{"v=STSv1; id=1;", "v=STSv1; id=1;"}, ""},
             {{"v=STSv1;"}, ""},
             {{"v=STSv1"}, ""},
             {{"v=STSv11; id=1;"}, ""},
             {{"V=STSv1; id=1;"}, ""},
             {{" v=STSv1; id=1;"}, ""},
             {{"v=STSv1; id=;"}, ""},
             {{"v=STSv1; id=a-b;"}, ""},
             {{"v=STSv1; id=" + long_id + ";"}, ""},
             {{"v=STSv1; id=" + std::string(3000, ' ') + "1;"}, ""},
         }) {
        CAPTURE(id);
        CHECK(parse_sts_record(records).value_or("") == id);
    }
}

TEST_CASE("a policy says version, mode, age and servers, in any order")
{
    std::string problem;
    auto const p = parse_sts_policy(
        "version: STSv1\r\nmode: enforce\r\nmx: MAIL.Example.com\r\nmx: *.example.net\r\nmax_age: 86400\r\nnew: x\r\n",
        problem);
    REQUIRE(p);
    CHECK(p->mode == sts_mode::enforce);
    CHECK(p->mx == std::vector<std::string>{"mail.example.com", "*.example.net"});
    CHECK(p->max_age == std::chrono::seconds{86400});
    CHECK(parse_sts_policy("max_age: 5\nmode:none\n\nversion:STSv1", problem));
    auto const far = parse_sts_policy("version: STSv1\nmode: none\nmode: enforce\nmax_age: 99999999999", problem);
    REQUIRE(far);
    CHECK(far->mode == sts_mode::none);
    CHECK(far->max_age == std::chrono::seconds{31'557'600});

    for (auto const& [text, why] : std::initializer_list<std::pair<std::string, std::string>>{
             {"", "it has no version"},
             {"<html>not found</html>", "it has no version"},
             {"version: STSv2\nmode: none\nmax_age: 1", "its version is not STSv1"},
             {"version: STSv1\nmax_age: 1", "it has no mode"},
             {"version: STSv1\nmode: report\nmax_age: 1", "its mode is none of enforce, testing and none"},
             {"version: STSv1\nmode: none", "it has no max_age"},
             {"version: STSv1\nmode: none\nmax_age: -1", "its max_age is not a number"},
             {"version: STSv1\nmode: testing\nmax_age: 1", "it names no mx"},
             {"version: STSv1\nmode: testing\nmax_age: 1\nmx: *", "it has an mx that is no name of a server"},
             {"version: STSv1\nmode: testing\nmax_age: 1\nmx: a.*.example", "it has an mx that is no name of a server"},
             {std::string(longest_sts_policy + 1, '\n'), "it is longer than 64 KiB"},
         }) {
        CAPTURE(text.substr(0, 80));
        CHECK_FALSE(parse_sts_policy(text, problem));
        CHECK(problem == why);
    }
}

TEST_CASE("a star in a pattern stands for one label, and for one only")
{
    CHECK(matches_mx_pattern("mx.example.com", "MX.example.com"));
    CHECK_FALSE(matches_mx_pattern("mx.example.com", "a.mx.example.com"));
    CHECK(matches_mx_pattern("*.example.com", "mx.example.com"));
    CHECK_FALSE(matches_mx_pattern("*.example.com", "a.mx.example.com"));
    CHECK_FALSE(matches_mx_pattern("*.example.com", "example.com"));
    CHECK_FALSE(matches_mx_pattern("*.example.com", ".example.com"));
    CHECK_FALSE(matches_mx_pattern("*.example.com", "mx.example.org"));
}

TEST_CASE("where reports about TLS go")
{
    auto const r = parse_tlsrpt_record(
        {"v=spf1 -all", "v=TLSRPTv1; rua=mailto:reports@example.com?subject=x,https://reports.example.com/v1/tls"});
    REQUIRE(r);
    REQUIRE(r->mail.size() == 1);
    CHECK(r->mail[0].to_string() == "reports@example.com");
    CHECK(r->web == std::vector<std::string>{"https://reports.example.com/v1/tls"});
    auto const coded = parse_tlsrpt_record({"v=TLSRPTv1;rua=mailto:a%21b@example.com"});
    REQUIRE(coded);
    CHECK(coded->mail.at(0).to_string() == "a!b@example.com");
    for (auto const& records : std::initializer_list<std::vector<std::string>>{
             {},
             {"v=TLSRPTv1"},
             {"v=TLSRPTv1;"},
             {"v=TLSRPTv2; rua=mailto:a@example.com"},
             {"v=TLSRPTv1; rua=http://reports.example.com/"},
             {"v=TLSRPTv1; rua=ftp://x"},
             {"v=TLSRPTv1; rua=mailto:nobody"},
             {"v=TLSRPTv1; rua=mailto:a@example.com", "v=TLSRPTv1; rua=mailto:a@example.com"},
         })
        CHECK_FALSE(parse_tlsrpt_record(records));
    // No more places than a person would write.
    std::string many = "v=TLSRPTv1; rua=mailto:a@example.com";
    for (int i = 0; i < 100; ++i) many += ",mailto:a@example.com";
    CHECK(parse_tlsrpt_record({many})->mail.size() == 5);
}
