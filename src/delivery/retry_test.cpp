#include "delivery/retry.hpp"

#include <doctest/doctest.h>

#include "delivery/target.hpp"

using namespace postern::delivery;
using namespace std::chrono_literals;

TEST_CASE("waits follow each other from the arrival, and the last one repeats (67)")
{
    std::vector<std::chrono::seconds> const waits{5min, 10min, 1h};
    CHECK(next_wait(waits, 0s, 0.5) == 5min);
    CHECK(next_wait(waits, 5min, 0.5) == 10min);
    CHECK(next_wait(waits, 15min, 0.5) == 1h);
    CHECK(next_wait(waits, 100h, 0.5) == 1h);
    CHECK(next_wait({}, 0s, 0.5) == 5min);
    CHECK(next_wait({}, 100h, 0.5) == 4h);
    CHECK(next_wait({0s}, 0s, 0.5) == 1s);
}

TEST_CASE("waits are spread by a tenth, and a wait that was cut short still counts")
{
    std::vector<std::chrono::seconds> const waits{5min, 10min, 1h};
    CHECK(next_wait(waits, 0s, 0.0) == 270s);
    CHECK(next_wait(waits, 0s, 0.999999) > 329s);
    CHECK(next_wait(waits, 0s, 0.999999) <= 330s);
    // Every way through the spread goes on to the next wait.
    for (double a : {0.0, 0.3, 0.7, 0.999}) {
        auto const first = std::chrono::duration_cast<std::chrono::seconds>(next_wait(waits, 0s, a));
        CHECK(next_wait(waits, first, 0.5) == 10min);
        for (double b : {0.0, 0.3, 0.7, 0.999}) {
            auto const second = std::chrono::duration_cast<std::chrono::seconds>(next_wait(waits, first, b));
            CHECK(next_wait(waits, first + second, 0.5) == 1h);
        }
    }
}

TEST_CASE("a dead week is some fifty attempts, not thousands")
{
    std::chrono::seconds age{0};
    int attempts = 0;
    while (age < 24h * 5) {
        age += std::chrono::duration_cast<std::chrono::seconds>(next_wait({}, age, 0.5));
        ++attempts;
    }
    CHECK(attempts > 20);
    CHECK(attempts < 60);
}

TEST_CASE("targets are read, and print as they were")
{
    for (char const* text : {"maildir:/var/mail/%d/%n", "lmtp:127.0.0.1:24", "lmtp:unix:/run/dovecot/lmtp",
                             "smtp:relay.example:25", "lmtp:[::1]:24"}) {
        CAPTURE(text);
        auto const t = parse_local(text);
        REQUIRE(t);
        CHECK(t->to_string() == text);
    }
    CHECK(parse_smart_host("relay.example")->port == 25);
    CHECK(parse_smart_host("relay.example:587")->port == 587);
    CHECK(parse_smart_host("[2001:db8::1]:25")->host == "2001:db8::1");
    for (char const* text : {"", ":25", "a:b", "a:0", "a:65536", "a:25:26", "[x]:25", "[::1", "a b:25"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_smart_host(text));
    }
}
