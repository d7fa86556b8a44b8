// Back ends that tell of users by name: what is asked, remembered, bounded, and what it costs.
#include <doctest/doctest.h>

#include "directory/few_notes.hpp"
#include "directory/scripted_back_end.hpp"
#include "directory/verifier.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;
using namespace std::chrono_literals;

TEST_CASE("a user who is told of logs in, sends as told, and gets mail")
{
    house h;
    {
        std::lock_guard hold{h.p->lock};
        auto& u = h.p->users["ann"];
        u.user.name = "Ann@Example.org";
        u.user.aliases = {"annie@example.org", "not an address"};
        u.user.send_as = {"@example.net", "sales@example.org"};
        u.passwords = {secret{"{PLAIN}sesame"}};
    }
    h.p->set("off@example.org", "{PLAIN}sesame");
    {
        std::lock_guard hold{h.p->lock};
        h.p->users["off@example.org"].enabled = false;
    }
    auto const l = log_in(*h.accounts, "ANN", "sesame");
    CHECK(l.state == login_state::accepted);
    REQUIRE(l.who);
    CHECK(l.who->address == "ann@example.org");
    CHECK(l.who->login_name == "ann");
    CHECK(*h.accounts->may_send_as(*l.who, address("annie@example.org")));
    CHECK(*h.accounts->may_send_as(*l.who, address("whoever@example.net")));
    CHECK(*h.accounts->may_send_as(*l.who, address("sales@example.org")));
    CHECK_FALSE(*h.accounts->may_send_as(*l.who, address("bob@example.org")));
    CHECK(log_in(*h.accounts, "ann", "sesamf").state == login_state::bad_credentials);
    CHECK(log_in(*h.accounts, "off@example.org", "sesame").state == login_state::disabled);
    CHECK(log_in(*h.accounts, "nobody@example.org", "sesame").state == login_state::bad_credentials);
    // In an open session: by the name that was used.
    h.accounts->wait_for_login("ann");
    auto const again = h.accounts->find_account("ann");
    REQUIRE(again);
    REQUIRE(*again);
    CHECK((*again)->address == "ann@example.org");
    // Who gets mail.
    auto const to = address("off+shop@example.org");
    CHECK_FALSE(h.accounts->find_recipient(to));  // nobody asked yet: not "no such user"
    h.accounts->wait_for_address(to);
    auto const who = h.accounts->find_recipient(to);
    REQUIRE(who);
    REQUIRE(*who);
    CHECK((*who)->address == "off@example.org");
    auto const nobody = address("nobody@example.org");
    h.accounts->wait_for_address(nobody);
    REQUIRE(h.accounts->find_recipient(nobody));
    CHECK(*h.accounts->find_recipient(nobody) == nullptr);
}

TEST_CASE("unknown names and wrong passwords take the same: questions and hashes")
{
    auto const crypt = make_verifier("sesame");
    bool of_this_moment = false;
    SUBCASE("asked each time") {}
    SUBCASE("asked a moment ago") { of_this_moment = true; }
    auto o = told();
    if (of_this_moment) o.moment = 1h;
    house h{o};
    h.p->set("ann@example.org", crypt);
    h.settled();
    // The first time tells what a hash of this back end's users costs.
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
    auto work = [&](char const* name, char const* password) {
        auto const checks = h.accounts->checks();
        int const fetches = h.p->fetches;
        CHECK(log_in(*h.accounts, name, password).state == login_state::bad_credentials);
        return std::pair{h.accounts->checks() - checks, h.p->fetches - fetches};
    };
    if (of_this_moment) work("nobody@example.org", "wrong 0");
    auto const wrong = work("ann@example.org", "wrong 1");
    CHECK(wrong == work("nobody@example.org", "wrong 1"));
    // The cause is remembered, too.
    for (int i = 0; i < 2; ++i) {
        CHECK(log_in(*h.accounts, "ann@example.org", "wrong 1").why == login_cause::wrong_password);
        CHECK(log_in(*h.accounts, "nobody@example.org", "wrong 1").why == login_cause::unknown_user);
    }
    CHECK(wrong.first == 1);
    CHECK(wrong.second == (of_this_moment ? 0 : 1));
    // The same wrong password again: not hashed for either.
    auto const again = work("ann@example.org", "wrong 1");
    CHECK(again == work("nobody@example.org", "wrong 1"));
    CHECK(again.first == 0);
}

TEST_CASE("a new password and a new user count at once, whatever is remembered")
{
    house h;
    h.p->set("ann@example.org", "{PLAIN}old");
    CHECK(log_in(*h.accounts, "ann@example.org", "old").state == login_state::accepted);
    CHECK(log_in(*h.accounts, "bob@example.org", "new").state == login_state::bad_credentials);
    h.p->set("ann@example.org", "{PLAIN}new");
    h.p->set("bob@example.org", "{PLAIN}new");
    CHECK(log_in(*h.accounts, "ann@example.org", "new").state == login_state::accepted);
    CHECK(log_in(*h.accounts, "bob@example.org", "new").state == login_state::accepted);
    CHECK(log_in(*h.accounts, "ann@example.org", "old").state == login_state::bad_credentials);
}

TEST_CASE("a back end that is down: at once unavailable, known users go on, and it is back without being asked")
{
    house h;
    h.p->set("ann@example.org", "{PLAIN}sesame");
    h.p->set("bob@example.org", "{PLAIN}sesame");
    h.settled();
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
    h.p->let(&program::down, true);
    CHECK(in_doubt(*h.accounts, "bob@example.org", "sesame"));
    CHECK_FALSE(h.accounts->backends()[0].up);
    // It is known to be down: no question is put any more.
    int const fetches = h.p->fetches;
    for (char const* name : {"bob@example.org", "cid@example.org"}) {
        auto const next = log_in(*h.accounts, name, "sesame");
        CHECK(next.state == login_state::unsure);
        CHECK(next.cause.find("the test says so") != std::string::npos);
        CHECK(h.scram(name)->unsure);
    }
    CHECK(h.p->fetches == fetches);
    // Ann was told of: her password is still right, another one is not called wrong.
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
    CHECK(in_doubt(*h.accounts, "ann@example.org", "a new one?"));
    h.p->let(&program::down, false);
    CHECK(eventually([&] { return h.accounts->backends()[0].up; }));
    CHECK(log_in(*h.accounts, "bob@example.org", "sesame").state == login_state::accepted);
}

TEST_CASE("an error about one question takes nobody else's answers away")
{
    house h;
    h.p->set("ann@example.org", "{PLAIN}sesame");
    h.settled();
    h.p->let(&program::only_this, true);
    h.p->let(&program::down, true);
    CHECK(in_doubt(*h.accounts, "ann@example.org", "sesame"));
    CHECK(h.accounts->backends()[0].up);
    h.p->let(&program::down, false);
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
}

TEST_CASE("the queue of a back end that hangs is bounded, and one question is put for one name")
{
    auto o = told();
    o.threads = 2;
    o.timeout = 3s;
    house h{o};
    h.settled();
    h.p->let(&program::hangs, true);
    constexpr int room = 2 + 256;
    std::atomic<int> full{0}, late{0}, other{0};
    int const before = h.p->fetches;
    auto ask = [&](std::string const& name) {
        // All are hashed at once: for some there is no room.
        h.accounts->verify_password(name, "", secret{"sesame"}, [&](result<login> const& l) {
            if (l && l->state != login_state::unsure)
                ++other;
            else if (l && l->cause.find("too many wait") != std::string::npos)
                ++full;
            else
                ++late;
        });
    };
    // Who waits for the same answer takes no further place.
    for (int i = 0; i < 10; ++i) ask("same@example.org");
    CHECK(eventually([&] { return h.p->waiting == 1; }));
    CHECK(h.p->fetches == before + 1);
    for (int i = 1; i < room; ++i) ask("u" + std::to_string(i) + "@example.org");
    CHECK(full == 0);
    for (int i = 0; i < 5; ++i) ask("v" + std::to_string(i) + "@example.org");
    CHECK(eventually([&] { return full == 5; }));
    CHECK(eventually([&] { return late > 0; }));
    CHECK(eventually([&] { return late == room + 9; }));
    CHECK(other == 0);
    h.p->let(&program::hangs, false);
    CHECK(eventually([&] { return h.accounts->backends()[0].up; }));
    CHECK(log_in(*h.accounts, "same@example.org", "sesame").state == login_state::bad_credentials);
}

TEST_CASE("a hash that another program made becomes a better one there, SCRAM keys stay")
{
    auto o = told();
    o.takes_hashes = true;
    options d;
    d.upgrade_hashes = true;
    house h{o, d};
    auto const keys = scram_text("SCRAM-SHA-256", hash::sha256, "sesame", 4096);
    h.p->set("ann@example.org", "{PLAIN}sesame");
    h.p->set("bob@example.org", keys);
    CHECK(log_in(*h.accounts, "bob@example.org", "sesame").state == login_state::accepted);
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
    CHECK(eventually([&] {
        std::lock_guard hold{h.p->lock};
        return h.p->replaced.size() == 1;
    }));
    {
        std::lock_guard hold{h.p->lock};
        CHECK(h.p->users["ann@example.org"].passwords.front().reveal().starts_with("{ARGON2ID}$argon2id$"));
        CHECK(h.p->users["bob@example.org"].passwords.front().reveal() == keys);
    }
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").state == login_state::accepted);
}

TEST_CASE("a user without a password that can be verified is nobody to strangers, and named in the log's cause")
{
    house h;
    for (char const* text : {"{DES-CRYPT}ab.cdefghijk", "!", "", "{SHA512-CRYPT}nonsense"}) {
        CAPTURE(text);
        h.p->set("ann@example.org", text);
        auto const l = log_in(*h.accounts, "ann@example.org", "sesame");
        CHECK(l.state == login_state::bad_credentials);
        CHECK(l.cause != "wrong password");
    }
}

TEST_CASE("a back end may not speak for an account of the database")
{
    house h;
    REQUIRE(h.accounts->add_account(address("boss@example.org"), secret{"the boss's"}));
    {
        std::lock_guard hold{h.p->lock};
        auto& u = h.p->users["mallory"];
        u.user.name = "boss@example.org";
        u.passwords = {secret{"{PLAIN}sesame"}};
    }
    CHECK(log_in(*h.accounts, "mallory", "sesame").state == login_state::bad_credentials);
    CHECK_FALSE(h.scram("mallory")->real);
    CHECK(log_in(*h.accounts, "boss@example.org", "the boss's").state == login_state::accepted);
}

TEST_CASE("a better hash goes to the back end that told of the user, however many there are")
{
    auto second = told();
    second.name = "second";
    second.takes_hashes = true;
    options d;
    d.upgrade_hashes = true;
    bool first_takes = false;
    SUBCASE("the first takes hashes") { first_takes = true; }
    SUBCASE("only the second does, which did not tell of the user") {}
    auto first = told();
    first.takes_hashes = first_takes;
    house h{{first, second}, d};
    h.p->set("ann@example.org", "{PLAIN}sesame");
    CHECK(log_in(*h.accounts, "ann@example.org", "sesame").who->back_end == "told");
    if (first_takes) {
        CHECK(eventually([&] {
            std::lock_guard hold{h.p->lock};
            return h.p->replaced.size() == 1;
        }));
        return;
    }
    // Its turn has come and gone: hashes are made one after the other.
    std::vector<std::string> problems;
    REQUIRE(
        h.accounts->import_accounts("old@example.org:{SHA512-CRYPT}$6$W5Xf6WCjp0LWYyQC$efawLaUKwo1JAnd6N0nQhF/"
                                    "QrhtOYhKYqz7lXATLhcSSBgeLwzDmlqOI9p8Q3zY6AxP8lII0/bo7LZTj8xnsX/\n",
                                    problems));
    CHECK(log_in(*h.accounts, "old@example.org", "sesame").state == login_state::accepted);
    CHECK(eventually([&] {
        auto const now = h.accounts->find_account("old@example.org");
        return now && *now && (*now)->scheme == "argon2id";
    }));
    std::lock_guard hold{h.p->lock};
    CHECK(h.p->replaced.empty());
}

TEST_CASE("a user whose entry contradicts itself looks like nobody, and nothing lets that one in")
{
    house h;
    {
        std::lock_guard hold{h.p->lock};
        auto& u = h.p->users["ann@example.org"];
        u.problem = "two rows";
        u.passwords = {secret{"{PLAIN}sesame"}};
    }
    for (int i = 0; i < 2; ++i) {
        auto const l = log_in(*h.accounts, "ann@example.org", "sesame");
        CHECK(l.state == login_state::bad_credentials);
        CHECK(l.why == login_cause::none);
        CHECK(l.cause.find("backend_user_skipped") != std::string::npos);
    }
    CHECK_FALSE(h.scram("ann@example.org")->real);
    h.accounts->wait_for_login("ann@example.org");
    CHECK(h.accounts->admit("ann@example.org", "", "token")->state == login_state::disabled);
}

TEST_CASE("what strangers can make happen often is logged now and then, with how often")
{
    few_notes notes;
    steady_time const now{1h};
    for (int i = 0; i < 5; ++i) CHECK(notes.next(now) == 0u);
    for (int i = 0; i < 3; ++i) CHECK_FALSE(notes.next(now + 59s));
    CHECK(notes.next(now + 60s) == 3u);
    CHECK(notes.next(now + 60s) == 0u);
}
