#include "client/look_up.hpp"

#include <atomic>
#include <optional>
#include <thread>

#include <doctest/doctest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "client/on_thread.hpp"

using namespace postern;
using namespace postern::client;

namespace {

std::vector<ip_address> addresses(std::vector<char const*> const& texts)
{
    std::vector<ip_address> all;
    for (auto const* text : texts) all.push_back(*ip_address::parse(text));
    return all;
}

}  // namespace

TEST_CASE("both families are tried in turn, in the system's order")
{
    CHECK(in_turn(addresses({"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "192.0.2.1"}), 4) ==
          addresses({"2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3"}));
    CHECK(in_turn(addresses({"192.0.2.1", "192.0.2.2", "2001:db8::1"}), 4) ==
          addresses({"192.0.2.1", "2001:db8::1", "192.0.2.2"}));
    CHECK(in_turn({}, 4).empty());
}

TEST_CASE("a thread that is late tells nobody when the io_context has ended")
{
    static std::atomic<bool> go, through;
    go = through = false;
    {
        boost::asio::io_context io{1};
        auto const waits = [](boost::asio::any_io_executor executor) -> net::awaitable<void> {
            co_await on_thread<int>(executor, [] {
                while (!go) std::this_thread::yield();
                return 1;
            });
            through = true;
        };
        boost::asio::co_spawn(io, waits(io.get_executor()), boost::asio::detached);
        io.poll();
    }
    // ASan sees whoever speaks to what is gone.
    go = true;
    CHECK_FALSE(through);
}

TEST_CASE("what a thread found comes back")
{
    boost::asio::io_context io{1};
    std::optional<int> got;
    auto const asks = [](boost::asio::any_io_executor executor) -> net::awaitable<int> {
        co_return co_await on_thread<int>(executor, [] { return 7; });
    };
    boost::asio::co_spawn(io, asks(io.get_executor()), [&](std::exception_ptr, int value) { got = value; });
    io.run();
    CHECK(got == 7);
}
