#include "store/stamped.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "support/throw_away_folder.hpp"

namespace postern::store {
namespace {

constexpr texts told{"It failed", "It is full"};
constexpr stamp ours{77, 2};

result<connection> open(std::filesystem::path const& file, stamp of = ours)
{
    return open_stamped(file, told, "PRAGMA journal_mode = WAL", of, "CREATE TABLE t (n INTEGER PRIMARY KEY)");
}

TEST_CASE("a new file gets its tables once, whoever opens it first")
{
    testing::throw_away_folder folder;
    auto const file = folder.path() / "a.db";
    std::atomic<int> opened = 0;
    {
        std::vector<std::jthread> all;
        for (int i = 0; i < 6; ++i)
            all.emplace_back([&] {
                auto const db = open(file);
                if (db) ++opened;
            });
    }
    CHECK(opened == 6);
    auto db = open(file);
    REQUIRE(db);
    CHECK(db->number("SELECT count(*) FROM t", 7).value() == 0);
}

TEST_CASE("a file of another version or of somebody else is left alone")
{
    testing::throw_away_folder folder;
    auto const file = folder.path() / "a.db";
    REQUIRE(open(file));
    for (stamp const other : {stamp{77, 3}, stamp{78, 2}}) {
        auto const made = open(file, other);
        REQUIRE_FALSE(made);
        CHECK(made.error().logged.find("not a file of this version") != std::string::npos);
        CHECK(made.error().told.view() == "It failed");
    }
    CHECK(open(file));
}

}  // namespace
}  // namespace postern::store
