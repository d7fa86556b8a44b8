#include "audit/book.hpp"

#include <set>

#include <doctest/doctest.h>

#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace postern::audit;
using namespace std::chrono_literals;

namespace {

wall_time const noon = from_microseconds(1'800'000'000'000'000);

std::unique_ptr<book> open(postern::testing::throw_away_folder const& where)
{
    auto made = book::open(where.path());
    REQUIRE(made);
    return std::move(*made);
}

row row_at(wall_time t, std::string command, bool own = false)
{
    row r;
    r.time = t;
    r.own = own;
    r.through = "web";
    r.who = "ann@example.org";
    r.role = "owner";
    r.from = "192.0.2.1";
    r.command = std::move(command);
    r.account = "bob@example.org";
    r.arguments = R"({"address":"bob@example.org"})";
    r.outcome = "done";
    return r;
}

std::size_t count(book& b, filter f = {})
{
    f.most = 1'000'000;
    auto const found = b.list(f);
    REQUIRE(found);
    return found->size();
}

/// As somebody with the file in hand.
bool takes(postern::testing::throw_away_folder const& where, char const* sql)
{
    auto db = store::connection::open(where.path() / "audit.db", store::access::existing, {"", ""});
    REQUIRE(db);
    return db->execute(sql).has_value();
}

}  // namespace

TEST_CASE("what is added is found again, the newest first, by whom and about whom")
{
    postern::testing::throw_away_folder where;
    auto const b = open(where);
    REQUIRE(b->add(row_at(noon, "account add")));
    REQUIRE(b->add(row_at(noon + 1min, "account remove")));
    auto const all = b->list({});
    REQUIRE(all);
    REQUIRE(all->size() == 2);
    auto const& r = all->front();
    CHECK(r.command == "account remove");
    CHECK(r.time == noon + 1min);
    CHECK(r.through == "web");
    CHECK(r.who == "ann@example.org");
    CHECK(r.role == "owner");
    CHECK(r.from == "192.0.2.1");
    CHECK(r.account == "bob@example.org");
    CHECK(r.arguments == R"({"address":"bob@example.org"})");
    CHECK(r.outcome == "done");
    CHECK(count(*b, {.account = "ann@example.org"}) == 2);
    CHECK(count(*b, {.account = "bob@example.org"}) == 2);
    CHECK(count(*b, {.account = "eve@example.org"}) == 0);
    CHECK(count(*b, {.since = noon + 30s}) == 1);
    CHECK(b->list({.most = 1})->size() == 1);
}

TEST_CASE("all rows are read page by page, each once, whatever comes meanwhile")
{
    postern::testing::throw_away_folder where;
    auto const b = open(where);
    // Two kinds with the same numbers, at the same time.
    for (int i = 0; i < 5; ++i) {
        REQUIRE(b->add(row_at(noon, "old " + std::to_string(i))));
        REQUIRE(b->add(row_at(noon, "old own " + std::to_string(i), true)));
    }
    std::set<std::string> seen;
    filter page{.most = 3};
    for (;;) {
        auto const rows = b->list(page);
        REQUIRE(rows);
        if (rows->empty()) break;
        for (auto const& r : *rows) CHECK(seen.insert(r.command).second);
        page.before = rows->back().number;
        REQUIRE(b->add(row_at(noon + 1min, "new")));
    }
    CHECK(seen.size() == 10);
    CHECK(seen.count("new") == 0);
}

TEST_CASE("rows can't be changed, and only those that are too old or too many can go")
{
    postern::testing::throw_away_folder where;
    auto b = open(where);
    REQUIRE(b->add(row_at(noon, "account add")));
    REQUIRE(b->add(row_at(noon + 1min, "account remove")));
    for (char const* sql :
         {"UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "DELETE FROM audit WHERE number = 1",
          "REPLACE INTO audit SELECT * FROM audit WHERE number = 99"}) {
        CAPTURE(sql);
        takes(where, sql);
        auto const all = b->list({});
        REQUIRE(all->size() == 2);
        CHECK(all->front().who == "ann@example.org");
    }
    // A year and some weeks later.
    REQUIRE(b->add(row_at(noon + book::longest + 30s, "account enable")));
    CHECK(count(*b) == 2);
    // Whoever's it is.
    REQUIRE(b->add(row_at(noon + book::longest + 2min, "web sign-in", true)));
    CHECK(count(*b) == 2);
}

TEST_CASE("what accounts do for themselves pushes out nothing that operators did")
{
    postern::testing::throw_away_folder where;
    auto const b = open(where);
    REQUIRE(b->add(row_at(noon, "account add")));
    REQUIRE(b->add(row_at(noon, "web sign-in", true)));
    // As if there had been many since.
    REQUIRE(takes(where,
                  "INSERT INTO audit SELECT own, 50000, time, through, who, role, origin, 'many', account, arguments,"
                  " outcome FROM audit WHERE own = 1"));
    REQUIRE(b->add(row_at(noon + 1min, "web sign-out", true)));
    CHECK(count(*b) == 3);
    auto const all = b->list({});
    CHECK(all->back().command == "account add");
    for (auto const& r : *all) CHECK(r.command != "web sign-in");
}

TEST_CASE("two processes may write to it")
{
    postern::testing::throw_away_folder where;
    auto const one = open(where), two = open(where);
    for (int i = 0; i < 10; ++i) {
        REQUIRE(one->add(row_at(noon, "one")));
        REQUIRE(two->add(row_at(noon, "two")));
    }
    CHECK(count(*one) == 20);
}

TEST_CASE("a file of something else is left alone, and said so")
{
    postern::testing::throw_away_folder where;
    {
        auto db = store::connection::open(where.path() / "audit.db", store::access::create, {"", ""});
        REQUIRE(db);
        REQUIRE(db->execute("PRAGMA application_id = 7; CREATE TABLE x (y)"));
    }
    auto const made = book::open(where.path());
    REQUIRE_FALSE(made);
    CHECK(made.error().logged.find("no audit log of this version") != std::string::npos);
}
