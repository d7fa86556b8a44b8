#include "delivery/decision.hpp"

#include <doctest/doctest.h>

#include "catalogue/rules.hpp"

namespace postern::delivery {
namespace {

using namespace std::chrono_literals;
namespace rules = catalogue::rules;
using state = spool::recipient_state;

wall_time const accepted = from_microseconds(1'795'330'000'000'000);

struct world {
    plan p;
    spool::message m;
    outcome o;

    world()
    {
        p.retry = {1min, 5min, 15min, 1h, 4h};
        p.give_up_after = 24h * 5;
        p.delay_notice_after = 4h;
        m.accepted_at = accepted;
        m.account = "anna@example.com";
        m.env.reverse_path.address = {"anna", "example.com"};
        m.recipients.emplace_back();
        m.recipients[0].next_attempt = accepted;
        o.what = fate::deferred;
        o.reply = "450 4.2.0 not now";
        o.code = {4, 2, 0};
    }
    decision at(std::chrono::seconds age, double random = 0.5, std::optional<wall_time> not_before = {})
    {
        return decide(m, m.recipients[0], o, p, accepted + age, random, not_before);
    }
    std::chrono::seconds wait_at(std::chrono::seconds age, double random = 0.5)
    {
        return std::chrono::duration_cast<std::chrono::seconds>(at(age, random).next_attempt - (accepted + age));
    }
};

TEST_CASE("waits grow with the age, and are spread by a tenth to both sides")
{
    world w;
    CHECK(w.wait_at(0s) == 1min);
    CHECK(w.wait_at(1min) == 5min);
    CHECK(w.wait_at(6min) == 15min);
    CHECK(w.wait_at(21min) == 1h);
    CHECK(w.wait_at(0s, 0.0) == 54s);
    CHECK(w.wait_at(1min, 0.999) == 329s);
}

TEST_CASE("who greylists is tried again when it says so, as long as that is believable")
{
    world w;
    w.o.come_back = 5min;
    CHECK(w.wait_at(0s, 0.0) == 5min);
    CHECK(w.wait_at(10min, 0.0) == 5min);
    w.o.come_back = 40min;
    CHECK(w.wait_at(1min, 0.0) == 40min);
    CHECK(w.wait_at(2h, 0.5) == 4h - 2h);  // the delay notice comes first
}

TEST_CASE("what has an end in time is looked at again at that moment")
{
    world w;
    w.m.recipients[0].next_attempt = accepted + 10h;  // so the notice has gone out
    auto const last = w.at(5 * 24h - 30min);
    CHECK(last.state == state::queued);
    CHECK(last.next_attempt == accepted + 5 * 24h);
    auto const over = w.at(5 * 24h);
    CHECK(over.state == state::expired);
    CHECK(over.given_up == &rules::delivery_expired);
}

TEST_CASE("mail that was held back on request has all its time from its release on")
{
    world w;
    w.m.env.release_at = accepted + 10 * 24h;
    w.m.recipients[0].next_attempt = accepted + 10 * 24h;
    CHECK(w.wait_at(10 * 24h) == 1min);
    CHECK(w.at(14 * 24h).state == state::queued);
    CHECK(w.at(15 * 24h).state == state::expired);
}

TEST_CASE("mail that is to come back by a time does so, and not later")
{
    world w;
    w.m.env.by = {mail::by_mode::give_back, false, accepted + 90s};
    CHECK(w.at(0s).next_attempt == accepted + 60s);
    CHECK(w.at(60s).next_attempt == accepted + 90s);
    auto const over = w.at(90s);
    CHECK(over.state == state::expired);
    CHECK(over.given_up == &rules::deliver_by_passed);
}

TEST_CASE("a sender who wants to hear of a delay by a time hears then, once, and the mail is tried on")
{
    world w;
    w.p.delay_notice_after = 0s;
    w.m.env.by = {mail::by_mode::notify, false, accepted + 90s};
    CHECK_FALSE(w.at(60s).tell_delay);
    CHECK(w.at(60s).next_attempt == accepted + 90s);
    CHECK(w.at(90s).tell_delay);
    CHECK(w.at(90s).state == state::queued);
    w.m.recipients[0].next_attempt = w.at(90s).next_attempt;
    CHECK_FALSE(w.at(10min).tell_delay);
    w.m.recipients[0].next_attempt = accepted;
    w.m.recipients[0].to.notify = {true, true, false, false, false};
    CHECK_FALSE(w.at(90s).tell_delay);
}

TEST_CASE("the operator's word ends the tries, whatever the age")
{
    world w;
    auto const d =
        decide(w.m, w.m.recipients[0], w.o, w.p, accepted + 1min, 0.5, std::nullopt, &rules::expired_by_operator);
    CHECK(d.state == state::expired);
    CHECK(d.given_up == &rules::expired_by_operator);
    w.o.what = fate::delivered;
    CHECK(w.at(6 * 24h).state == state::delivered);
    w.o.what = fate::bounced;
    CHECK(w.at(6 * 24h).state == state::bounced);
}

}  // namespace
}  // namespace postern::delivery
