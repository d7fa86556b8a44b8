#include <fstream>

#include <doctest/doctest.h>

#include "directory/test_directory.hpp"
#include "support/run_sql.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

TEST_CASE("a role is an account's until it goes, and no heir's")
{
    folder where;
    auto d = open(where, {"example.org"}, 1);
    auto const add = [&] { REQUIRE(d->add_account(address("ann@example.org"), secret{"sesame"})); };
    auto const now = [&] { return d->role_of(**d->find_account("ann@example.org")); };
    add();
    CHECK(now() == role::none);
    for (auto const r : {role::reader, role::operating, role::owner, role::none, role::owner}) {
        REQUIRE(d->set_role(**d->find_account("ANN@example.org"), r));
        CHECK(now() == r);
    }
    REQUIRE(d->set_password("ann@example.org", secret{"other"}));
    CHECK(now() == role::owner);
    REQUIRE(d->remove_account("ann@example.org"));
    add();
    CHECK(now() == role::none);
}

TEST_CASE("users of back ends have roles too, and an account made in their place has none")
{
    folder where;
    std::ofstream{where.path() / "users"} << "ann@example.org:{PLAIN}sesame\n";
    options o;
    o.folder = where.path();
    o.hash_threads = 1;
    o.configured_domains = {"example.org"};
    backend_options users;
    users.name = "users";
    users.type = "files";
    users.path = where.path() / "users";
    o.backends = {users};
    auto const d = std::move(open_embedded(o)).value();
    REQUIRE(d->set_role(**d->find_account("ann@example.org"), role::reader));
    CHECK(d->role_of(**d->find_account("ann@example.org")) == role::reader);
    REQUIRE(d->add_account(address("ann@example.org"), secret{"mine"}));
    CHECK(d->role_of(**d->find_account("ann@example.org")) == role::none);
}

TEST_CASE("a word that is no role gives nothing")
{
    folder where;
    {
        auto const d = open(where, {"example.org"}, 1);
        REQUIRE(d->add_account(address("ann@example.org"), secret{"sesame"}));
    }
    postern::testing::run_sql(where.file(), "INSERT INTO roles VALUES ('ann@example.org', 'Owner')");
    auto const d = open(where, {"example.org"}, 1);
    CHECK(d->role_of(**d->find_account("ann@example.org")) == role::none);
    CHECK_FALSE(parse_role("Owner"));
    CHECK(parse_role("operator") == role::operating);
}
