#include "directory/import.hpp"

#include <chrono>

#include <doctest/doctest.h>

#include "directory/test_directory.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

namespace {

constexpr char const* sha512 =
    "$6$W5Xf6WCjp0LWYyQC$efawLaUKwo1JAnd6N0nQhF/QrhtOYhKYqz7lXATLhcSSBgeLwzDmlqOI9p8Q3zY6AxP8lII0/bo7LZTj8xnsX/";

}  // namespace

TEST_CASE("an import takes Dovecot's lines: prefixes, further fields, comments")
{
    folder where;
    auto d = open(where, {"example.org"});
    std::string const text = std::string{"\xef\xbb\xbf# accounts\r\n\r\n   \n"} + "One@Example.org:" + sha512 + "\r\n" +
                             "two@example.org:{SHA512-CRYPT}" + sha512 + ":1000:1000::/home/two::quota=1G\n" +
                             "three@example.org:{PLAIN}sesame\n" + "four@example.org:{plain}sesame::::::";
    std::vector<std::string> problems;
    auto const count = d->import_accounts(text, problems);
    REQUIRE(count);
    CHECK(problems.empty());
    CHECK(*count == 4);
    for (auto name : {"one@example.org", "two@example.org", "three@example.org", "four@example.org"}) {
        CHECK(log_in(*d, name, "sesame").state == login_state::accepted);
        CHECK(log_in(*d, name, "wrong").state == login_state::bad_credentials);
    }
    CHECK((*d->find_account("three@example.org"))->scheme == "argon2id");
    CHECK((*d->find_account("three@example.org"))->has_scram());

    SUBCASE("again: nothing changes, and keys that were derived stay")
    {
        CHECK(eventually([&] { return (*d->find_account("one@example.org"))->has_scram(); }));
        CHECK(*d->import_accounts(std::string{"one@example.org:"} + sha512, problems) == 0);
        CHECK((*d->find_account("one@example.org"))->has_scram());
    }
    SUBCASE("another hash for an account there is replaces its password at once")
    {
        CHECK(*d->import_accounts("one@example.org:{PLAIN}other\n", problems) == 1);
        CHECK(log_in(*d, "one@example.org", "sesame").state == login_state::bad_credentials);
        CHECK(log_in(*d, "one@example.org", "other").state == login_state::accepted);
    }
}

TEST_CASE("an import is all or none, and names the bad lines")
{
    folder where;
    auto d = open(where, {"example.org"});
    std::string const good = std::string{":"} + sha512 + "\n";
    std::string const text = "a@example.org" + good + "no colon here\n" + "bob" + good + "b@example.org:\n" +
                             "a@example.org" + good + "c@example.org:{SSHA}x\n" + ":x\n" + "\x1b[31mred@example.org" +
                             good;
    std::vector<std::string> problems;
    auto const count = d->import_accounts(text, problems);
    REQUIRE_FALSE(count);
    CHECK(count.error().code.klass == 5);
    REQUIRE(problems.size() == 7);
    int const lines[] = {2, 3, 4, 5, 6, 7, 8};
    for (std::size_t i = 0; i < problems.size(); ++i) {
        CHECK(problems[i].starts_with("line " + std::to_string(lines[i]) + ": "));
        CHECK(problems[i].find(sha512) == std::string::npos);  // no hash in a message
        CHECK(problems[i].find('\x1b') == std::string::npos);
    }
    CHECK(d->list_accounts()->empty());

    // An address that is someone's alias: found only in the transaction.
    problems.clear();
    REQUIRE(d->add_account(address("x@example.org"), secret{"x"}));
    REQUIRE(d->add_alias("x@example.org", address("y@example.org")));
    CHECK_FALSE(d->import_accounts("a@example.org" + good + "y@example.org" + good, problems));
    CHECK(d->list_accounts()->size() == 1);
}

TEST_CASE("a thousand hashes are imported in well under a second")
{
    folder where;
    auto d = open(where, {"example.org"});
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "user" + std::to_string(i) + "@example.org:" + sha512 + "\n";
    std::vector<std::string> problems;
    auto const begun = std::chrono::steady_clock::now();
    CHECK(*d->import_accounts(text, problems) == 1000);
    auto const took = std::chrono::steady_clock::now() - begun;
    CHECK(took < std::chrono::seconds{5});  // for slow machines and sanitizers; some 30 ms here
    CHECK(d->list_accounts()->size() == 1000);
    CHECK(log_in(*d, "user999@example.org", "sesame").state == login_state::accepted);
}
