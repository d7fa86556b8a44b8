#include "guard/conduct.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::guard;
using namespace std::chrono_literals;

namespace {

struct world {
    config::guard_settings s;
    steady_time const start{1h};
    conduct_book::moment now{start, wall_time{} + 1'800'000'000s};
    conduct_book b{start, 1600};

    world()
    {
        s.suspicious_new_recipients = 100;
        s.suspicious_networks = 10;
        s.suspicious_bounces = 20;
    }
    std::optional<conduct_report> send(std::uint32_t fresh, std::string const& from = "192.0.2.1",
                                       std::string_view account = "ann@example.com")
    {
        return b.on_message(s, account, *ip_address::parse(from), fresh, now);
    }
    void wait(std::chrono::minutes by)
    {
        now.at += by;
        now.wall += by;
    }
};

constexpr char const* ann = "ann@example.com";

}  // namespace

TEST_CASE("Many new recipients: a warning, then held, then off, each once")
{
    world w;
    CHECK_FALSE(w.send(80));
    auto const warned = w.send(10);  // with one network of ten
    REQUIRE(warned);
    CHECK(warned->now == conduct::warned);
    CHECK(warned->new_recipients == 90);
    CHECK(warned->networks == 1);
    CHECK(warned->account == ann);
    CHECK(warned->since == w.now.wall);
    CHECK_FALSE(w.send(99));
    CHECK(w.send(1)->now == conduct::held);
    CHECK(w.b.of(ann) == conduct::held);
    CHECK_FALSE(w.send(100));
    CHECK(w.send(100)->now == conduct::off);
    CHECK_FALSE(w.send(1000));
    CHECK(w.b.of(ann) == conduct::off);
    CHECK(w.b.of("bob@example.com") == conduct::fine);
}

TEST_CASE("Each step comes by itself, however much there is at once")
{
    world w;
    CHECK(w.send(100'000)->now == conduct::warned);
    CHECK(w.send(0)->now == conduct::held);
    CHECK(w.send(0)->now == conduct::off);
}

TEST_CASE("Many networks at once, and bounces")
{
    world w;
    std::optional<conduct_report> r;
    for (int i = 0; i < 9; ++i)
        CHECK_FALSE(w.b.on_login(w.s, ann, *ip_address::parse("10.0." + std::to_string(i) + ".1"), w.now));
    CHECK_FALSE(w.b.on_login(w.s, ann, *ip_address::parse("10.0.0.200"), w.now));
    CHECK(w.b.on_login(w.s, ann, *ip_address::parse("10.0.9.1"), w.now)->now == conduct::warned);
    CHECK_FALSE(w.b.on_bounces(w.s, ann, 19, w.now));
    CHECK(w.b.on_bounces(w.s, ann, 1, w.now)->now == conduct::held);
    CHECK_FALSE(w.b.on_login(w.s, "bob@example.com", *ip_address::parse("2001:db8:1::1"), w.now));
    CHECK_FALSE(w.b.on_login(w.s, "bob@example.com", *ip_address::parse("2001:db8:1:2::1"), w.now));
    CHECK(w.b.list(w.s, w.now.at).size() == 1);
}

TEST_CASE("After an hour what was counted is old; a step stays")
{
    world w;
    CHECK_FALSE(w.send(80));
    w.wait(70min);
    CHECK_FALSE(w.send(80));
    w.wait(30min);
    CHECK(w.send(10));
    w.wait(24h * 60);
    CHECK(w.b.of(ann) == conduct::warned);
    CHECK_FALSE(w.send(80));
    for (int i = 0; i < 100; ++i) {
        w.wait(10min);
        CHECK_FALSE(w.send(10, "192.0.2.1", "slow@example.com"));
    }
}

TEST_CASE("Lifted, it begins anew")
{
    world w;
    w.send(500);
    w.send(0);
    w.send(0);
    CHECK(w.b.take_changes().size() == 1);
    CHECK(w.b.lift(ann) == conduct::off);
    CHECK(w.b.lift(ann) == conduct::fine);
    CHECK(w.b.of(ann) == conduct::fine);
    auto const changes = w.b.take_changes();
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].now == conduct::fine);
    CHECK_FALSE(w.send(50));
}

TEST_CASE("Trusted accounts and switched-off signals are not judged")
{
    world w;
    w.s.trusted_accounts = {ann, "@lists.example.com"};
    CHECK_FALSE(w.send(100'000));
    CHECK_FALSE(w.send(100'000, "192.0.2.1", "news@lists.example.com"));
    CHECK(w.send(100'000, "192.0.2.1", "news@example.com"));
    w.s.trusted_accounts.clear();
    w.s.suspicious_new_recipients = 0;
    CHECK_FALSE(w.send(100'000));
    w.s.suspicious_new_recipients = 1;
    w.s.watch_accounts = false;
    CHECK_FALSE(w.send(100'000));
}

TEST_CASE("Steps survive in storage, and memory is bounded")
{
    world w;
    w.send(500);
    w.send(0);
    auto const changes = w.b.take_changes();
    REQUIRE(changes.size() == 1);
    conduct_book after{w.start};
    after.put_in(changes[0]);
    CHECK(after.of(ann) == conduct::held);
    CHECK(after.take_changes().empty());
    for (int i = 0; i < 20'000; ++i) w.send(60, "192.0.2.1", "u" + std::to_string(i) + "@example.com");
    CHECK(w.b.list(w.s, w.now.at).size() <= 1600);
    CHECK(w.b.of(ann) == conduct::held);
}
