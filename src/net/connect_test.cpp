// A connection that is still being made when everything ends.
#include "net/stream.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <optional>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

namespace {

std::atomic<unsigned> closed_twice = 0;

}  // namespace

// In the place of the library's: who closes what is closed already may close somebody else's.
extern "C" int close(int descriptor)
{
    long const r = ::syscall(SYS_close, descriptor);
    if (r != 0 && errno == EBADF) ++closed_twice;
    return static_cast<int>(r);
}

using namespace postern;
using namespace std::chrono_literals;

TEST_CASE("a socket that waits for its connection is closed once when the context ends")
{
    // Whoever connects to a full line waits.
    int const full = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a{};
    socklen_t size = sizeof a;
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(full, reinterpret_cast<sockaddr*>(&a), size) == 0);
    REQUIRE(::listen(full, 0) == 0);
    ::getsockname(full, reinterpret_cast<sockaddr*>(&a), &size);
    std::vector<int> in_line;
    for (int i = 0; i < 4; ++i) {
        in_line.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        ::connect(in_line.back(), reinterpret_cast<sockaddr*>(&a), size);
    }
    endpoint const to{*ip_address::parse("127.0.0.1"), ntohs(a.sin_port)};
    {
        boost::asio::io_context context;
        boost::asio::co_spawn(
            context, net::connect(context.get_executor(), to, 1h),
            [](std::exception_ptr const&, net::net_result<std::unique_ptr<net::stream>> const&) { CHECK(false); });
        context.run_for(50ms);
    }
    CHECK(closed_twice == 0);
    // Once is not never.
    std::optional<net::error_code> failed;
    boost::asio::io_context context;
    int const next = ::dup(full);
    ::close(next);
    boost::asio::co_spawn(context, net::connect(context.get_executor(), to, 30ms),
                          [&](std::exception_ptr const&, net::net_result<std::unique_ptr<net::stream>> const& r) {
                              if (!r) failed = r.error();
                          });
    context.run();
    CHECK(failed.has_value());
    int const again = ::dup(full);
    CHECK(again == next);
    ::close(again);
    CHECK(closed_twice == 0);
    for (int const s : in_line) ::close(s);
    ::close(full);
}
