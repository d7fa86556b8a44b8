// Who may have a connection to a server, and who waits for one.
#include "delivery/address_lines.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>

using namespace postern;
using namespace postern::delivery;

namespace {

struct hall {
    boost::asio::io_context context;
    std::vector<std::pair<std::shared_ptr<destination>, std::shared_ptr<address_place>>> called;
    std::shared_ptr<address_lines> lines =
        address_lines::make([this](auto const& d, auto place) { called.emplace_back(d, place); });

    std::shared_ptr<destination> somebody() { return std::make_shared<destination>(context.get_executor()); }
};

std::string line(char const* address, std::uint16_t port = 25) { return line_of({*ip_address::parse(address), port}); }

}  // namespace

TEST_CASE("lines: an IPv6 /64 is one server, and each port is another")
{
    CHECK(line("2001:db8:1:2::1") == line("2001:db8:1:2:ffff::2"));
    CHECK(line("2001:db8:1:2::1") != line("2001:db8:1:3::1"));
    CHECK(line("192.0.2.1") != line("192.0.2.2"));
    CHECK(line("192.0.2.1", 25) != line("192.0.2.1", 24));
}

TEST_CASE("lines: a place that is free goes to who waited longest, once")
{
    hall h;
    h.lines->set_most(1);
    auto first = h.lines->take("a");
    REQUIRE(first);
    CHECK_FALSE(h.lines->take("a"));
    CHECK(h.lines->take("b"));
    auto const x = h.somebody(), y = h.somebody();
    for (auto const& d : {x, x, y, x, y}) h.lines->wait("a", d);
    first.reset();
    REQUIRE(h.called.size() == 1);
    CHECK(h.called[0].first == x);
    CHECK(h.lines->is_full("a"));
    h.lines->left(*x);
    h.called[0].second.reset();
    REQUIRE(h.called.size() == 2);
    CHECK(h.called[1].first == y);
    h.lines->left(*y);
    CHECK_FALSE(h.lines->is_wanted("a"));
    h.called.clear();
    CHECK_FALSE(h.lines->is_full("a"));
    CHECK(h.called.empty());
}

TEST_CASE("lines: more places wake who waits, and fewer are not handed on")
{
    hall h;
    h.lines->set_most(1);
    auto first = h.lines->take("a");
    auto const x = h.somebody(), y = h.somebody();
    h.lines->wait("a", x);
    h.lines->wait("a", y);
    h.lines->set_most(2);
    REQUIRE(h.called.size() == 1);
    CHECK(h.called[0].first == x);
    h.lines->set_most(1);
    first.reset();
    CHECK(h.called.size() == 1);
    h.called[0].second.reset();
    REQUIRE(h.called.size() == 2);
    CHECK(h.called[1].first == y);
}

TEST_CASE("lines: so many recipients and no more, until they leave")
{
    hall h;
    h.lines->set_most(1);
    auto const held = h.lines->take("a"), other = h.lines->take("b");
    auto const x = h.somebody(), y = h.somebody(), z = h.somebody();
    h.lines->wait("a", x);
    h.lines->wait("a", y);
    h.lines->wait("b", z);
    CHECK(h.lines->add(*x, 6, 10));
    CHECK_FALSE(h.lines->add(*y, 5, 10));
    CHECK(h.lines->add(*y, 4, 10));
    CHECK(h.lines->add(*z, 10, 10));
    CHECK(h.lines->recipients() == 20);
    h.lines->left(*x);
    CHECK(h.lines->recipients() == 14);
    CHECK(h.lines->add(*y, 6, 10));
    CHECK(h.lines->give_up(steady_clock::now() + std::chrono::seconds{1}).size() == 3);
    CHECK(h.lines->recipients() == 0);
    CHECK_FALSE(y->in_line);
}
