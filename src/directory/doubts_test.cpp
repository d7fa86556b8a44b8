// What is said of wrong passwords while somebody can't be asked who may know the name: of everybody the same.
#include <fstream>

#include <doctest/doctest.h>

#include "directory/scripted_back_end.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;
using namespace std::chrono_literals;

namespace {

constexpr char const* boss = "boss@example.org";

/// The state, and how many hashes and questions to the back end it took.
struct cost {
    login_state state;
    std::uint64_t checks;
    int questions;
    bool operator==(cost const&) const = default;
};

cost log_in_to(house const& h, std::string const& name, char const* password)
{
    auto const checks = h.accounts->checks();
    int const questions = h.p->fetches + h.p->verifications;
    auto const l = try_log_in(*h.accounts, name, password);
    REQUIRE_MESSAGE(l, name);
    return {l->state, h.accounts->checks() - checks, h.p->fetches + h.p->verifications - questions};
}

backend_options judging(bool recognises)
{
    auto o = told();
    o.tells = false;
    o.recognises = recognises;
    return o;
}

void nobody_is_told_apart(postern::directory::directory& d)
{
    for (char const* name : {boss, "nobody@example.org"}) {
        CAPTURE(name);
        auto const l = try_log_in(d, name, "wrong");
        REQUIRE(l);
        CHECK(l->state == login_state::unsure);
        auto const keys = d.scram(name, hash::sha256);
        REQUIRE(keys);
        CHECK(keys->unsure);
        auto const cram = d.cram_md5(name);
        REQUIRE(cram);
        CHECK(cram->unsure);
    }
}

}  // namespace

TEST_CASE("while a back end is down, a wrong password is not called wrong, whoever has the name, and takes the same")
{
    auto o = told();
    bool can_be_probed = true;
    SUBCASE("one that tells") {}
    SUBCASE("one that judges, and says who there is") { o = judging(true); }
    SUBCASE("one that only judges") { o = judging(false); }
    SUBCASE("one that can't be probed")
    {
        o = judging(true);
        can_be_probed = false;
    }
    house h{o, {}, can_be_probed};
    h.p->judges = !o.tells;
    REQUIRE(h.accounts->add_account(address(boss), secret{"the boss's"}));
    h.settled();
    CHECK(log_in_to(h, boss, "wrong 0").state == login_state::bad_credentials);
    CHECK(log_in_to(h, "nobody@example.org", "wrong 0").state == login_state::bad_credentials);
    h.p->let(&program::down, true);
    // The outage is seen.
    CHECK(log_in_to(h, "somebody@example.org", "wrong 0").state == login_state::unsure);
    for (char const* password : {"wrong 1", "wrong 1", "wrong 2"}) {
        CAPTURE(password);
        auto const known = log_in_to(h, boss, password);
        CHECK(known.state == login_state::unsure);
        auto const unknown = log_in_to(h, "nobody@example.org", password);
        CHECK(known.state == unknown.state);
        CHECK(known.checks == unknown.checks);
        if (can_be_probed) CHECK(known.questions == unknown.questions);
    }
    CHECK(log_in_to(h, boss, "the boss's").state == login_state::accepted);
    // Names that the back end can't have are not in doubt. (It covers all addresses.)
    CHECK(log_in_to(h, "boss", "wrong").state == (o.tells ? login_state::unsure : login_state::bad_credentials));
    h.p->let(&program::down, false);
    if (can_be_probed) CHECK(eventually([&] { return h.accounts->backends()[0].up; }));
    CHECK(eventually(
        [&] { return log_in_to(h, "nobody@example.org", "wrong 3").state == login_state::bad_credentials; }));
    CHECK(log_in_to(h, boss, "wrong 3").state == login_state::bad_credentials);
}

TEST_CASE("an error about each question is an outage for all names, too")
{
    house h;
    REQUIRE(h.accounts->add_account(address(boss), secret{"the boss's"}));
    h.settled();
    h.p->let(&program::only_this, true);
    h.p->let(&program::down, true);
    CHECK(log_in_to(h, boss, "wrong") == log_in_to(h, "nobody@example.org", "wrong"));
    CHECK(log_in_to(h, boss, "wrong 2").state == login_state::unsure);
    CHECK(log_in_to(h, boss, "the boss's").state == login_state::accepted);
}

TEST_CASE("a user of one back end is in doubt while another one is down that may know the name, too")
{
    auto second = judging(false);
    second.name = "second";
    house h{{told(), second}};
    h.p->set("ann@example.org", "{PLAIN}sesame");
    h.settled();
    CHECK(log_in_to(h, "ann@example.org", "sesame").state == login_state::accepted);
    CHECK(log_in_to(h, "ann@example.org", "wrong").state == login_state::bad_credentials);
    h.p->let(&program::down, true);
    CHECK(log_in_to(h, "nobody@example.org", "wrong").state == login_state::unsure);
    CHECK(log_in_to(h, "ann@example.org", "wrong").state == login_state::unsure);
    CHECK(log_in_to(h, "ann@example.org", "sesame").state == login_state::accepted);
}

TEST_CASE("in doubt means why, for the log")
{
    house h;
    REQUIRE(h.accounts->add_account(address(boss), secret{"the boss's"}));
    h.settled();
    h.p->let(&program::down, true);
    for (char const* name : {"nobody@example.org", boss}) {
        auto const l = log_in(*h.accounts, name, "wrong");
        CHECK(l.why == login_cause::backend_down);
        CHECK(l.cause.find("the test says so") != std::string::npos);
    }
}

TEST_CASE("a file of users that was never read is an outage for all names: passwords, SCRAM and CRAM-MD5")
{
    folder where;
    options o;
    o.folder = where.path();
    o.hash_threads = 1;
    o.configured_domains = {"example.org"};
    backend_options file;
    file.name = "file";
    file.type = "files";
    file.path = where.path() / "users";
    o.backends = {file};
    auto d = std::move(open_embedded(std::move(o))).value();
    REQUIRE(d->add_account(address(boss), secret{"the boss's"}));
    nobody_is_told_apart(*d);
    CHECK(log_in(*d, boss, "the boss's").state == login_state::accepted);
    std::ofstream{file.path} << "ann@example.org:{PLAIN}sesame\n";
    CHECK(eventually([&] { return !d->scram(boss, hash::sha256)->unsure; }));
    CHECK_FALSE(d->scram("nobody@example.org", hash::sha256)->unsure);
    CHECK(log_in(*d, boss, "wrong").state == login_state::bad_credentials);
    CHECK(log_in(*d, "nobody@example.org", "wrong").state == login_state::bad_credentials);
}

TEST_CASE("while the account database is in trouble, accounts that are remembered look like names that nobody has")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address(boss), secret{"the boss's"}));
    auto const salt = d->scram(boss, hash::sha256)->salt;
    auto const made_up = d->scram("nobody@example.org", hash::sha256)->salt;
    CHECK(log_in(*d, boss, "the boss's").state == login_state::accepted);
    auto const away = where.path() / "away";
    for (char const* end : {"", "-wal", "-shm"})
        if (std::filesystem::exists(where.file().string() + end))
            std::filesystem::rename(where.file().string() + end, away.string() + end);
    REQUIRE(eventually([&] { return d->scram(boss, hash::sha256)->unsure; }));
    nobody_is_told_apart(*d);
    CHECK(log_in(*d, boss, "the boss's").state == login_state::accepted);
    CHECK(d->scram(boss, hash::sha256)->salt == salt);
    CHECK(d->scram("nobody@example.org", hash::sha256)->salt == made_up);
}
