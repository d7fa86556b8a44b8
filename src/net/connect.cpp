#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/connect_from.hpp"
#include "net/deadline.hpp"
#include "net/socket_address.hpp"
#include "net/socket_stream.hpp"

namespace postern::net {
namespace {

namespace asio = boost::asio;

error_code from_errno() { return {errno, boost::system::system_category()}; }

// Closes on every way out but the good one.
struct descriptor {
    int number = -1;
    ~descriptor()
    {
        if (number >= 0) ::close(number);
    }
    int take() { return std::exchange(number, -1); }
};

// Meanwhile the one who waits owns it: what hangs may be thrown away here, by the end of the context.
awaitable<error_code> finish(asio::any_io_executor executor, descriptor& fd, steady_clock::duration limit)
{
    asio::posix::stream_descriptor waiter{executor, fd.take()};
    bool timed_out = false;
    deadline timer{executor, [&waiter, &timed_out] {
                       timed_out = true;
                       waiter.cancel();
                   }};
    timer.arm(limit);
    error_code ec;
    co_await waiter.async_wait(asio::posix::stream_descriptor::wait_write,
                               asio::redirect_error(asio::use_awaitable, ec));
    fd.number = waiter.release();
    if (ec && timed_out) co_return error_code{asio::error::timed_out};
    if (ec) co_return ec;
    int failed = 0;
    socklen_t size = sizeof failed;
    if (::getsockopt(fd.number, SOL_SOCKET, SO_ERROR, &failed, &size) != 0) co_return from_errno();
    co_return error_code{failed, boost::system::system_category()};
}

// `from`: of `from_size` octets; none: the kernel chooses.
awaitable<net_result<std::unique_ptr<stream>>> connect_to(asio::any_io_executor executor, sockaddr_storage address,
                                                          socklen_t size, steady_clock::duration limit,
                                                          sockaddr_storage from = {}, socklen_t from_size = 0)
{
    descriptor fd{::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (fd.number < 0) co_return from_errno();
    if (address.ss_family != AF_UNIX) {
        int const on = 1;
        ::setsockopt(fd.number, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (from_size != 0 && ::bind(fd.number, reinterpret_cast<sockaddr const*>(&from), from_size) != 0)
        co_return from_errno();
    if (::connect(fd.number, reinterpret_cast<sockaddr const*>(&address), size) != 0) {
        if (errno != EINPROGRESS) co_return from_errno();
        auto const ec = co_await finish(executor, fd, limit);
        if (ec) co_return ec;
    }
    auto const remote = remote_endpoint(fd.number);
    auto const local = local_endpoint(fd.number);
    co_return make_socket_stream(executor, fd.take(), remote, local);
}

}  // namespace

awaitable<net_result<std::unique_ptr<stream>>> connect(asio::any_io_executor executor, endpoint to,
                                                       steady_clock::duration limit)
{
    socklen_t size = 0;
    auto const address = to_sockaddr(to, size);
    co_return co_await connect_to(executor, address, size, limit);
}

awaitable<net_result<std::unique_ptr<stream>>> connect_from(asio::any_io_executor executor, ip_address from,
                                                            endpoint to, steady_clock::duration limit)
{
    socklen_t size = 0, from_size = 0;
    auto const address = to_sockaddr(to, size);
    endpoint const own{from, 0};
    auto const source = to_sockaddr(own, from_size);
    co_return co_await connect_to(executor, address, size, limit, source, from_size);
}

awaitable<net_result<std::unique_ptr<stream>>> connect_unix(asio::any_io_executor executor, std::string path,
                                                            steady_clock::duration limit)
{
    sockaddr_storage address{};
    auto& un = reinterpret_cast<sockaddr_un&>(address);
    if (path.size() >= sizeof un.sun_path) co_return error_code{ENAMETOOLONG, boost::system::system_category()};
    un.sun_family = AF_UNIX;
    path.copy(un.sun_path, path.size());
    co_return co_await connect_to(executor, address, sizeof un, limit);
}

}  // namespace postern::net
