#include "guard/sending.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace postern;
using namespace postern::guard;
using namespace std::chrono_literals;

namespace {

struct world {
    sending_book::limits l;
    wall_time now = wall_time{} + 1'800'000'000s;
    sending_book b{std::string(32, 'k'), 1024, 4096};

    static sending_book::sender who(std::string_view account, char const* from = "192.0.2.1")
    {
        return {account, *ip_address::parse(from)};
    }
    sending_book::taken send(std::string_view account, std::vector<std::string> to = {"bob@example.net"},
                             char const* from = "192.0.2.1")
    {
        return b.take(l, who(account, from), to, now);
    }
    config::sending_limit& row(config::limit_scope per, std::string match = {})
    {
        l.push_back({});
        l.back().per = per;
        l.back().match = std::move(match);
        return l.back();
    }
};

constexpr auto account = config::limit_scope::account;
constexpr char const* ann = "ann@example.com";

std::vector<std::string> many(int count, int first = 0)
{
    std::vector<std::string> out;
    for (int i = 0; i < count; ++i) out.push_back("r" + std::to_string(first + i) + "@example.net");
    return out;
}

}  // namespace

TEST_CASE("Messages are counted by the hour, and the hour begins with the first")
{
    world w;
    w.row(account).messages_per_hour = 3;
    auto const first = w.now;
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(w.send(ann).refused);
        w.now += 10min;
    }
    auto const t = w.send(ann);
    REQUIRE(t.refused);
    CHECK(t.refused->scope == scope::account);
    CHECK(t.refused->who == ann);
    CHECK(t.refused->measure == measure::messages_per_hour);
    CHECK(t.refused->used == 3);
    CHECK(t.refused->limit == 3);
    CHECK(t.refused->resets == first + 1h);
    CHECK_FALSE(w.send("bob@example.com").refused);
    w.now = first + 1h;
    CHECK_FALSE(w.send(ann).refused);
}

TEST_CASE("What is refused is not counted")
{
    world w;
    w.row(account).recipients_per_day = 10;
    CHECK_FALSE(w.send(ann, many(8)).refused);
    CHECK(w.send(ann, many(3)).refused);
    CHECK_FALSE(w.send(ann, many(2)).refused);
    CHECK(w.send(ann, many(1)).refused);
    w.now += 24h;
    CHECK_FALSE(w.send(ann, many(10)).refused);
}

TEST_CASE("Each limit holds for itself")
{
    struct {
        std::uint32_t config::sending_limit::*limit;
        measure what;
        std::chrono::hours length;
    } const table[] = {
        {&config::sending_limit::messages_per_hour, measure::messages_per_hour, 1h},
        {&config::sending_limit::messages_per_day, measure::messages_per_day, 24h},
        {&config::sending_limit::recipients_per_hour, measure::recipients_per_hour, 1h},
        {&config::sending_limit::recipients_per_day, measure::recipients_per_day, 24h},
        {&config::sending_limit::new_recipients_per_day, measure::new_recipients_per_day, 24h},
    };
    for (auto const& row : table) {
        world w;
        w.row(account).*row.limit = 2;
        CHECK_FALSE(w.send(ann, many(1, 0)).refused);
        CHECK_FALSE(w.send(ann, many(1, 1)).refused);
        auto const t = w.send(ann, many(1, 2));
        REQUIRE(t.refused);
        CHECK(t.refused->measure == row.what);
        CHECK(t.refused->resets == w.now + row.length);
        w.now += row.length;
        CHECK_FALSE(w.send(ann, many(1, 3)).refused);
    }
}

TEST_CASE("A recipient is new once")
{
    world w;
    w.row(account).new_recipients_per_day = 3;
    CHECK(w.send(ann, many(3)).new_recipients == 3);
    CHECK(w.send(ann, many(3)).new_recipients == 0);
    CHECK(w.send(ann, many(1, 3)).refused);
    CHECK_FALSE(w.b.knows(ann, "r3@example.net"));
    CHECK(w.b.knows(ann, "r0@example.net"));
    CHECK_FALSE(w.b.knows("bob@example.com", "r0@example.net"));
    CHECK(w.send("bob@example.com", many(1)).new_recipients == 1);
}

TEST_CASE("The nearest row holds")
{
    world w;
    w.row(account).messages_per_hour = 1;
    w.row(account, "@example.com").messages_per_hour = 2;
    w.row(account, ann).messages_per_hour = 3;
    auto const sends = [&](std::string_view name) {
        int n = 0;
        while (!w.send(name).refused) ++n;
        return n;
    };
    CHECK(sends(ann) == 3);
    CHECK(sends("bob@example.com") == 2);
    CHECK(sends("bob@example.org") == 1);
}

TEST_CASE("Accounts of a domain share its limit, clients of an address theirs")
{
    world w;
    w.row(config::limit_scope::domain).messages_per_hour = 2;
    CHECK_FALSE(w.send(ann).refused);
    CHECK_FALSE(w.send("bob@example.com").refused);
    auto const t = w.send("eve@example.com");
    REQUIRE(t.refused);
    CHECK(t.refused->who == "example.com");
    CHECK_FALSE(w.send("ann@example.org").refused);

    w.l.clear();
    w.row(config::limit_scope::network, "2001:db8::/32").messages_per_hour = 1;
    CHECK_FALSE(w.send(ann, many(1), "2001:db8:1:2::1").refused);
    auto const same = w.send("", many(1), "2001:db8:1:2::2");
    REQUIRE(same.refused);
    CHECK(same.refused->who == "2001:db8:1:2::/64");
    CHECK_FALSE(w.send(ann, many(1), "2001:db8:1:3::2").refused);
    CHECK_FALSE(w.send(ann, many(1), "192.0.2.1").refused);
}

TEST_CASE("Four fifths of a limit are told once a period")
{
    world w;
    w.row(account).messages_per_hour = 10;
    for (int i = 0; i < 7; ++i) CHECK(w.send(ann).nearly.empty());
    auto const t = w.send(ann);
    REQUIRE(t.nearly.size() == 1);
    CHECK(t.nearly[0].used == 8);
    CHECK(t.nearly[0].limit == 10);
    CHECK(w.send(ann).nearly.empty());
    w.now += 1h;
    for (int i = 0; i < 7; ++i) CHECK(w.send(ann).nearly.empty());
    CHECK(w.send(ann).nearly.size() == 1);
}

TEST_CASE("Looking ahead counts nothing")
{
    world w;
    w.row(account).recipients_per_hour = 5;
    CHECK_FALSE(w.b.over(w.l, world::who(ann), 1, 5, 5, w.now));
    CHECK(w.b.over(w.l, world::who(ann), 1, 6, 6, w.now));
    CHECK_FALSE(w.send(ann, many(5)).refused);
    CHECK(w.b.over(w.l, world::who(ann), 1, 1, 0, w.now));
    CHECK_FALSE(w.b.over(w.l, world::who(ann), 1, 0, 0, w.now));
}

TEST_CASE("What did not become ours is given back")
{
    world w;
    w.row(account).recipients_per_hour = 5;
    CHECK_FALSE(w.send(ann, many(5)).refused);
    w.b.give_back(w.l, world::who(ann), 5, w.now);
    CHECK_FALSE(w.send(ann, many(5)).refused);
    CHECK(w.send(ann, many(1)).refused);
}

TEST_CASE("What changed can be taken out and put back in elsewhere")
{
    world w;
    w.row(account).messages_per_day = 3;
    w.row(config::limit_scope::domain).messages_per_day = 100;
    w.send(ann, many(2));
    w.send(ann, many(2));
    auto const changes = w.b.take_changes(100);
    CHECK(changes.counters.size() == 2);
    CHECK(changes.known.size() == 2);
    CHECK(w.b.take_changes(100).empty());

    sending_book after{std::string(32, 'k')};
    for (auto const& r : changes.counters) after.put_in(r);
    for (auto const& r : changes.known) after.put_in(r);
    CHECK(after.take_changes(100).empty());
    CHECK(after.knows(ann, "r1@example.net"));
    CHECK_FALSE(after.take(w.l, world::who(ann), many(1), w.now).refused);
    CHECK(after.take(w.l, world::who(ann), many(1), w.now).refused);
    CHECK(w.send(ann, many(300, 10)).refused == nullptr);
    CHECK(w.b.take_changes(100).known.size() == 100);
}

TEST_CASE("A clock that was set back does not refuse for years")
{
    world w;
    w.row(account).messages_per_day = 1;
    CHECK_FALSE(w.send(ann).refused);
    w.now -= 24h * 365 * 10;
    CHECK_FALSE(w.send(ann).refused);
    CHECK(w.send(ann).refused);
}

TEST_CASE("Memory for sending is bounded")
{
    world w;
    w.row(account).messages_per_day = 5;
    for (int i = 0; i < 20'000; ++i) w.send("u" + std::to_string(i) + "@example.com", many(1, i));
    CHECK(w.b.take_changes(1'000'000).counters.size() <= 1024);
}

TEST_CASE("Each app password is counted by itself, the nearest row first")
{
    world w;
    constexpr auto per = config::limit_scope::app_password;
    w.row(per).messages_per_hour = 1;
    w.row(per, "@example.com").messages_per_hour = 2;
    w.row(per, ann).messages_per_hour = 3;
    w.row(per, std::string{ann} + "#7").messages_per_hour = 4;
    auto const send = [&](std::string_view name, std::int64_t app_password) {
        sending_book::sender const who{name, *ip_address::parse("192.0.2.1"), app_password};
        return w.b.take(w.l, who, many(1), w.now);
    };
    struct {
        std::string_view name;
        std::int64_t app_password;
        int most;
    } const rows[] = {
        {"zoe@example.org", 1, 1}, {"bob@example.com", 2, 2}, {ann, 3, 3}, {ann, 7, 4}, {ann, 8, 3}, {ann, 0, 100},
    };
    for (auto const& row : rows) {
        CAPTURE(row.app_password);
        for (int i = 0; i < row.most; ++i) CHECK_FALSE(send(row.name, row.app_password).refused);
        auto const t = send(row.name, row.app_password);
        CHECK((t.refused != nullptr) == (row.app_password != 0));
        if (!t.refused) continue;
        CHECK(t.refused->scope == scope::app_password);
        CHECK(t.refused->who == std::string{row.name} + '#' + std::to_string(row.app_password));
        CHECK(to_string(t.refused->scope) == "app password");
    }
}
