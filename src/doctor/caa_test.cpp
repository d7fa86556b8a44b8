#include "doctor/caa.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "doctor/judge.hpp"

using namespace postern;
using namespace postern::doctor;
namespace rules = postern::catalogue::rules;

namespace {

dns::caa_answer none()
{
    dns::caa_answer a;
    a.what = dns::finding::no_data;
    return a;
}

dns::caa_answer with(std::vector<dns::caa_record> records)
{
    dns::caa_answer a;
    a.what = dns::finding::found;
    a.records = std::move(records);
    return a;
}

certifier us() { return {{"ca.example", "ca.example.net"}, "https://ca.example/account/7", {"http-01"}}; }

caa_verdict judge(std::vector<dns::caa_record> records, certifier const& who = us())
{
    return judge_caa("mail.example.com",
                     {{"mail.example.com", with(std::move(records))}, {"example.com", none()}, {"com", none()}}, who);
}

facts with_acme()
{
    facts f;
    f.settings.hostname = "mail.example.com";
    f.settings.acme.directory = "https://ca.example/directory";
    f.authority = us();
    f.certified = {"mail.example.com", "autoconfig.example.com", "autoconfig.example.net"};
    for (auto const& name : f.certified)
        for (auto const& at : caa_names(name)) f.caa[at] = none();
    return f;
}

std::vector<finding> found(facts const& f)
{
    report r;
    judge_names(f, r);
    std::erase_if(r.findings, [](finding const& one) {
        return one.why != &rules::acme_caa_forbids && one.values.front().value != "CAA records";
    });
    return r.findings;
}

}  // namespace

TEST_CASE("CAA records that let the authority of [acme] do it, and those that don't")
{
    struct row {
        char const* about;
        std::vector<dns::caa_record> records;
        consent what;
        char const* problem;
    };
    std::vector<row> const rows{
        {"it is named", {{0, "issue", "CA.example"}}, consent::given, ""},
        {"by another of its names", {{0, "issue", " ca.example.net ; policy=ev"}}, consent::given, ""},
        {"beside another one", {{0, "issue", "other.example"}, {0, "issue", "ca.example"}}, consent::given, ""},
        {"only others", {{0, "issue", "other.example"}}, consent::refused, "does not name ca.example"},
        {"nobody", {{0, "issue", ";"}}, consent::refused, "mail.example.com has 0 issue \";\""},
        {"part of a name", {{0, "issue", "a.example"}}, consent::refused, "does not name"},
        {"certificates with a star only", {{0, "issuewild", ";"}}, consent::given, ""},
        {"where to report only", {{0, "iodef", "mailto:a@example.com"}}, consent::given, ""},
        {"what nobody knows", {{0, "tbs", "x"}}, consent::given, ""},
        {"what nobody knows, and has to",
         {{0, "issue", "ca.example"}, {128, "tbs", "x"}},
         consent::refused,
         "128 tbs \"x\": what authorities do not know"},
        {"critical, and known", {{128, "issue", "ca.example"}}, consent::given, ""},
        {"our account", {{0, "issue", "ca.example; accounturi=https://ca.example/account/7"}}, consent::given, ""},
        {"another account",
         {{0, "issue", "ca.example; accounturi=https://ca.example/account/8"}},
         consent::refused,
         "another account than https://ca.example/account/7"},
        {"two accounts",
         {{0, "issue", "ca.example; accounturi=https://ca.example/account/7; accounturi=https://x.example/"}},
         consent::refused,
         "twice"},
        {"our way of proving", {{0, "issue", "ca.example;validationmethods=dns-01, http-01"}}, consent::given, ""},
        {"another way of proving",
         {{0, "issue", "ca.example; validationmethods=dns-01"}},
         consent::refused,
         "not proven here"},
        {"another account in one, ours in the next",
         {{0, "issue", "ca.example; accounturi=https://x.example/"}, {0, "issue", "ca.example"}},
         consent::given,
         ""},
    };
    for (auto const& r : rows) {
        CAPTURE(r.about);
        auto const v = judge(r.records);
        CHECK(v.what == r.what);
        CHECK(v.problem.find(r.problem) != std::string::npos);
        CHECK(v.problem.empty() == (r.what == consent::given));
        CHECK(v.at == "mail.example.com");
    }
}

TEST_CASE("CAA records of the nearest name count, and those of no other one")
{
    CHECK(caa_names("Mail.example.com") == std::vector<std::string>{"mail.example.com", "example.com", "com"});
    caa_answers all{{"mail.example.com", none()}, {"example.com", none()}, {"com", none()}};
    CHECK(judge_caa("mail.example.com", all, us()).what == consent::unasked);
    all["com"] = with({{0, "issue", ";"}});
    CHECK(judge_caa("mail.example.com", all, us()).at == "com");
    all["example.com"] = with({{0, "issue", "ca.example"}});
    CHECK(judge_caa("mail.example.com", all, us()).what == consent::given);
    // Whoever can't look gives out nothing, and nobody can say what stands there.
    all["mail.example.com"].what = dns::finding::temporary;
    CHECK(judge_caa("mail.example.com", all, us()).what == consent::unknown);
}

TEST_CASE("without the account's or the authority's name, nothing is claimed of what CAA records say of it")
{
    auto who = us();
    who.account.clear();
    CHECK(judge({{0, "issue", "ca.example; accounturi=https://x.example/"}}, who).what == consent::given);
    who.names.clear();
    CHECK(judge({{0, "issue", "ca.example"}}, who).what == consent::unknown);
}

TEST_CASE("what CAA records forbid is a failure, with the names and the record that mends it")
{
    auto f = with_acme();
    for (auto const* zone : {"example.com", "example.net"}) f.caa[zone] = with({{0, "issue", "ca.example"}});
    CHECK(found(f).empty());
    f.caa["example.com"] = with({{0, "issue", "other.example"}});
    auto const list = found(f);
    REQUIRE(list.size() == 1);
    CHECK(list[0].why == &rules::acme_caa_forbids);
    CHECK(list[0].how_bad == severity::failure);
    CHECK(list[0].values[0].value == "mail.example.com, autoconfig.example.com");
    CHECK(list[0].change == std::vector<std::string>{"example.com. IN CAA 0 issue \"ca.example\""});
}

TEST_CASE("no CAA record at all is no finding, but told; nothing is, where the authority has no name for them")
{
    auto f = with_acme();
    CHECK(found(f).empty());
    auto const told = [&] {
        report r;
        judge_names(f, r);
        return std::ranges::count_if(r.well, [](praise const& one) {
            return one.text.find("mail.example.com. IN CAA 0 issue \"ca.example\"") != std::string::npos;
        });
    };
    CHECK(told() == 1);
    f.authority.names.clear();
    CHECK(told() == 0);
}

TEST_CASE("CAA records that nobody could be asked for are told once")
{
    auto f = with_acme();
    for (auto& [name, answer] : f.caa) {
        answer.what = dns::finding::temporary;
        answer.problem = "no answer in time";
    }
    auto const list = found(f);
    REQUIRE(list.size() == 1);
    CHECK(list[0].how_bad == severity::warning);
}
