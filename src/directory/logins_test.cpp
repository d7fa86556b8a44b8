// Log-ins: what is checked, what is remembered, and what must never be told apart.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>

#include <doctest/doctest.h>

#include "base/crypto.hpp"
#include "directory/test_file.hpp"
#include "sasl/client_mechanism.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

namespace {

// The password is "sesame".
constexpr char const* sha512 =
    "$6$W5Xf6WCjp0LWYyQC$efawLaUKwo1JAnd6N0nQhF/QrhtOYhKYqz7lXATLhcSSBgeLwzDmlqOI9p8Q3zY6AxP8lII0/bo7LZTj8xnsX/";

void import(backend& d, std::string const& lines)
{
    std::vector<std::string> problems;
    auto count = d.import_accounts(lines, problems);
    if (!count) FAIL(count.error().logged);
    REQUIRE(problems.empty());
}

/// `meanwhile`: what happens between the client's proof and the end of the exchange.
bool scram_works(backend& d, std::string const& name, std::string const& password,
                 std::function<void()> const& meanwhile = {})
{
    auto s = sasl::make_server_mechanism("SCRAM-SHA-256", {});
    auto c = sasl::make_client_mechanism("SCRAM-SHA-256", {name, "", secret{password}}, {});
    auto o = s->step(std::get<sasl::respond>(c->step(std::nullopt)).octets);
    auto const& wanted = std::get<sasl::fetch_scram>(o);
    auto keys = d.scram(wanted.authcid, wanted.hash);
    REQUIRE(keys);
    o = s->on_scram(*keys);
    o = s->step(std::get<sasl::respond>(c->step(std::get<sasl::challenge>(o).octets)).octets);
    if (!std::holds_alternative<sasl::challenge>(o)) return false;
    o = s->step(std::get<sasl::respond>(c->step(std::get<sasl::challenge>(o).octets)).octets);
    auto const* a = std::get_if<sasl::accepted>(&o);
    if (a == nullptr) return false;
    if (meanwhile) meanwhile();
    auto l = d.authorize(a->authcid, a->authzid, a->stored_key);
    REQUIRE(l);
    return l->state == login_state::accepted;
}

}  // namespace

TEST_CASE("a right password logs in, a wrong one does not, an unknown name neither")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    auto right = log_in(*d, "bob@example.org", "sesame");
    CHECK(right.state == login_state::accepted);
    REQUIRE(right.who);
    CHECK(right.who->address == "bob@example.org");
    CHECK(right.cause == "verified, password matched as prepared");
    CHECK(log_in(*d, "BOB@Example.Org", "sesame").cause == "cached, password matched as prepared");

    auto wrong = log_in(*d, "bob@example.org", "Sesame");
    CHECK(wrong.state == login_state::bad_credentials);
    CHECK(wrong.who == nullptr);
    CHECK(wrong.cause == "wrong password");
    CHECK(log_in(*d, "bob@example.org", "Sesame").cause == "the same wrong password again");

    CHECK(log_in(*d, "bob@example.org", "").state == login_state::bad_credentials);
    CHECK(log_in(*d, "", "").state == login_state::bad_credentials);
    for (char const* name : {"alice@example.org", "bob", "bob@example.com", "bob@example.org ", "x'; --@example.org"}) {
        CAPTURE(name);
        auto unknown = log_in(*d, name, "sesame");
        CHECK(unknown.state == login_state::bad_credentials);
        CHECK(unknown.who == nullptr);
        CHECK(unknown.cause == "no such account");
        CHECK(log_in(*d, name, "sesame").cause == "no such account, again");
    }
}

TEST_CASE("standard 25: an authorization identity is one's own or refused")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    REQUIRE(d->add_account(address("alice@example.org"), secret{"sesame"}));
    CHECK(log_in(*d, "bob@example.org", "sesame", "Bob@EXAMPLE.org").state == login_state::accepted);
    CHECK(log_in(*d, "bob@example.org", "sesame", "alice@example.org").state == login_state::bad_credentials);
    CHECK(log_in(*d, "bob@example.org", "sesame", "bob").state == login_state::bad_credentials);
    auto const key = d->scram("bob@example.org", hash::sha256)->stored_key;
    auto const no_key = d->scram("nobody@example.org", hash::sha256)->stored_key;
    CHECK(d->authorize("bob@example.org", "", key)->state == login_state::accepted);
    CHECK(d->authorize("bob@example.org", "BOB@example.org", key)->state == login_state::accepted);
    CHECK(d->authorize("bob@example.org", "alice@example.org", key)->state == login_state::bad_credentials);
    CHECK(d->authorize("nobody@example.org", "", no_key)->state == login_state::bad_credentials);
}

TEST_CASE("a SCRAM exchange that began before the password changed does not log in after it")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    CHECK(scram_works(*d, "bob@example.org", "sesame", [] {}));
    SUBCASE("another password")
    {
        CHECK_FALSE(scram_works(*d, "bob@example.org", "sesame",
                                [&] { REQUIRE(d->set_password("bob@example.org", secret{"other"})); }));
        CHECK(scram_works(*d, "bob@example.org", "other"));
    }
    SUBCASE("an imported hash, which has no keys for SCRAM")
    {
        CHECK_FALSE(scram_works(*d, "bob@example.org", "sesame",
                                [&] { import(*d, std::string{"bob@example.org:"} + sha512); }));
    }
    SUBCASE("a new account of that name")
    {
        CHECK_FALSE(scram_works(*d, "bob@example.org", "sesame", [&] {
            REQUIRE(d->remove_account("bob@example.org"));
            REQUIRE(d->add_account(address("bob@example.org"), secret{"other"}));
        }));
    }
    SUBCASE("a change that is not one of the password")
    {
        CHECK(scram_works(*d, "bob@example.org", "sesame",
                          [&] { REQUIRE(d->grant_send_as("bob@example.org", "@lists.example")); }));
    }
}

TEST_CASE("a name that is not known costs the database as much as one that is")
{
    directory_with_file const world{"example.org"};
    auto& d = *world.accounts;
    REQUIRE(d.add_account(address("bob@example.org"), secret{"sesame"}));
    auto const log_in_as = [&](char const* name) {
        return world.reads([&] { CHECK(log_in(d, name, "wrong").state == login_state::bad_credentials); });
    };
    auto const exchange_as = [&](char const* name) { return world.reads([&] { CHECK(d.scram(name, hash::sha256)); }); };
    auto const write_to = [&](char const* to) { return world.reads([&] { CHECK(d.find_recipient(address(to))); }); };
    for (int round = 0; round < 3; ++round) {
        CAPTURE(round);
        CHECK(log_in_as("nobody@example.org") == log_in_as("bob@example.org"));
        CHECK(exchange_as("nobody@example.org") == exchange_as("bob@example.org"));
        if (round != 0) {
            CHECK(log_in_as("nobody@example.org") == 0);
            // One account is read and one name looked for, whoever is claimed and whatever is remembered.
            CHECK(exchange_as("nobody@example.org") == 2);
            CHECK(write_to("nobody@example.org") == 0);
        } else {
            CHECK(write_to("nobody@example.org") != 0);
        }
    }
    // What was unknown is known as soon as it is there.
    REQUIRE(d.add_account(address("nobody@example.org"), secret{"sesame"}));
    CHECK(log_in(d, "nobody@example.org", "sesame").state == login_state::accepted);
    CHECK(*d.find_recipient(address("nobody@example.org")) != nullptr);
    CHECK(*d.find_recipient(address("info@example.org")) == nullptr);
    REQUIRE(d.add_alias("bob@example.org", address("info@example.org")));
    CHECK(*d.find_recipient(address("info@example.org")) != nullptr);
}

TEST_CASE("a switched-off account is told so only after the right password, and at once")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
    REQUIRE(d->set_smtp_auth("bob@example.org", false));
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::smtp_auth_off);
    CHECK(log_in(*d, "bob@example.org", "sesame").who != nullptr);
    CHECK(log_in(*d, "bob@example.org", "wrong").state == login_state::bad_credentials);
    auto const key = d->scram("bob@example.org", hash::sha256)->stored_key;
    CHECK(d->authorize("bob@example.org", "", key)->state == login_state::smtp_auth_off);
    REQUIRE(d->set_enabled("bob@example.org", false));
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::disabled);
    CHECK(d->authorize("bob@example.org", "", key)->state == login_state::disabled);
    REQUIRE(d->set_enabled("bob@example.org", true));
    REQUIRE(d->set_smtp_auth("bob@example.org", true));
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
    REQUIRE(d->remove_account("bob@example.org"));
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::bad_credentials);
}

TEST_CASE("a changed password works at once, and the old one no longer")
{
    folder where;
    auto d = open(where, {"example.org"});
    auto other = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"old"}));
    CHECK(log_in(*d, "bob@example.org", "old").state == login_state::accepted);
    CHECK(log_in(*d, "bob@example.org", "new").state == login_state::bad_credentials);
    CHECK(scram_works(*d, "bob@example.org", "old"));
    REQUIRE(d->set_password("bob@example.org", secret{"new"}));
    CHECK(log_in(*d, "bob@example.org", "old").state == login_state::bad_credentials);
    CHECK(log_in(*d, "bob@example.org", "new").state == login_state::accepted);
    CHECK(scram_works(*d, "bob@example.org", "new"));
    CHECK_FALSE(scram_works(*d, "bob@example.org", "old"));

    // Back to the old one, by another process: what was remembered of it long ago must not hold.
    REQUIRE(other->set_password("bob@example.org", secret{"third"}));
    CHECK(eventually([&] { return log_in(*d, "bob@example.org", "new").state == login_state::bad_credentials; }));
    CHECK(log_in(*d, "bob@example.org", "third").state == login_state::accepted);
}

TEST_CASE("passwords that can't be are refused when set")
{
    folder where;
    auto d = open(where, {"example.org"});
    for (auto const& bad : {std::string{}, std::string(256, 'x'), std::string("a\0b", 3)})
        CHECK_FALSE(d->add_account(address("bob@example.org"), secret{bad}));
    REQUIRE(d->add_account(address("bob@example.org"), secret{std::string(255, 'x')}));
    CHECK_FALSE(d->set_password("bob@example.org", secret{}));
    CHECK(log_in(*d, "bob@example.org", std::string(255, 'x')).state == login_state::accepted);
}

TEST_CASE("standard 27: it is recorded in which form a password matched")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("own@example.org"), secret{"p\xc3\xa4\xc2\xa7s\xe2\x82\xac"}));
    CHECK(log_in(*d, "own@example.org", "pa\xcc\x88\xc2\xa7s\xe2\x82\xac").cause ==
          "verified, password matched as prepared");
    CHECK(log_in(*d, "own@example.org", "p\xe4\xa7s\x80").cause == "verified, password matched as latin1");
    CHECK(log_in(*d, "own@example.org", "p\xe4\xa7s\x81").cause == "wrong password");
    CHECK(scram_works(*d, "own@example.org", "pa\xcc\x88\xc2\xa7s\xe2\x82\xac"));

    // Hashes from elsewhere: of decomposed UTF-8, and of Latin-1.
    import(*d,
           "nfd@example.org:$6$rounds=1000$x$xsAGYMCJvSik9f8Tm3CZp6oXY1UA9Ikq5eg4UskI7H1blH12W.dKNwhZwNdwmYc/"
           "YqiPmCZMTA8vIXPBe2UQa1\nlatin@example.org:$6$rounds=1000$x$D60boMJo4sm0nsoxzOv6boL/R/"
           "AePGGR4WgZdExKhqALxbS6mHRkFG4Nmk.JnhRIVuvH4AjjxhKceOwhDa5Sp1\n");
    CHECK(log_in(*d, "nfd@example.org", "pa\xcc\x88ss").cause == "verified, password matched as raw");
    CHECK(log_in(*d, "latin@example.org", "p\xc3\xa4ss").cause == "verified, password matched as latin1");
    CHECK(log_in(*d, "latin@example.org", "p\xe4ss").cause == "verified, password matched as raw");
}

TEST_CASE("standards 36 and 37: SCRAM keys of unknown names look like real ones and stay the same")
{
    folder where;
    std::string salt;
    {
        auto d = open(where, {"example.org"});
        REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
        auto const real = *d->scram("bob@example.org", hash::sha256);
        auto const made_up = *d->scram("alice@example.org", hash::sha256);
        CHECK(real.real);
        CHECK(real.iterations >= 4096);
        CHECK_FALSE(made_up.real);
        CHECK(made_up.iterations == real.iterations);
        CHECK(made_up.salt.size() == real.salt.size());
        CHECK(made_up.stored_key.size() == real.stored_key.size());
        salt = made_up.salt;
        CHECK((*d->scram("ALICE@example.org", hash::sha256)).salt == salt);
        CHECK((*d->scram("alicf@example.org", hash::sha256)).salt != salt);
        CHECK((*d->scram("not an address", hash::sha256)).salt == (*d->scram("Not an address", hash::sha256)).salt);
        CHECK_FALSE(scram_works(*d, "alice@example.org", "sesame"));
        CHECK(scram_works(*d, "bob@example.org", "sesame"));
        CHECK_FALSE(scram_works(*d, "bob@example.org", "wrong"));
    }
    auto d = open(where, {"example.org"});
    CHECK((*d->scram("alice@example.org", hash::sha256)).salt == salt);
    folder elsewhere;
    CHECK((*open(elsewhere, {})->scram("alice@example.org", hash::sha256)).salt != salt);
}

TEST_CASE("an imported hash gets SCRAM keys after its first PLAIN log-in, and its salt does not change by it")
{
    folder where;
    auto d = open(where, {"example.org"});
    import(*d, std::string{"bob@example.org:"} + sha512 + "\n");
    auto const before = *d->scram("bob@example.org", hash::sha256);
    CHECK_FALSE(before.real);
    CHECK(std::string{before.note}.find("no SCRAM keys yet") != std::string::npos);
    CHECK_FALSE(scram_works(*d, "bob@example.org", "sesame"));
    CHECK(log_in(*d, "bob@example.org", "wrong").state == login_state::bad_credentials);
    CHECK_FALSE((*d->find_account("bob@example.org"))->has_scram());
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
    CHECK(eventually([&] { return (*d->find_account("bob@example.org"))->has_scram(); }));
    CHECK((*d->scram("bob@example.org", hash::sha256)).salt == before.salt);
    CHECK(scram_works(*d, "bob@example.org", "sesame"));
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
}

TEST_CASE("the same log-in many times at once is hashed once")
{
    folder where;
    auto d = open(where, {"example.org"}, 1);
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    std::mutex lock;
    std::condition_variable all;
    int answers = 0;
    int accepted = 0;
    auto const begun = std::chrono::steady_clock::now();
    for (int i = 0; i < 1000; ++i) {  // more than may wait for a hash
        d->verify_password("bob@example.org", "", secret{"sesame"}, [&](result<login> l) {
            std::lock_guard guard{lock};
            ++answers;
            accepted += l && l->state == login_state::accepted;
            all.notify_all();
        });
    }
    std::unique_lock guard{lock};
    CHECK(all.wait_for(guard, std::chrono::seconds{30}, [&] { return answers == 1000; }));
    CHECK(accepted == 1000);
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds{10});
}

TEST_CASE("a full queue says unavailable, never wrong password, and names without failures go first")
{
    folder where;
    options o;
    o.folder = where.path();
    o.hash_threads = 1;
    o.hash_queue = 4;
    auto opened = open_embedded(o);
    REQUIRE(opened);
    auto& d = **opened;
    REQUIRE(d.add_account(address("bob@example.org"), secret{"sesame"}));
    for (auto name : {"evil@example.org", "bob@example.org"})
        CHECK(log_in(d, name, "first").state == login_state::bad_credentials);

    std::mutex lock;
    std::condition_variable all;
    int answers = 0;
    int unavailable = 0;
    int refused = 0;
    std::vector<std::string> order;
    auto ask = [&](std::string const& name, std::string const& password) {
        d.verify_password(name, "", secret{password}, [&, name](result<login> l) {
            std::lock_guard guard{lock};
            ++answers;
            if (!l) {
                CHECK(l.error().code == status{4, 7, 0});
                ++unavailable;
            } else {
                refused += l->state == login_state::bad_credentials;
                order.push_back(name);
            }
            all.notify_all();
        });
    };
    for (int i = 0; i < 20; ++i) ask("evil@example.org", "guess " + std::to_string(i));
    ask("clean@example.org", "x");
    std::unique_lock guard{lock};
    REQUIRE(all.wait_for(guard, std::chrono::seconds{30}, [&] { return answers == 21; }));
    CHECK(unavailable >= 15);
    CHECK(refused + unavailable == 21);
    // The clean one made a suspect leave, and overtook those that waited.
    auto const clean = std::find(order.begin(), order.end(), "clean@example.org");
    REQUIRE(clean != order.end());
    CHECK(clean - order.begin() <= 2);
}

TEST_CASE("what was asked is answered when the directory goes")
{
    folder where;
    std::atomic<int> answers{0};
    {
        auto d = open(where, {"example.org"}, 1);
        for (int i = 0; i < 50; ++i)
            d->verify_password("bob@example.org", "", secret{std::to_string(i)},
                               [&](result<login> const&) { ++answers; });
    }
    CHECK(answers == 50);
}

TEST_CASE("standard 22: unknown names are checked against the scheme that most accounts have")
{
    folder where;
    auto d = open(where, {"example.org"}, 1);
    std::string lines;
    for (int i = 0; i < 20; ++i) lines += "user" + std::to_string(i) + "@example.org:" + sha512 + "\n";
    std::vector<std::string> problems;
    REQUIRE(d->import_accounts(lines, problems));
    REQUIRE(d->add_account(address("own@example.org"), secret{"x"}));
    auto const measure = [&](std::string const& name, int turn) {
        auto const begun = std::chrono::steady_clock::now();
        CHECK(log_in(*d, name, "wrong" + std::to_string(turn)).state == login_state::bad_credentials);
        return static_cast<double>((std::chrono::steady_clock::now() - begun).count());
    };
    // In turns, and the least of many: the machine is not ours alone. A difference in
    // work would be there in every attempt.
    bool alike = false;
    for (int attempt = 0; attempt < 5 && !alike; ++attempt) {
        double known = 1e12;
        double unknown = 1e12;
        for (int i = 0; i < 20; ++i) {
            std::string const number = std::to_string(i);
            known = std::min(known, measure("user" + number + "@example.org", attempt));
            unknown = std::min(unknown, measure("nobody" + number + "@example.org", attempt));
        }
        alike = known / unknown < 1.5 && unknown / known < 1.5;
    }
    CHECK(alike);
}
