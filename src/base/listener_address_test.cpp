#include "base/listener_address.hpp"

#include <doctest/doctest.h>

using namespace postern;

TEST_CASE("an address to listen on has a port, and an address unless it means all of them")
{
    struct {
        std::string_view text, meant;
    } const rows[] = {
        {":587", "[::]:587"},           {"[::]:587", "[::]:587"},
        {"0.0.0.0:587", "0.0.0.0:587"}, {"127.0.0.1:587", "127.0.0.1:587"},
        {"[::1]:0", "[::1]:0"},         {":0", "[::]:0"},
    };
    for (auto const& r : rows) {
        auto const at = parse_listener_address(r.text);
        REQUIRE_MESSAGE(at, r.text);
        CHECK(at->to_string() == r.meant);
    }
    for (auto const* bad : {"", ":", "587", "localhost:587", "::", "[::]", "127.0.0.1", "*:587", ":65536", "::587",
                            "127.0.0.1:-1", ":587 ", "/run/postern/smtp"})
        CHECK_MESSAGE(!parse_listener_address(bad), bad);
}

TEST_CASE("a listener is known again, however its address is written")
{
    CHECK(is_same_listener_address(":587", "[::]:587"));
    CHECK(is_same_listener_address("[::]:587", "[0:0::0]:587"));
    CHECK(is_same_listener_address("127.0.0.1:25", "127.0.0.1:25"));
    CHECK_FALSE(is_same_listener_address(":587", ":465"));
    // Only IPv4: another socket.
    CHECK_FALSE(is_same_listener_address(":587", "0.0.0.0:587"));
    CHECK_FALSE(is_same_listener_address("[::1]:587", "[::]:587"));
    CHECK_FALSE(is_same_listener_address("587", "587"));
}

TEST_CASE("only this machine gets to loopback")
{
    for (auto const* here : {"127.0.0.1:25", "127.8.9.10:25", "[::1]:0"}) CHECK_MESSAGE(is_on_loopback(here), here);
    for (auto const* elsewhere : {":25", "[::]:25", "0.0.0.0:25", "192.0.2.1:25", "localhost:25", "127.0.0.1", ""})
        CHECK_MESSAGE(!is_on_loopback(elsewhere), elsewhere);
}
