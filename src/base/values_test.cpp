// Addresses and networks, times, results.
#include <limits>
#include <memory>

#include <doctest/doctest.h>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "base/result.hpp"

using namespace postern;

namespace {

ip_address ip(std::string_view text)
{
    auto const a = ip_address::parse(text);
    REQUIRE_MESSAGE(a.has_value(), text);
    return *a;
}

network net(std::string_view text)
{
    auto const n = network::parse(text);
    REQUIRE_MESSAGE(n.has_value(), text);
    return *n;
}

}  // namespace

TEST_CASE("addresses, there and back")
{
    struct {
        std::string_view text, printed;
        bool v4;
    } const rows[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"0.0.0.0", "0.0.0.0", true},
        {"255.255.255.255", "255.255.255.255", true},
        {"::", "::", false},
        {"::1", "::1", false},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1", false},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"::ffff:c000:201", "192.0.2.1", true},
        {"fe80::1", "fe80::1", false},
    };
    for (auto const& r : rows) {
        CAPTURE(r.text);
        auto const a = ip(r.text);
        CHECK(a.to_string() == r.printed);
        CHECK(a.is_v4() == r.v4);
        CHECK(ip(a.to_string()) == a);
    }
    for (auto const* bad : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "[::1]",
                            "::1%eth0", ":::", "1:2:3:4:5:6:7:8:9", "g::", "1.2.3.4:25", "0x7f.1", "::ffff:1.2.3.256"})
        CHECK_MESSAGE(!ip_address::parse(bad), bad);
    CHECK(!ip_address::parse(std::string(1000, '1')));
    CHECK(!ip_address::parse(std::string_view("1.2.3.4\0x", 9)));
    CHECK(ip_address::v4(0xc0000201) == ip("192.0.2.1"));
    CHECK(ip_address{} == ip("0.0.0.0"));
    CHECK(ip("0.0.0.1") != ip("::1"));
}

TEST_CASE("loopback and private ranges, at their edges")
{
    for (auto const* a : {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"})
        CHECK_MESSAGE(ip(a).is_loopback(), a);
    for (auto const* a : {"126.255.255.255", "128.0.0.0", "::2", "::", "1::1"}) CHECK_MESSAGE(!ip(a).is_loopback(), a);
    for (auto const* a :
         {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255", "169.254.0.1",
          "127.0.0.1", "::1", "fc00::", "fdff::1", "fe80::", "febf::1"})
        CHECK_MESSAGE(ip(a).is_private(), a);
    for (auto const* a : {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
                          "169.253.0.1", "fb00::", "fe00::", "fec0::", "2001:db8::1", "8.8.8.8"})
        CHECK_MESSAGE(!ip(a).is_private(), a);
}

TEST_CASE("the addresses of one customer: an IPv6 /64")
{
    CHECK(customer_of(ip("192.0.2.1")) == ip("192.0.2.1"));
    CHECK(customer_of(ip("2001:db8:1:2:3:4:5:6")) == ip("2001:db8:1:2::"));
    CHECK(customer_of(ip("2001:db8:1:2::")) == customer_of(ip("2001:db8:1:2:ffff::1")));
    CHECK(customer_of(ip("2001:db8:1:3::")) != customer_of(ip("2001:db8:1:2::")));
}

TEST_CASE("endpoints")
{
    for (auto const* fine : {"192.0.2.1:25", "[2001:db8::1]:25", "[::]:0", "0.0.0.0:65535"}) {
        auto const e = endpoint::parse(fine);
        REQUIRE_MESSAGE(e.has_value(), fine);
        CHECK(e->to_string() == fine);
        CHECK(endpoint::parse(e->to_string()) == *e);
    }
    for (auto const* bad :
         {"", ":", "25", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "::1:25", "[192.0.2.1]:25",
          "[::1]", "[::1]25", "[]:25", "host:25", "[::1:25", "::1]:25", "192.0.2.1:25 "})
        CHECK_MESSAGE(!endpoint::parse(bad), bad);
}

TEST_CASE("networks contain what they should")
{
    struct {
        std::string_view network, inside, outside;
    } const rows[] = {
        {"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
        {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
        {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
        {"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
        {"172.16.0.0/12", "172.31.255.255", "172.32.0.0"},
        {"192.0.2.6/31", "192.0.2.7", "192.0.2.8"},
        {"0.0.0.0/0", "255.255.255.255", "::1"},
        {"::/0", "2001:db8::1", "192.0.2.1"},
        {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
        {"fc00::/7", "fdff::", "fe00::"},
        {"::1", "::1", "::2"},
        {"2001:db8::/127", "2001:db8::1", "2001:db8::2"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.network);
        auto const n = net(r.network);
        CHECK(n.contains(ip(r.inside)));
        CHECK(n.contains(n.base()));
        CHECK(!n.contains(ip(r.outside)));
        CHECK(net(n.to_string()) == n);
    }
    CHECK(net("192.0.2.7").to_string() == "192.0.2.7/32");
    CHECK(net("::1").prefix() == 128);
    for (auto const* bad : {"", "/", "192.0.2.0/", "192.0.2.0/33", "192.0.2.1/24", "::1/127", "2001:db8::/129",
                            "192.0.2.0/-1", "192.0.2.0/24/24", "192.0.2.0/ 24", "all", "1.2.3.0/024x", "128.0.0.0/0"})
        CHECK_MESSAGE(!network::parse(bad), bad);
    // A mapped client is its IPv4 self.
    CHECK(net("192.0.2.0/24").contains(ip("::ffff:192.0.2.9")));
    CHECK(contains({net("10.0.0.0/8"), net("::1")}, ip("::1")));
    CHECK(!contains({}, ip("::1")));
}

TEST_CASE("a prefix of each length parts the addresses where its last bit is")
{
    for (unsigned prefix = 1; prefix <= 32; ++prefix) {
        std::uint32_t const last = 1u << (32 - prefix);
        auto const n = net(ip_address::v4(last).to_string() + "/" + std::to_string(prefix));
        CHECK(n.contains(ip_address::v4(last)));
        CHECK(n.contains(ip_address::v4(last + (last - 1))));
        CHECK(!n.contains(ip_address::v4(last - 1)));
    }
}

TEST_CASE("times as text")
{
    struct {
        std::int64_t us;
        std::string_view rfc3339, rfc5322;
    } const rows[] = {
        {0, "1970-01-01T00:00:00.000000Z", "Thu, 01 Jan 1970 00:00:00 +0000"},
        {-1, "1969-12-31T23:59:59.999999Z", "Wed, 31 Dec 1969 23:59:59 +0000"},
        {1795331051123456, "2026-11-22T07:04:11.123456Z", "Sun, 22 Nov 2026 07:04:11 +0000"},
        {951782400000000, "2000-02-29T00:00:00.000000Z", "Tue, 29 Feb 2000 00:00:00 +0000"},
        {9223286400000000, "2262-04-11T00:00:00.000000Z", "Fri, 11 Apr 2262 00:00:00 +0000"},
    };
    for (auto const& r : rows) {
        auto const t = from_microseconds(r.us);
        CHECK(to_microseconds(t) == r.us);
        CHECK(to_rfc3339(t) == r.rfc3339);
        CHECK(to_rfc5322(t) == r.rfc5322);
    }
}

TEST_CASE("times that the clock can't count end at its ends")
{
    auto const never = from_microseconds(std::numeric_limits<std::int64_t>::max());
    auto const before = from_microseconds(std::numeric_limits<std::int64_t>::min());
    CHECK(to_rfc3339(never).starts_with("2262-04-11T"));
    CHECK(to_rfc3339(before).starts_with("1677-09-21T"));
}

TEST_CASE("a status as text, and whether it may pass")
{
    CHECK(to_string(status{5, 7, 1}) == "5.7.1");
    CHECK(to_string(status{4, 4, 10}) == "4.4.10");
    CHECK(to_string(status{}) == "");
    CHECK(status{4, 2, 0}.temporary());
    CHECK(!status{5, 2, 0}.temporary());
}

TEST_CASE("a result holds a value or an error")
{
    result<std::string> const good = std::string("x");
    CHECK(good);
    CHECK(*good == "x");
    CHECK(good->size() == 1);
    result<std::string> const bad = error{{4, 3, 0}, "try later", "disk on fire"};
    CHECK(!bad);
    CHECK(!bad.has_value());
    CHECK(bad.error().logged == "disk on fire");
    CHECK(bad.error().told.view() == "try later");
    CHECK_THROWS(bad.value());
    result<> const nothing;
    CHECK(nothing);
    result<std::unique_ptr<int>> owner = std::make_unique<int>(7);
    auto const taken = *std::move(owner);
    CHECK(*taken == 7);
}
