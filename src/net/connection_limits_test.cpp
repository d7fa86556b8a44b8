#include "net/connection_limits.hpp"

#include <doctest/doctest.h>

using postern::ip_address;
using postern::net::connection_limits;

TEST_CASE("Connections are limited in total")
{
    connection_limits l;
    CHECK(l.enter_total(2));
    CHECK(l.enter_total(2));
    CHECK_FALSE(l.enter_total(2));
    l.leave_total();
    l.leave_total();
    CHECK(l.enter_total(2));
    CHECK(l.total() == 2);
}

TEST_CASE("Connections are limited per address, and IPv6 counts by /64")
{
    connection_limits l;
    auto const a = *ip_address::parse("192.0.2.1");
    auto const b = *ip_address::parse("192.0.2.2");
    CHECK(l.enter_address(a, 1));
    CHECK_FALSE(l.enter_address(a, 1));
    CHECK(l.enter_address(b, 1));
    l.leave_address(a);
    l.leave_address(a);
    CHECK(l.enter_address(a, 1));

    CHECK(l.enter_address(*ip_address::parse("2001:db8::1"), 1));
    CHECK_FALSE(l.enter_address(*ip_address::parse("2001:db8::ffff:1"), 1));
    CHECK(l.enter_address(*ip_address::parse("2001:db8:0:1::1"), 1));
}
