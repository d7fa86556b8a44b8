// SCRAM and CRAM-MD5 where back ends tell of users: whose keys, who is asked, and what an outage tells.
#include <doctest/doctest.h>

#include "directory/scripted_back_end.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

TEST_CASE("SCRAM keys are given as they are told, for each hash, and made up in the same shape")
{
    house h;
    {
        std::lock_guard hold{h.p->lock};
        h.p->users["ann@example.org"].passwords = {secret{scram_text("SCRAM-SHA-256", hash::sha256, "sesame", 4096)},
                                                   secret{scram_text("SCRAM-SHA-512", hash::sha512, "sesame", 5000)},
                                                   secret{"{PLAIN}sesame"}};
    }
    for (auto const& [hash, iterations] : {std::pair{hash::sha256, 4096u}, std::pair{hash::sha512, 5000u}}) {
        auto const keys = h.scram("ann@example.org", hash);
        REQUIRE(keys);
        CHECK(keys->real);
        CHECK(keys->iterations == iterations);
        CHECK(h.accounts->authorize("ann@example.org", "", keys->stored_key)->state == login_state::accepted);
        auto const made_up = h.scram("nobody@example.org", hash);
        REQUIRE(made_up);
        CHECK_FALSE(made_up->real);
        CHECK(made_up->iterations == iterations);
        CHECK(made_up->salt.size() == keys->salt.size());
        CHECK(h.scram("nobody@example.org", hash)->salt == made_up->salt);
    }
    CHECK_FALSE(h.scram("ann@example.org", hash::sha1)->real);
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
    CHECK(h.accounts->means().scram_sha512);
}

TEST_CASE("SCRAM asks as much about accounts of the database as about others, whoever knows the name")
{
    auto second = told();
    second.name = "second";
    house h{{told(), second}};
    REQUIRE(h.accounts->add_account(address("boss@example.org"), secret{"the boss's"}));
    h.p->set("ann@example.org", scram_text("SCRAM-SHA-256", hash::sha256, "sesame", 4096));
    h.settled();
    auto const questions = [&](char const* name) {
        int const before = h.p->fetches;
        REQUIRE(h.scram(name));
        return h.p->fetches - before;
    };
    for (char const* name : {"boss@example.org", "ann@example.org", "nobody@example.org"}) CHECK(questions(name) == 2);
    // Who has proven to be somebody is not asked about.
    int const before = h.p->fetches;
    h.prepare("boss@example.org", freshness::remembered);
    CHECK(h.p->fetches == before);
    CHECK(h.state_by_scram("boss@example.org", "the boss's") == login_state::accepted);
}

TEST_CASE("SCRAM while a back end is down: everybody is challenged, nobody is told that a password is wrong")
{
    house h;
    REQUIRE(h.accounts->add_account(address("boss@example.org"), secret{"the boss's"}));
    h.p->set("ann@example.org", scram_text("SCRAM-SHA-256", hash::sha256, "sesame", 4096));
    h.settled();
    CHECK(h.state_by_scram("ann@example.org", "sesame") == login_state::accepted);
    CHECK(h.state_by_scram("ann@example.org", "wrong") == login_state::bad_credentials);
    h.p->let(&program::down, true);
    CHECK(in_doubt(*h.accounts, "cid@example.org", "sesame"));
    for (char const* name : {"ann@example.org", "boss@example.org", "nobody@example.org"}) {
        CAPTURE(name);
        CHECK(h.unsure_by_scram(name, "wrong"));
        auto const given = h.accounts->cram_md5(name, h.prepare(name, freshness::now));
        REQUIRE(given);
        CHECK(given->unsure);
    }
    // What is remembered is good for those who know it.
    CHECK(h.state_by_scram("ann@example.org", "sesame") == login_state::accepted);
    CHECK(h.state_by_scram("boss@example.org", "the boss's") == login_state::accepted);
    h.p->let(&program::down, false);
    CHECK(eventually([&] { return h.accounts->backends()[0].up; }));
    CHECK(h.state_by_scram("boss@example.org", "wrong") == login_state::bad_credentials);
    CHECK(h.state_by_scram("nobody@example.org", "wrong") == login_state::bad_credentials);
}
