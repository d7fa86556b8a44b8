// App passwords of users whom back ends know: of those that tell, and of those that judge.
#include <doctest/doctest.h>

#include "directory/scripted_back_end.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;
using namespace std::chrono_literals;

TEST_CASE("app passwords of users whom a back end tells of")
{
    house h;
    h.p->set("ann@example.org", scram_text("SCRAM-SHA-256", hash::sha256, "sesame", 4096));
    h.p->set("bob@example.org", "{PLAIN}sesame");
    h.settled();
    for (char const* name : {"ann@example.org", "bob@example.org"}) {
        CAPTURE(name);
        auto const made = h.make(name);
        CHECK(made.address == name);
        auto const l = log_in(*h.accounts, name, made.text.reveal());
        CHECK(l.state == login_state::accepted);
        CHECK((l.app && l.app->id == made.id));
        CHECK(log_in(*h.accounts, name, "sesame").state == login_state::accepted);
        CHECK(log_in(*h.accounts, name, make_app_password().reveal()).why == login_cause::app_password_wrong);
        CHECK(h.state_by_scram(name, made.text.reveal()) == login_state::accepted);
        CHECK(h.state_by_scram(name, make_app_password().reveal()) == login_state::bad_credentials);
        CHECK(h.accounts->list_app_passwords(name)->size() == 1);
        // In an open session.
        h.accounts->wait_for_login(name);
        CHECK((*h.accounts->find_account(name))->app_passwords.size() == 1);
    }
    // With the domain's own passwords off, they are all that is left.
    REQUIRE(h.accounts->set_domain_basic_passwords("example.org", false, "operator"));
    auto const made = h.make("ann@example.org");
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::app_password_needed);
    CHECK(h.state_by_scram("ann@example.org", "sesame") == login_state::app_password_needed);
    CHECK(log_in(*h.accounts, "ann@example.org", made.text.reveal()).state == login_state::accepted);
    // While the back end is down, for those whom it told of lately.
    h.p->let(&program::down, true);
    CHECK(in_doubt(*h.accounts, "cid@example.org", made.text.reveal()));
    CHECK(log_in(*h.accounts, "ann@example.org", made.text.reveal()).state == login_state::accepted);
    CHECK(h.state_by_scram("ann@example.org", made.text.reveal()) == login_state::accepted);
    h.p->let(&program::down, false);
    CHECK(eventually([&] { return h.accounts->backends()[0].up; }));
    // Another salt there: SCRAM is possible again after a log-in with PLAIN.
    h.p->set("ann@example.org", scram_text("SCRAM-SHA-256", hash::sha256, "another", 5000));
    CHECK(h.state_by_scram("ann@example.org", made.text.reveal()) == login_state::bad_credentials);
    CHECK(log_in(*h.accounts, "ann@example.org", made.text.reveal()).state == login_state::accepted);
    CHECK(eventually([&] { return h.state_by_scram("ann@example.org", made.text.reveal()) == login_state::accepted; }));
    REQUIRE(h.accounts->revoke_app_password("ann@example.org", made.id));
    CHECK(log_in(*h.accounts, "ann@example.org", made.text.reveal()).why == login_cause::app_password_revoked);
    CHECK(h.state_by_scram("ann@example.org", made.text.reveal()) == login_state::bad_credentials);
    // Switched off there, gone there.
    auto const last = h.make("ann@example.org");
    {
        std::lock_guard hold{h.p->lock};
        h.p->users["ann@example.org"].enabled = false;
    }
    h.prepare("ann@example.org", freshness::now);
    CHECK(log_in(*h.accounts, "ann@example.org", last.text.reveal()).state == login_state::disabled);
    {
        std::lock_guard hold{h.p->lock};
        h.p->users.erase("ann@example.org");
    }
    h.prepare("ann@example.org", freshness::now);
    CHECK(log_in(*h.accounts, "ann@example.org", last.text.reveal()).state == login_state::bad_credentials);
    CHECK_FALSE(h.accounts->add_app_password("ann@example.org", {"x", "operator", {}, {}}));
    // What is left can still be seen and ended.
    CHECK(h.accounts->list_app_passwords("ann@example.org")->size() == 3);
    CHECK(h.accounts->revoke_app_password("ann@example.org", last.id));
}

TEST_CASE("app passwords of users whom a back end judges")
{
    auto o = told();
    o.tells = false;
    o.recognises = true;
    o.remember = 0ms;
    house h{o};
    h.p->judges = true;
    h.p->set("ann@example.org", "sesame");
    h.settled();
    CHECK_FALSE(h.accounts->add_app_password("nobody@example.org", {"x", "operator", {}, {}}));
    int const before = h.p->fetches;
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
    CHECK(eventually([&] { return h.p->fetches == before + 1; }));  // whether it would say that she is gone
    REQUIRE(h.scram("ann@example.org"));
    CHECK(h.p->fetches == before + 1);  // there is nothing to find out
    auto const made = h.make("ann@example.org");
    int const judged = h.p->verifications;
    auto const l = log_in(*h.accounts, "ann@example.org", made.text.reveal());
    CHECK(l.state == login_state::accepted);
    CHECK((l.app && l.app->id == made.id));
    CHECK(h.p->verifications == judged);  // the program never sees it
    auto const in_session = h.accounts->find_account("ann@example.org");
    REQUIRE(in_session);
    REQUIRE(*in_session);
    CHECK((*in_session)->app_passwords.size() == 1);
    CHECK(h.state_by_scram("ann@example.org", made.text.reveal()) == login_state::accepted);
    CHECK(h.state_by_scram("ann@example.org", "sesame") == login_state::bad_credentials);
    // A password of the program's that looks like one.
    auto const lookalike = make_app_password();
    h.p->set("bob@example.org", lookalike.reveal());
    CHECK(log_in(*h.accounts, "bob@example.org", lookalike.reveal()).state == login_state::accepted);
    CHECK(log_in(*h.accounts, "ann@example.org", lookalike.reveal()).state == login_state::bad_credentials);
    h.p->let(&program::down, true);
    CHECK(log_in(*h.accounts, "ann@example.org", made.text.reveal()).state == login_state::accepted);
    CHECK(in_doubt(*h.accounts, "ann@example.org", "sesame!"));
    CHECK(in_doubt(*h.accounts, "bob@example.org", make_app_password().reveal()));
    h.p->let(&program::down, false);
    CHECK(eventually([&] { return h.accounts->backends()[0].up; }));
    {
        std::lock_guard hold{h.p->lock};
        h.p->users["ann@example.org"].enabled = false;
    }
    CHECK(log_in(*h.accounts, "ann@example.org", made.text.reveal()).state == login_state::disabled);
}

TEST_CASE("app passwords of a back end's user are not those of an account of the database with that address")
{
    house h;
    h.p->set("ann@example.org", "{PLAIN}sesame");
    auto const made = h.make("ann@example.org");
    REQUIRE(h.accounts->add_account(address("ann@example.org"), secret{"another"}));
    CHECK(h.accounts->list_app_passwords("ann@example.org")->empty());
    CHECK(log_in(*h.accounts, "ann@example.org", made.text.reveal()).state == login_state::bad_credentials);
    REQUIRE(h.accounts->remove_account("ann@example.org"));
    CHECK(log_in(*h.accounts, "ann@example.org", made.text.reveal()).state == login_state::bad_credentials);
    CHECK(h.accounts->list_app_passwords("ann@example.org")->empty());
}

TEST_CASE("a user whom a back end judges ends with the user there, where the back end says who there is")
{
    auto o = told();
    o.tells = false;
    o.recognises = true;
    bool says = true;
    SUBCASE("it says so") {}
    SUBCASE("it does not say who there is")
    {
        o.recognises = false;
        says = false;
    }
    o.remember = 0ms;
    options d;
    d.cache_life = std::chrono::hours{1};
    house h{o, d};
    h.p->judges = true;
    h.p->set("ann@example.org", "sesame");
    h.settled();
    int const before = h.p->fetches;
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
    if (says) CHECK(eventually([&] { return h.p->fetches == before + 1; }));
    auto const there = [&] {
        h.prepare("ann@example.org", freshness::remembered);
        auto const found = h.accounts->find_account("ann@example.org");
        return found && *found && (*found)->enabled;
    };
    CHECK(there());
    // A while without the back end changes nothing.
    h.p->let(&program::down, true);
    CHECK(there());
    h.p->let(&program::down, false);
    CHECK(eventually([&] { return h.accounts->backends()[0].up; }));
    {
        std::lock_guard hold{h.p->lock};
        h.p->users["ann@example.org"].enabled = false;
    }
    CHECK(there() == !says);
    {
        std::lock_guard hold{h.p->lock};
        h.p->users.erase("ann@example.org");
    }
    CHECK(there() == !says);
    CHECK(h.accounts->admit("ann@example.org", "", "token")->state ==
          (says ? login_state::bad_credentials : login_state::accepted));
    // Nor is the right password remembered.
    if (says) CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::bad_credentials);
}
