// CRAM-MD5 secrets: for accounts that opted in, readable with the key file only.
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "directory/key_file.hpp"
#include "directory/test_directory.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

namespace {

using keep = backend::keep;

std::string contents(std::filesystem::path const& file)
{
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

TEST_CASE("the key file is made once, for its owner only, and checked")
{
    folder where;
    auto none = read_key(where.path());
    REQUIRE(none);
    CHECK_FALSE(*none);
    auto made = make_key(where.path());
    REQUIRE(made);
    CHECK(made->size() == 32);
    auto again = make_key(where.path());
    REQUIRE(again);
    CHECK(again->reveal() == made->reveal());
    auto found = read_key(where.path());
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((*found)->reveal() == made->reveal());
    auto const file = where.path() / "accounts.key";
    struct stat about {};
    REQUIRE(stat(file.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    for (char const* bad : {"", "AAAA\n", "not base 64"}) {
        CAPTURE(bad);
        std::ofstream{file, std::ios::trunc} << bad;
        CHECK_FALSE(read_key(where.path()));
    }
    int files = 0;
    for ([[maybe_unused]] auto const& each : std::filesystem::directory_iterator{where.path()}) ++files;
    CHECK(files == 1);
}

TEST_CASE("only accounts that opted in have a CRAM-MD5 secret, and a new password takes it away")
{
    folder where;
    {
        auto d = open(where, {});
        REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
        REQUIRE(d->add_account(address("eve@example.org"), secret{"a door of wood"}));
        CHECK_FALSE(std::filesystem::exists(where.path() / "accounts.key"));
        REQUIRE(d->set_password("bob@example.org", secret{"a door of wood"}, keep::cram_md5));
        CHECK(std::filesystem::exists(where.path() / "accounts.key"));
        CHECK((*d->find_account("bob@example.org"))->has_cram_md5);
        CHECK_FALSE((*d->find_account("eve@example.org"))->has_cram_md5);
    }
    // Nothing in the database shows it.
    for (auto const& item : std::filesystem::directory_iterator{where.path()})
        CHECK(contents(item.path()).find("a door of wood") == std::string::npos);

    auto d = open(where, {});
    auto const given = d->cram_md5("Bob@example.org");
    REQUIRE(given);
    CHECK(given->real);
    CHECK(given->password.reveal() == "a door of wood");
    CHECK(d->authorize("bob@example.org", "", given->stored_key)->state == login_state::accepted);
    CHECK(d->authorize("eve@example.org", "", given->stored_key)->state == login_state::bad_credentials);

    auto const eve = *d->cram_md5("eve@example.org");
    CHECK_FALSE(eve.real);
    CHECK(std::string_view{eve.note}.find("no CRAM-MD5 secret") != std::string_view::npos);
    CHECK(eve.password.reveal() == (*d->cram_md5("EVE@example.org")).password.reveal());
    CHECK(d->authorize("eve@example.org", "", eve.stored_key)->state == login_state::bad_credentials);
    auto const nobody = *d->cram_md5("nobody@example.org");
    CHECK_FALSE(nobody.real);
    CHECK(nobody.password.size() == eve.password.size());
    CHECK(nobody.password.reveal() == (*d->cram_md5("nobody@example.org")).password.reveal());

    REQUIRE(d->set_password("bob@example.org", secret{"other"}));
    CHECK_FALSE(d->cram_md5("bob@example.org")->real);
    CHECK(d->authorize("bob@example.org", "", given->stored_key)->state == login_state::bad_credentials);
}

TEST_CASE("without its key file a CRAM-MD5 secret is unavailable, never wrong")
{
    folder where;
    auto const file = where.path() / "accounts.key";
    {
        auto d = open(where, {});
        REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
        REQUIRE(d->add_account(address("eve@example.org"), secret{"sesame"}));
        REQUIRE(d->set_password("bob@example.org", secret{"sesame"}, keep::cram_md5));
    }
    auto const key = contents(file);
    REQUIRE(std::filesystem::remove(file));
    auto d = open(where, {});
    for (char const* state : {"gone", "another one"}) {
        CAPTURE(state);
        if (state == std::string_view{"another one"}) {
            folder elsewhere;
            REQUIRE(make_key(elsewhere.path()));
            std::filesystem::copy_file(elsewhere.path() / "accounts.key", file);
        }
        // For who has a secret, who has none and who is nobody.
        for (char const* name : {"bob@example.org", "eve@example.org", "nobody@example.org"}) {
            auto const asked = d->cram_md5(name);
            REQUIRE(asked);
            CHECK_FALSE(asked->real);
            CHECK(asked->unsure);
        }
    }
    REQUIRE(std::filesystem::remove(file));
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
    auto const set = d->set_password("bob@example.org", secret{"sesame"}, keep::cram_md5);
    REQUIRE_FALSE(set);
    CHECK(set.error().logged.find("accounts.key is gone") != std::string::npos);
    std::ofstream{file} << key;
    CHECK(d->cram_md5("bob@example.org")->real);
    CHECK_FALSE(d->cram_md5("nobody@example.org")->unsure);
    // Nothing sealed any more: a new key may be made.
    REQUIRE(d->set_password("bob@example.org", secret{"sesame"}));
    REQUIRE(std::filesystem::remove(file));
    REQUIRE(d->set_password("bob@example.org", secret{"sesame"}, keep::cram_md5));
    CHECK(d->cram_md5("bob@example.org")->real);
    CHECK(contents(file) != key);
}
