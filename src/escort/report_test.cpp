#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "escort/database.hpp"
#include "escort/report.hpp"

#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace postern::escort;

namespace {

session_row row(std::string result, std::uint64_t count = 1)
{
    session_row r;
    r.day = 20000;
    r.domain = "b.example";
    r.policy = {"sts", "b.example", "version: STSv1\r\nmode: testing\r\n", "mx.b.example\n*.b.example\n"};
    r.result = std::move(result);
    if (!r.result.empty()) r.host = "mx.b.example";
    r.count = count;
    return r;
}

report_facts facts()
{
    return {"us.example", "Our Company", "postmaster@us.example", "tls@us.example", "b.example", 20000};
}

}  // namespace

TEST_CASE("a report has each policy once, with its sums")
{
    auto other = row("");
    other.policy = {"no-policy-found", "b.example", {}, {}};
    auto const v = boost::json::parse(
        make_report(facts(), {row("", 5), row("certificate-expired", 2), row("validation-failure"), other}));
    auto const& o = v.as_object();
    CHECK(o.at("organization-name") == "Our Company");
    CHECK(o.at("date-range").at("start-datetime") == "2024-10-04T00:00:00Z");
    CHECK(o.at("date-range").at("end-datetime") == "2024-10-04T23:59:59Z");
    auto const& policies = o.at("policies").as_array();
    REQUIRE(policies.size() == 2);
    CHECK(policies[0].at("policy").at("policy-string").as_array().size() == 2);
    CHECK(policies[0].at("policy").at("mx-host").as_array().size() == 2);
    CHECK(policies[0].at("summary").at("total-successful-session-count") == 5);
    CHECK(policies[0].at("summary").at("total-failure-session-count") == 3);
    CHECK(policies[0].at("failure-details").as_array().size() == 2);
    CHECK(policies[1].at("policy").at("policy-type") == "no-policy-found");
    CHECK(policies[1].as_object().if_contains("failure-details") == nullptr);
}

TEST_CASE("rows of the same kind are added up, in memory and on disk, until the day is reported")
{
    session_book book;
    for (int i = 0; i < 3; ++i) book.add(row(""));
    book.add(row("certificate-expired"));
    testing::throw_away_folder scratch;
    {
        auto db = open_database(scratch.path());
        REQUIRE(db);
        auto const taken = book.take();
        CHECK(taken.size() == 2);
        CHECK(book.take().empty());
        REQUIRE((*db)->add(taken));
        REQUIRE((*db)->add(taken));
    }
    auto db = open_database(scratch.path());
    REQUIRE(db);
    auto const days = (*db)->days();
    REQUIRE(days);
    REQUIRE(days->size() == 1);
    CHECK(days->front().good == 6);
    CHECK(days->front().bad == 2);
    auto const rows = (*db)->sessions(20000, "b.example");
    REQUIRE(rows);
    CHECK(rows->size() == 2);
    CHECK(rows->front().policy == row("").policy);
    REQUIRE((*db)->forget_before(20000));
    CHECK((*db)->days()->size() == 1);
    REQUIRE((*db)->forget(20000, "b.example"));
    CHECK((*db)->days()->empty());
}

TEST_CASE("the book keeps no more than it may")
{
    session_book book;
    for (int i = 0; i < 30'000; ++i) {
        auto r = row("");
        r.domain = std::to_string(i) + ".example";
        book.add(std::move(r));
    }
    CHECK(book.take().size() == 20'000);
}
