#include "ledger/ledger.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

using namespace postern;
using namespace std::chrono_literals;

namespace {

struct folder {
    std::filesystem::path path;
    folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "postern-ledger-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~folder() { std::filesystem::remove_all(path); }
    std::unique_ptr<ledger::ledger> open() const
    {
        ledger::options o;
        o.folder = path;
        o.interval = 1h;
        auto made = ledger::open(o);
        if (!made) FAIL(made.error().logged);
        return std::move(*made);
    }
};

guard::sending_book::limits one_a_day()
{
    guard::sending_book::limits l(1);
    l[0].messages_per_day = 1;
    return l;
}

guard::sending_book::sender const ann{"ann@example.com", *ip_address::parse("192.0.2.1")};
std::vector<std::string> const to{"bob@example.net"};

}  // namespace

TEST_CASE("What was counted is there after a restart")
{
    folder const f;
    auto const l = one_a_day();
    {
        auto const book = f.open();
        CHECK_FALSE(book->sending().take(l, ann, to, wall_clock::now()).refused);
    }
    auto const book = f.open();
    CHECK(book->sending().knows("ann@example.com", "bob@example.net"));
    CHECK(book->sending().take(l, ann, to, wall_clock::now()).refused);
}

TEST_CASE("It is stored by itself, now and then, and after a crash")
{
    folder const f;
    auto const l = one_a_day();
    auto const book = f.open();
    CHECK_FALSE(book->sending().take(l, ann, to, wall_clock::now()).refused);
    REQUIRE(book->flush());
    folder const copy;
    for (auto const* name : {"guard.db", "guard.db-wal"})
        if (std::filesystem::exists(f.path / name)) std::filesystem::copy(f.path / name, copy.path / name);
    CHECK(copy.open()->sending().take(l, ann, to, wall_clock::now()).refused);
}

TEST_CASE("A file that can't be used is put aside")
{
    folder const f;
    std::ofstream(f.path / "guard.db") << std::string(8192, 'x');
    auto const l = one_a_day();
    CHECK_FALSE(f.open()->sending().take(l, ann, to, wall_clock::now()).refused);
    CHECK(std::filesystem::exists(f.path / "guard.db.bad"));
    CHECK(f.open()->sending().take(l, ann, to, wall_clock::now()).refused);
}
