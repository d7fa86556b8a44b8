#include "guard/keeper.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <string>

using namespace postern;
using namespace postern::guard;
using namespace std::chrono_literals;

namespace {

// A keeper with a clock that only the test moves.
struct world {
    config::guard_settings s;
    steady_time const start{1h};
    steady_time now = start;
    keeper k{start, {1u << 12, 1u << 12, 1u << 10, 1u << 10}};

    static ip_address ip(std::string const& text) { return *ip_address::parse(text); }
    failure fail(std::string const& from, std::string const& account, std::string const& secret)
    {
        return k.on_failure(s, ip(from), account, k.fingerprint(account_key(account), secret), now);
    }
    failure fail_in_outage(std::string const& from, std::string const& account, std::string const& secret)
    {
        auto const print = secret.empty() ? 0 : k.fingerprint(account_key(account), secret);
        return k.on_failure(s, ip(from), account, print, now, proof::unsure);
    }
    failure fail_unseen(std::string const& from, std::string const& account)
    {
        return k.on_failure(s, ip(from), account, 0, now);
    }
    /// Different secrets.
    void guess(std::string const& from, std::string const& account, int times, int first = 0)
    {
        for (int i = 0; i < times; ++i) fail(from, account, "guess " + std::to_string(first + i));
    }
    void succeed(std::string const& from, std::string const& account) { k.on_success(s, ip(from), account, now); }
    bool connects(std::string const& from, bool earned = true)
    {
        return !k.at_connect(s, ip(from), earned, now).refused();
    }
    bool logs_in(std::string const& from, std::string const& account)
    {
        return !k.at_login(s, ip(from), account, now).refused();
    }
};

constexpr char const* ann = "ann@example.com";
constexpr char const* bob = "bob@example.com";

}  // namespace

TEST_CASE("The same wrong secret again and again is slowed, and nobody is refused for it")
{
    world w;
    for (int i = 0; i < 10'000; ++i) {
        auto const f = w.fail("192.0.2.1", ann, "last year's");
        CHECK(f.refusals.empty());
        CHECK(f.repeated == (i > 0));
        CHECK(f.wait <= w.s.longest_delay);
        if (i <= 3) CHECK(f.wait == 0ms);
        if (i == 5) CHECK(f.wait == 2s);
        if (i >= 30) CHECK(f.wait == w.s.longest_delay);
        w.now += 30s;
    }
    CHECK(w.connects("192.0.2.1"));
    CHECK(w.logs_in("192.0.2.1", ann));
    CHECK(w.logs_in("192.0.2.1", bob));
    CHECK(w.logs_in("192.0.2.9", ann));
    CHECK(w.k.list(w.s, 10, w.now).front().repeats == 255);
}

TEST_CASE("The owner hears of a forgotten device, but not of what strangers try")
{
    world w;
    auto const heard = [&](char const* from, char const* account, std::string const& secret) {
        unsigned count = 0;
        for (int i = 0; i < 10; ++i) count += w.fail(from, account, secret).forgotten_device;
        return count;
    };
    CHECK(heard("192.0.2.1", ann, "old") == 0);  // ann never logged in there
    w.succeed("192.0.2.2", ann);
    CHECK(heard("192.0.2.2", ann, "old") > 0);
    CHECK(heard("192.0.2.2", bob, "old") == 0);
    // The first repetitions may be somebody's fingers.
    w.succeed("192.0.2.3", ann);
    for (int i = 0; i < 6; ++i) CHECK_FALSE(w.fail("192.0.2.3", ann, "old").forgotten_device);
    CHECK(w.fail("192.0.2.3", ann, "old").forgotten_device);
}

TEST_CASE("Three forgotten devices at one place take turns and are no attack")
{
    world w;
    for (int i = 0; i < 300; ++i) {
        w.fail("192.0.2.1", ann, "old");
        w.fail("192.0.2.1", ann, "older");
        w.fail("192.0.2.1", bob, "oldest");
    }
    CHECK(w.connects("192.0.2.1"));
    CHECK(w.logs_in("192.0.2.1", ann));
}

TEST_CASE("Different secrets wait ever longer, then are refused for a time that doubles")
{
    world w;
    std::vector<std::chrono::milliseconds> waits;
    for (int i = 0; i < 19; ++i) waits.push_back(w.fail("192.0.2.1", ann, std::to_string(i)).wait);
    CHECK(waits[4] == 0ms);  // the fifth point
    CHECK(waits[5] == 1s);
    CHECK(waits[6] == 2s);
    CHECK(waits[7] == 4s);
    CHECK(waits[18] == 20s);
    CHECK(w.connects("192.0.2.1"));

    auto const last = w.fail("192.0.2.1", ann, "19");
    REQUIRE(last.refusals.size() == 1);
    CHECK(last.refusals[0].why == reason::place);
    CHECK(last.refusals[0].what == "192.0.2.1");
    CHECK(last.refusals[0].time == 15min);
    CHECK(last.refusals[0].accounts == 1);
    CHECK_FALSE(w.connects("192.0.2.1"));
    CHECK_FALSE(w.logs_in("192.0.2.1", ann));
    CHECK_FALSE(w.logs_in("192.0.2.1", bob));
    CHECK(w.connects("192.0.2.2"));
    CHECK(w.connects("192.0.2.1", false));  // a port where nobody has to log in
    CHECK(w.k.at_connect(w.s, world::ip("192.0.2.1"), true, w.now).left == 15min);

    w.now += 15min + 1s;
    CHECK(w.connects("192.0.2.1"));
    auto const again = w.fail("192.0.2.1", ann, "20");
    REQUIRE(again.refusals.size() == 1);
    CHECK(again.refusals[0].time == 30min);
    for (int i = 0; i < 20; ++i) {
        w.now += 2 * 86400s + 1s;
        w.guess("192.0.2.1", ann, 20, 1000 + 20 * i);
    }
    CHECK(w.k.at_login(w.s, world::ip("192.0.2.1"), ann, w.now).left == 15min);  // two quiet days: from the start
}

TEST_CASE("Many accounts are an attack, with one secret too")
{
    world w;
    failure f;
    for (int i = 0; i < 20; ++i) f = w.fail("192.0.2.1", "user" + std::to_string(i) + "@example.com", "Summer2026");
    REQUIRE(f.refusals.size() == 1);
    CHECK(f.refusals[0].accounts > 10);
    CHECK_FALSE(w.connects("192.0.2.1"));
}

TEST_CASE("Some seconds between guesses change nothing")
{
    world w;
    for (int i = 0; i < 20; ++i) {
        w.now += 1s;
        w.guess("192.0.2.1", ann, 1, i);
    }
    CHECK_FALSE(w.connects("192.0.2.1"));
}

TEST_CASE("Points halve with time")
{
    world w;
    w.guess("192.0.2.1", ann, 16);
    w.now += 1h;
    CHECK(w.k.list(w.s, 1, w.now).at(0).points == doctest::Approx(8));
    w.now += 24h;
    CHECK(w.k.list(w.s, 1, w.now).empty());
    CHECK(w.fail("192.0.2.1", ann, "x").wait == 0ms);
}

TEST_CASE("A place from which the account logged in stays open for it, and for it alone")
{
    world w;
    w.succeed("192.0.2.1", ann);
    w.guess("192.0.2.1", bob, 40);
    CHECK(w.connects("192.0.2.1"));  // somebody belongs there
    CHECK(w.logs_in("192.0.2.1", ann));
    CHECK(w.logs_in("192.0.2.1", "Ann@Example.com"));
    CHECK_FALSE(w.logs_in("192.0.2.1", bob));
    w.now += w.s.protect_time + 1s;
    w.guess("192.0.2.1", bob, 40, 100);
    CHECK_FALSE(w.connects("192.0.2.1"));
    CHECK_FALSE(w.logs_in("192.0.2.1", ann));
}

TEST_CASE("Many networks against one account don't lock its owner out")
{
    world w;
    w.succeed("198.51.100.7", ann);
    std::size_t refusals = 0;
    for (int i = 0; i < 200; ++i)
        refusals += w.fail("10." + std::to_string(i) + ".0.1", ann, "guess " + std::to_string(i)).refusals.size();
    CHECK(refusals == 1);
    CHECK_FALSE(w.logs_in("203.0.113.1", ann));
    CHECK(w.logs_in("203.0.113.1", bob));
    CHECK(w.logs_in("198.51.100.7", ann));
    CHECK(w.connects("203.0.113.1"));
    // The owner mistypes: no longer wait than in quiet times.
    CHECK(w.fail("198.51.100.7", ann, "typo").wait == 0ms);
    CHECK(w.logs_in("198.51.100.7", ann));
}

TEST_CASE("Names that nobody has are treated like all others")
{
    world known, unknown;
    for (int i = 0; i < 150; ++i) {
        auto const from = "10." + std::to_string(i) + ".0.1";
        auto const a = known.fail(from, ann, std::to_string(i));
        auto const b = unknown.fail(from, "no-such@example.com", std::to_string(i));
        CHECK(a.wait == b.wait);
        CHECK(a.refusals.size() == b.refusals.size());
    }
    CHECK_FALSE(unknown.logs_in("203.0.113.1", "no-such@example.com"));
}

TEST_CASE("An IPv6 /64 is one place, and a /48 or /24 is refused when many of its places guess")
{
    world w;
    for (int i = 0; i < 20; ++i) w.fail("2001:db8:1:2::" + std::to_string(i + 1), ann, std::to_string(i));
    CHECK_FALSE(w.connects("2001:db8:1:2:ffff::1"));
    CHECK(w.connects("2001:db8:1:3::1"));
    CHECK(w.k.list(w.s, 1, w.now).at(0).what == "2001:db8:1:2::/64");

    w.succeed("192.0.2.250", bob);
    for (int i = 0; i < 100; ++i)
        w.fail("192.0.2." + std::to_string(i + 1), "u" + std::to_string(i) + "@example.com", std::to_string(i));
    CHECK_FALSE(w.connects("192.0.2.200"));
    CHECK(w.k.at_connect(w.s, world::ip("192.0.2.200"), true, w.now).what == "192.0.2.0/24");
    CHECK(w.connects("192.0.2.250"));
    CHECK(w.logs_in("192.0.2.250", bob));
    CHECK_FALSE(w.logs_in("192.0.2.250", ann));
    CHECK(w.connects("192.0.3.200"));
}

TEST_CASE("Secrets that nobody saw are slowed first, and count when they go on")
{
    world w;
    for (int i = 0; i < 10; ++i) CHECK(w.fail_unseen("192.0.2.1", ann).refusals.empty());
    CHECK(w.k.list(w.s, 1, w.now).at(0).points == doctest::Approx(1));
    for (int i = 0; i < 25; ++i) w.fail_unseen("192.0.2.1", ann);
    CHECK_FALSE(w.logs_in("192.0.2.1", ann));
}

TEST_CASE("200 attackers don't put an honest user behind their work")
{
    // What a log-in costs is a check of a hash; one thread makes them one after the other.
    world w;
    w.succeed("198.51.100.7", ann);
    std::deque<int> pending;  // checks that wait; each is answered, wrong, before the next round
    int checked = 0, honest = 0;
    for (int round = 0; round < 500; ++round) {
        for (int a = 0; a < 200; ++a) {
            auto const from = "10.0." + std::to_string(a) + ".1";
            // At a thousand accounts or at hers alone.
            auto const name = round % 2 == 0 ? ann : "u" + std::to_string(round) + "@example.com";
            if (w.connects(from) && w.logs_in(from, name)) pending.push_back(a);
        }
        REQUIRE(w.connects("198.51.100.7"));
        REQUIRE(w.logs_in("198.51.100.7", ann));
        if (round >= 100 && pending.empty()) ++honest;  // nobody is before her
        for (; !pending.empty(); pending.pop_front()) {
            auto const a = pending.front();
            w.fail("10.0." + std::to_string(a) + ".1",
                   round % 2 == 0 ? ann : "u" + std::to_string(round) + "@example.com",
                   std::to_string(round * 200 + a));
            ++checked;
        }
        w.succeed("198.51.100.7", ann);
    }
    CHECK(checked <= 200 * 20);
    CHECK(honest == 400);
}

TEST_CASE("The operator's lists: the longest prefix decides, and allowed networks leave no trace")
{
    world w;
    w.s.deny = {*network::parse("192.0.2.0/24")};
    w.s.allow = {*network::parse("192.0.2.7")};
    CHECK_FALSE(w.connects("192.0.2.1"));
    CHECK_FALSE(w.connects("192.0.2.1", false));
    CHECK(w.connects("192.0.2.7"));
    w.guess("192.0.2.7", ann, 500);
    CHECK(w.logs_in("192.0.2.7", ann));
    CHECK(w.k.list(w.s, 10, w.now).empty());

    w.k.set_lists({{*network::parse("192.0.2.7")}, {*network::parse("192.0.2.0/28")}});
    CHECK_FALSE(w.connects("192.0.2.7"));  // as long as the one that allows
    CHECK(w.connects("192.0.2.1"));
    CHECK_FALSE(w.connects("192.0.2.99"));
    w.k.set_lists({});
    CHECK_FALSE(w.connects("192.0.2.1"));
}

TEST_CASE("Switched off, nothing is counted or refused but what the operator denies")
{
    world w;
    w.guess("192.0.2.1", ann, 50);
    w.s.enabled = false;
    CHECK(w.connects("192.0.2.1"));
    CHECK(w.logs_in("192.0.2.1", ann));
    CHECK(w.fail("192.0.2.1", ann, "x").wait == 0ms);
    w.s.deny = {*network::parse("192.0.2.1")};
    CHECK_FALSE(w.connects("192.0.2.1"));
}

TEST_CASE("What is held against a network or an account can be lifted")
{
    world w;
    w.succeed("192.0.2.1", ann);
    w.guess("192.0.2.1", bob, 30);
    w.guess("192.0.2.2", bob, 30);
    for (int i = 0; i < 120; ++i) w.fail("10." + std::to_string(i) + ".0.1", bob, std::to_string(i));
    CHECK_FALSE(w.logs_in("203.0.113.1", bob));
    CHECK(w.k.lift("BOB@example.com") == 1);
    CHECK(w.logs_in("203.0.113.1", bob));
    CHECK(w.k.lift("BOB@example.com") == 0);

    CHECK_FALSE(w.connects("192.0.2.2"));
    CHECK(w.k.lift(*network::parse("192.0.2.0/24")) == 3);  // both, and the network itself
    CHECK(w.connects("192.0.2.2"));
    CHECK(w.logs_in("192.0.2.1", bob));
    // The success is not forgotten.
    w.guess("192.0.2.1", bob, 30, 1000);
    CHECK(w.logs_in("192.0.2.1", ann));
    CHECK_FALSE(w.logs_in("192.0.2.1", bob));
}

TEST_CASE("Memory is bounded, and what is refused or succeeded goes last")
{
    world w;
    w.succeed("198.51.100.7", ann);
    w.guess("198.51.100.8", bob, 20);
    for (int i = 0; i < 200'000; ++i) {
        auto const from =
            "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255);
        w.fail(from, "u" + std::to_string(i) + "@example.com", "x");
    }
    auto const f = w.k.count();
    CHECK(f.places <= 4096);
    CHECK(f.networks <= 4096);
    CHECK(f.accounts <= 1024);
    CHECK(f.evicted > 0);
    CHECK(f.octets < 1u << 20);
    CHECK_FALSE(w.connects("198.51.100.8"));
    CHECK(w.logs_in("198.51.100.7", ann));
    CHECK(w.k.list(w.s, 5, w.now).size() == 5);
    CHECK(w.k.list(w.s, 5, w.now).front().refused_for > 0s);
}

TEST_CASE("Fingerprints tell secrets apart, and depend on the account and the process")
{
    fingerprinter const a, b;
    CHECK(a.of_secret(ann, "x") == a.of_secret(ann, "x"));
    CHECK(a.of_secret(ann, "x") != a.of_secret(ann, "y"));
    CHECK(a.of_secret(ann, "x") != a.of_secret(bob, "x"));
    CHECK(a.of_secret(ann, "x") != b.of_secret(ann, "x"));
    CHECK(a.of("12345678") != a.of(std::string_view{"12345678\0", 9}));
    CHECK(fingerprinter{std::string(32, 'k')}.of("x") == fingerprinter{std::string(32, 'k')}.of("x"));
}

TEST_CASE("In an outage only guesses at one account count, against the account, and where it is not known")
{
    // An office whose people all try again and again with what may be right.
    world w;
    for (int round = 0; round < 20; ++round)
        for (int i = 0; i < 200; ++i) {
            auto const f =
                w.fail_in_outage("192.0.2.1", "u" + std::to_string(i) + "@example.com", "right " + std::to_string(i));
            CHECK(f.refusals.empty());
            CHECK_FALSE(f.forgotten_device);
            CHECK(f.wait == 0ms);
            if (i % 20 == 19) w.now += 1min;
        }
    CHECK(w.connects("192.0.2.1"));
    // A device that comes again and again.
    for (int i = 0; i < 1000; ++i) CHECK(w.fail_in_outage("192.0.2.2", ann, "right").wait == 0ms);
    CHECK(w.logs_in("192.0.2.9", ann));
    // Somebody who guesses, with passwords that are seen, or not.
    for (char const* how : {"seen", ""}) {
        CAPTURE(how);
        world g;
        g.succeed("192.0.2.3", ann);
        bool waits = false, refused = false;
        for (int i = 0; i < 2 * static_cast<int>(g.s.account_refuse_after); ++i) {
            auto const f = g.fail_in_outage("198.51.100.1", ann, *how ? "guess " + std::to_string(i) : "");
            waits = waits || f.wait != 0ms;
            refused = refused || !f.refusals.empty();
        }
        CHECK(waits);
        CHECK(refused);
        CHECK_FALSE(g.logs_in("198.51.100.1", ann));
        CHECK_FALSE(g.logs_in("203.0.113.1", ann));
        // Not from where it is known, whatever is tried there.
        for (int i = 0; i < 500; ++i) CHECK(g.fail_in_outage("192.0.2.3", ann, "x" + std::to_string(i)).wait == 0ms);
        CHECK(g.logs_in("192.0.2.3", ann));
        CHECK(g.connects("198.51.100.1"));
    }
}

TEST_CASE("Nothing is held against an account that nobody named")
{
    world w;
    for (int i = 0; i < 1000; ++i) w.fail("192.0." + std::to_string(i % 250) + ".1", "", "guess " + std::to_string(i));
    CHECK(w.k.count().accounts == 0);
    CHECK(w.logs_in("198.51.100.1", ""));
}

TEST_CASE("What is held against a long name can be lifted by its id")
{
    world w;
    auto const name = std::string(60, 'a') + "@example.com";
    for (int i = 0; i < 200; ++i) w.fail("192." + std::to_string(i) + ".2.1", name, "guess " + std::to_string(i));
    REQUIRE_FALSE(w.logs_in("198.51.100.1", name));
    std::uint64_t id = 0;
    for (auto const& r : w.k.list(w.s, 1000, w.now))
        if (r.why == reason::account) id = r.id;
    REQUIRE(id != 0);
    CHECK(w.k.lift(id + 1) == 0);
    CHECK(w.k.lift(id) == 1);
    CHECK(w.logs_in("198.51.100.1", name));
}
