#include "base/reverse_name.hpp"

#include <doctest/doctest.h>

using namespace postern;

TEST_CASE("where the names of an address are asked for")
{
    CHECK(reverse_name(*ip_address::parse("192.0.2.7")) == "7.2.0.192.in-addr.arpa");
    CHECK(reverse_name(*ip_address::parse("2001:db8::567:89ab")) ==
          "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}
