#include "mail/srs.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::mail;
using state = srs_origin::state;

namespace {

secret const key{"one"}, other{"two"};
wall_time const now = from_microseconds(1'800'000'000'000'000);
constexpr auto lifetime = std::chrono::hours{21 * 24};

mailbox address(char const* text)
{
    auto const a = parse_mailbox(text);
    REQUIRE(a);
    return *a;
}

state reversed(mailbox const& a, wall_time when = now) { return srs_reverse(a, {key}, lifetime, when).what; }

}  // namespace

TEST_CASE("A forwarded sender comes back as it was")
{
    for (auto const* text : {"anna@example.com", "a=b=c@example.com", "Anna.Lind+x@xn--bcher-kva.example",
                             "\"two words\"@example.com", "SRS-like@example.com"}) {
        CAPTURE(text);
        auto const sender = address(text);
        auto const out = srs_forward(sender, "ours.example", key, now);
        REQUIRE(out);
        CHECK(out->local_part.starts_with("SRS0="));
        CHECK(out->domain == "ours.example");
        CHECK(is_srs(*out));
        auto const back = srs_reverse(address(out->to_string().c_str()), {other, key}, lifetime, now);
        CHECK(back.what == state::good);
        CHECK(back.address == sender);
    }
}

TEST_CASE("An address of another forwarder goes back to that one, and does not grow")
{
    auto const first = srs_forward(address("anna@a.example"), "one.example", other, now);
    REQUIRE(first);
    auto const second = srs_forward(*first, "two.example", key, now);
    REQUIRE(second);
    CHECK(second->local_part.starts_with("SRS1="));
    auto const back = srs_reverse(*second, {key}, lifetime, now);
    CHECK(back.what == state::good);
    CHECK(back.address == *first);
    auto const third = srs_forward(*second, "three.example", other, now);
    REQUIRE(third);
    CHECK(third->local_part.size() == second->local_part.size());
    CHECK(srs_reverse(*third, {other}, lifetime, now).address == *first);
    // The separator of others stays.
    auto const plus = srs_forward({"SRS0+abcd=ef=a.example=anna", "one.example"}, "two.example", key, now);
    REQUIRE(plus);
    CHECK(srs_reverse(*plus, {key}, lifetime, now).address.local_part == "SRS0+abcd=ef=a.example=anna");
}

TEST_CASE("What nobody made here is not carried back")
{
    auto const good = *srs_forward(address("anna@example.com"), "ours.example", key, now);
    CHECK(reversed(good) == state::good);
    mailbox shouted = good;
    for (char& c : shouted.local_part)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    CHECK(reversed(shouted) == state::good);
    CHECK(srs_reverse(good, {other}, lifetime, now).what == state::forged);
    CHECK(srs_reverse(good, {}, lifetime, now).what == state::forged);
    for (std::size_t i = 5; i < good.local_part.size(); ++i) {
        mailbox changed = good;
        changed.local_part[i] = changed.local_part[i] == 'q' ? 'r' : 'q';
        CAPTURE(changed.local_part);
        CHECK(reversed(changed) != state::good);
    }
    for (auto const* local : {"SRS0=", "SRS0=a", "SRS0=aaaaaa", "SRS0=aaaaaa=", "SRS0==aa=example.com=anna", "SRS1=x",
                              "SRS1=aaaaaa=other.example", "anna"}) {
        CAPTURE(local);
        CHECK(reversed({local, "ours.example"}) != state::good);
    }
}

TEST_CASE("An old address is good no more")
{
    auto const made = *srs_forward(address("anna@example.com"), "ours.example", key, now);
    CHECK(reversed(made, now + lifetime) == state::good);
    CHECK(reversed(made, now + lifetime + std::chrono::hours{24}) == state::expired);
    CHECK(reversed(made, now - std::chrono::hours{48}) == state::expired);
}

TEST_CASE("What would be too long is not made")
{
    CHECK(srs_forward({std::string(30, 'a'), "example.com"}, "ours.example", key, now));
    CHECK_FALSE(srs_forward({std::string(40, 'a'), "example.com"}, "ours.example", key, now));
    CHECK_FALSE(srs_forward({"anna", "[192.0.2.1]"}, "ours.example", key, now));
}
