#include "store/sqlite.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <fstream>

#include "support/throw_away_folder.hpp"

namespace postern::store {
namespace {

using testing::throw_away_folder;

constexpr texts told{"It failed", "It is full"};

TEST_CASE("what is written is read back, empty and with zeros inside")
{
    throw_away_folder folder;
    auto db = connection::open(folder.path() / "a.db", access::create, told);
    REQUIRE(db);
    REQUIRE(db->execute("CREATE TABLE t (n INTEGER PRIMARY KEY, a TEXT, b BLOB)"));
    auto insert = db->prepare("INSERT INTO t VALUES (?1, ?2, ?3)");
    REQUIRE(insert);
    using namespace std::string_view_literals;
    CHECK(insert->bind(1, 1).bind_text(2, {}).bind_blob(3, "a\0b"sv).run());
    insert->bind(1, 2).bind_text_copy(2, std::string(100, 'x')).bind_blob_copy(3, std::string(100, 'y'));
    CHECK(insert->run());
    CHECK(insert->bind(1, 3).bind_null(2).bind_null(3).run());
    CHECK(db->changes() == 1);
    CHECK(db->last_row() == 3);
    auto all = db->prepare("SELECT a, b FROM t ORDER BY n");
    REQUIRE(all);
    {
        reset_after const end{*all};
        REQUIRE(all->step() == step_result::row);
        CHECK_FALSE(all->is_null(0));
        CHECK(all->text(0).empty());
        CHECK(all->blob(1) == "a\0b"sv);
        REQUIRE(all->step() == step_result::row);
        CHECK(all->text(0) == std::string(100, 'x'));
        CHECK(all->blob(1) == std::string(100, 'y'));
        REQUIRE(all->step() == step_result::row);
        CHECK(all->is_null(0));
        CHECK(all->step() == step_result::finished);
    }
    CHECK(*db->read_blob("t", "b", 2, 90, 1000) == std::string(10, 'y'));
    CHECK(db->read_blob("t", "b", 2, 100, 1000)->empty());
    CHECK_FALSE(db->read_blob("t", "b", 9, 0, 1000));
    CHECK(*db->number("SELECT count(*) FROM t") == 3);
    CHECK(*db->number("SELECT 1 WHERE 0", 7) == 7);
}

TEST_CASE("a failure says what it means for the connection, and SQLite's words go to the log only")
{
    throw_away_folder folder;
    auto db = connection::open(folder.path() / "a.db", access::create, told);
    REQUIRE(db);
    REQUIRE(db->execute("CREATE TABLE t (n INTEGER PRIMARY KEY)"));
    SUBCASE("what is written is at fault")
    {
        REQUIRE(db->execute("INSERT INTO t VALUES (1)"));
        auto const twice = db->execute("INSERT INTO t VALUES (1)");
        REQUIRE_FALSE(twice);
        CHECK(db->last_trouble() == trouble::constraint);
        CHECK(twice.error().told.view() == "It failed");
        CHECK(twice.error().logged.find("UNIQUE") != std::string::npos);
    }
    SUBCASE("somebody holds the lock")
    {
        auto other = connection::open(folder.path() / "a.db", access::existing, told, 0);
        REQUIRE(other);
        auto t = transaction::begin(*db);
        REQUIRE(t);
        REQUIRE_FALSE(transaction::begin(*other));
        CHECK(other->last_trouble() == trouble::passing);
        REQUIRE(t->commit());
        CHECK(transaction::begin(*other));
    }
    SUBCASE("no room")
    {
        REQUIRE(db->execute("PRAGMA max_page_count = 2"));
        REQUIRE_FALSE(db->execute("CREATE TABLE u (a); CREATE TABLE v (a)"));
        CHECK(db->last_trouble() == trouble::passing);
        CHECK(db->failure("x").code == status{4, 3, 1});
        CHECK(db->failure("x").told.view() == "It is full");
    }
    SUBCASE("not a database")
    {
        std::ofstream{folder.path() / "b.db"} << std::string(10'000, 'x');
        auto broken = connection::open(folder.path() / "b.db", access::existing, told);
        REQUIRE(broken);
        CHECK_FALSE(broken->number("SELECT count(*) FROM sqlite_schema"));
        CHECK(broken->last_trouble() == trouble::lasting);
    }
}

TEST_CASE("a transaction that is not committed never was")
{
    throw_away_folder folder;
    auto db = connection::open(folder.path() / "a.db", access::create, told);
    REQUIRE(db);
    REQUIRE(db->execute("CREATE TABLE t (n)"));
    {
        auto t = transaction::begin(*db);
        REQUIRE(t);
        REQUIRE(db->execute("INSERT INTO t VALUES (1)"));
    }
    CHECK_FALSE(db->in_transaction());
    CHECK(*db->number("SELECT count(*) FROM t") == 0);
    auto t = transaction::begin(*db);
    REQUIRE(t);
    REQUIRE(db->execute("INSERT INTO t VALUES (1)"));
    REQUIRE(t->commit());
    CHECK(*db->number("SELECT count(*) FROM t") == 1);
}

TEST_CASE("a folder may be reached by a link, a file may not be one")
{
    throw_away_folder folder;
    std::filesystem::create_directory(folder.path() / "real");
    std::filesystem::create_directory_symlink("real", folder.path() / "link");
    {
        auto db = connection::open(folder.path() / "link" / "a.db", access::create, told);
        REQUIRE(db);
        CHECK(db->execute("CREATE TABLE t (n)"));
    }
    std::filesystem::create_symlink("a.db", folder.path() / "real" / "b.db");
    CHECK_FALSE(connection::open(folder.path() / "real" / "b.db", access::existing, told));
    CHECK_FALSE(connection::open(folder.path() / "absent.db", access::existing, told));
}

}  // namespace
}  // namespace postern::store
