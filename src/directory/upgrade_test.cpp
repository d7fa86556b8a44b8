// Hashes of other programs become ours, after their owners logged in.
#include <doctest/doctest.h>

#include "directory/test_directory.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

namespace {

// Of "sesame"; doveadm pw.
constexpr char const* salted = "{SSHA256}XHl1Kvqvwi2s6ie6EBgjWr+m4i7n2JFQCDKD7dxqoJmKDpYy";

std::string scheme(backend& d, char const* name) { return (*d.find_account(name))->scheme; }

std::size_t import(backend& d, std::string const& line)
{
    std::vector<std::string> problems;
    auto const count = d.import_accounts(line, problems);
    REQUIRE(count);
    return *count;
}

}  // namespace

TEST_CASE("an imported hash becomes argon2id after a log-in, and the password stays the same")
{
    folder where;
    auto d = open(where, {"example.org"});
    CHECK(import(*d, std::string{"bob@example.org:"} + salted) == 1);
    CHECK(log_in(*d, "bob@example.org", "wrong").state == login_state::bad_credentials);
    CHECK(scheme(*d, "bob@example.org") == "SSHA256");
    auto const before = (*d->find_account("bob@example.org"))->password_set;
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
    REQUIRE(eventually([&] { return scheme(*d, "bob@example.org") == "argon2id"; }));
    CHECK((*d->find_account("bob@example.org"))->password_set == before);
    CHECK((*d->find_account("bob@example.org"))->has_scram());
    CHECK(log_in(*d, "bob@example.org", "sesame").cause.starts_with("cached"));
    CHECK(log_in(*d, "bob@example.org", "wrong").state == login_state::bad_credentials);

    SUBCASE("the same import again leaves the account alone")
    {
        CHECK(import(*d, std::string{"bob@example.org:"} + salted) == 0);
        CHECK(scheme(*d, "bob@example.org") == "argon2id");
    }
    SUBCASE("also when the server was started anew")
    {
        d.reset();
        d = open(where, {"example.org"});
        CHECK(import(*d, std::string{"bob@example.org:"} + salted) == 0);
        CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
    }
    SUBCASE("but not after the password was changed")
    {
        REQUIRE(d->set_password("bob@example.org", secret{"other"}));
        CHECK(import(*d, std::string{"bob@example.org:"} + salted) == 1);
        CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
    }
    SUBCASE("a removed account takes it along")
    {
        REQUIRE(d->remove_account("bob@example.org"));
        CHECK(import(*d, std::string{"bob@example.org:"} + salted) == 1);
    }
}

TEST_CASE("nobody is turned away while hashes are upgraded")
{
    folder where;
    options o;
    o.folder = where.path();
    o.hash_threads = 2;
    o.cache_life = std::chrono::seconds{0};  // every log-in hashes
    o.configured_domains = {"example.org"};
    auto d = std::move(open_embedded(std::move(o))).value();
    CHECK(import(*d, "b@example.org:{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=") == 1);
    int logins = 0;
    auto const done = [&] {
        auto const l = log_in(*d, "b@example.org", "sesame");
        CHECK(l.state == login_state::accepted);
        CHECK(log_in(*d, "b@example.org", "wrong").state == login_state::bad_credentials);
        ++logins;
        return scheme(*d, "b@example.org") == "argon2id";
    };
    CHECK(eventually(done));
    CHECK(logins > 1);
}

TEST_CASE("hashes stay as they are when upgrades are switched off")
{
    folder where;
    options o;
    o.folder = where.path();
    o.hash_threads = 1;
    o.upgrade_hashes = false;
    o.configured_domains = {"example.org"};
    auto d = std::move(open_embedded(std::move(o))).value();
    CHECK(import(*d, std::string{"bob@example.org:"} + salted) == 1);
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
    CHECK(eventually([&] { return (*d->find_account("bob@example.org"))->has_scram(); }));
    std::this_thread::sleep_for(std::chrono::milliseconds{1200});
    CHECK(scheme(*d, "bob@example.org") == "SSHA256");
}
