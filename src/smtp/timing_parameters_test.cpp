#include "smtp/timing_parameters.hpp"

#include <doctest/doctest.h>

#include "smtp/client_commands.hpp"
#include "smtp/command_parser.hpp"

namespace postern::smtp {
namespace {

using namespace std::chrono_literals;

wall_time const now = from_microseconds(1'795'330'000'000'000);  // 2026-11-22T06:46:40Z

TEST_CASE("a priority has one digit and maybe a sign")
{
    CHECK(parse_priority("0") == 0);
    CHECK(parse_priority("9") == 9);
    CHECK(parse_priority("-9") == -9);
    for (auto const* bad : {"", "-", "10", "+1", "-0", "1 ", "x", "--1"}) CHECK_FALSE(parse_priority(bad));
}

TEST_CASE("a time to deliver by has a mode, and what is to come back has some time")
{
    auto const back = parse_by("120;R", now);
    REQUIRE(back);
    CHECK(back->mode == mail::by_mode::give_back);
    CHECK_FALSE(back->trace);
    CHECK(back->until == now + 120s);
    auto const notify = parse_by("-5;nt", now);
    REQUIRE(notify);
    CHECK(notify->mode == mail::by_mode::notify);
    CHECK(notify->trace);
    CHECK(notify->until == now - 5s);
    CHECK(parse_by("+999999999;N", now));
    for (auto const* bad : {"", "120", "120;", ";R", "0;R", "-1;R", "1234567890;N", "12;X", "12;RX", "12;RTT", "1x;N"})
        CHECK_FALSE(parse_by(bad, now));
}

TEST_CASE("a time to hold mail until is a number of seconds, or a date of RFC 3339")
{
    CHECK(parse_hold_for("60", now) == now + 60s);
    for (auto const* bad : {"", "0", "-1", "1234567890", "1m"}) CHECK_FALSE(parse_hold_for(bad, now));
    CHECK(parse_hold_until("2026-11-22T06:46:40Z") == now);
    CHECK(parse_hold_until("2026-11-22t07:46:40.75+01:00") == now);
    CHECK(parse_hold_until("2026-11-21T23:16:40-07:30") == now);
    CHECK(parse_hold_until("2028-02-29T00:00:60Z"));
    for (auto const* bad :
         {"", "2026-11-22", "2026-11-22T07:26:40", "2026-11-22T07:26Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
          "2026-11-22T24:00:00Z", "2026-11-22T07:60:00Z", "2026-11-22T07:26:61Z", "2026-11-22T07:26:40.Z",
          "2026-11-22T07:26:40+1:00", "2026-11-22T07:26:40+24:00", "2026-11-22 07:26:40Z", "99999-01-01T00:00:00Z",
          "1969-12-31T23:59:59Z", "2026-11-22T07:26:40Zx"}) {
        INFO(bad);
        CHECK_FALSE(parse_hold_until(bad));
    }
}

struct mail_row {
    char const* argument;
    char const* rule;  // null: taken
};
mail_row const rows[] = {
    {"FROM:<a@b.example> MT-PRIORITY=3", nullptr},
    {"FROM:<a@b.example> mt-priority=-2 BY=100;R HOLDFOR=60", nullptr},
    {"FROM:<a@b.example> HOLDUNTIL=2026-11-22T07:00:00Z", nullptr},
    {"FROM:<a@b.example> MT-PRIORITY", "bad-parameter"},
    {"FROM:<a@b.example> MT-PRIORITY=11", "bad-parameter"},
    {"FROM:<a@b.example> BY=0;R", "bad-parameter"},
    {"FROM:<a@b.example> BY=5;N BY=5;N", "duplicate-parameter"},
    {"FROM:<a@b.example> HOLDFOR=60 HOLDUNTIL=2026-11-22T08:00:00Z", "bad-parameter"},
    {"FROM:<a@b.example> HOLDFOR=3601", "release-too-late"},
    {"FROM:<a@b.example> HOLDUNTIL=2026-11-22T07:46:41Z", "release-too-late"},
    {"FROM:<a@b.example> HOLDUNTIL=tomorrow", "bad-parameter"},
};

TEST_CASE("MAIL takes the parameters that EHLO offered, each once and in bounds")
{
    mail_context context;
    context.extended = context.priorities = context.deliver_by = true;
    context.hold_most = 1h;
    context.now = now;
    for (auto const& r : rows) {
        mail::envelope to;
        auto const bad = parse_mail(r.argument, context, to);
        INFO(r.argument);
        CHECK((bad ? bad.why->name : std::string_view{}) == (r.rule == nullptr ? "" : r.rule));
    }
    for (auto const* argument :
         {"FROM:<a@b.example> MT-PRIORITY=3", "FROM:<a@b.example> BY=5;N", "FROM:<a@b.example> HOLDFOR=5"}) {
        mail::envelope to;
        auto const bad = parse_mail(argument, mail_context{.extended = true}, to);
        REQUIRE(bad);
        CHECK(bad.why->name == "unknown-parameter");
    }
}

TEST_CASE("a next hop is told what it announced to know, with the time that is left")
{
    auto const known = parse_extensions("mx.example\nMT-PRIORITY MIXER\nDELIVERBY 30");
    CHECK(known.priorities);
    CHECK(known.deliver_by);
    CHECK(known.least_by == 30);
    mail::envelope env;
    env.reverse_path.address = {"a", "b.example"};
    env.priority = -3;
    env.by = {mail::by_mode::give_back, true, now + 100s};
    outgoing const m{&env, {}, 10, false, now + 40s};
    std::string told;
    append_mail_command(told, m, known);
    CHECK(told == "MAIL FROM:<a@b.example> MT-PRIORITY=-3 BY=60;RT\r\n");
    told.clear();
    append_mail_command(told, m, {});
    CHECK(told == "MAIL FROM:<a@b.example>\r\n");
    // What is over its time goes on only where it is for a notice.
    CHECK(seconds_left(env.by, now + 200s) == 1);
    env.by.mode = mail::by_mode::notify;
    CHECK(seconds_left(env.by, now + 200s) == -100);
}

}  // namespace
}  // namespace postern::smtp
