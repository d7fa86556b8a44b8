// What a log-in costs does not tell whether there is such an account: the work is counted
// here; ./dev timing measures the time.
#include <doctest/doctest.h>

#include "directory/test_file.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

TEST_CASE("SCRAM and CRAM-MD5 read the database as often for a user as for nobody, remembered or not")
{
    directory_with_file const world;
    auto& d = *world.accounts;
    for (auto const* name : {"anna@example.org", "bert@example.org"})
        REQUIRE(d.add_account(address(name), secret{"sesame"}));
    REQUIRE(d.set_password("bert@example.org", secret{"sesame"}, backend::keep::cram_md5));
    struct {
        char const* name;
        bool there;
    } const names[] = {{"anna@example.org", true},
                       {"dora@example.org", false},
                       {"bert@example.org", true},
                       {"emil@example.org", false}};
    auto const reads_of_scram = [&](char const* name, hash h) {
        return world.reads([&] { REQUIRE(d.scram(name, h)); });
    };
    auto const reads_of_cram = [&](char const* name) { return world.reads([&] { REQUIRE(d.cram_md5(name)); }); };
    for (auto const& n : names) {
        CAPTURE(n.name);
        CHECK(d.scram(n.name, hash::sha256)->real == n.there);
        for (int i = 0; i < 3; ++i) CHECK(reads_of_scram(n.name, hash::sha256) == 2);
        CHECK(reads_of_cram(n.name) == 2);
    }
    // Nothing is remembered any more.
    REQUIRE(d.add_domain("example.net"));
    for (auto const& n : names) CHECK(reads_of_cram(n.name) == 2);
    REQUIRE(d.add_domain("example.com"));
    for (auto const& n : names) CHECK(reads_of_scram(n.name, hash::sha512) == 2);
}
