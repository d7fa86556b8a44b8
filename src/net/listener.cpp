#include "net/listener.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/listener_address.hpp"
#include "base/log.hpp"
#include "net/socket_address.hpp"
#include "net/socket_stream.hpp"

namespace postern::net {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

constexpr int backlog = 1024;
constexpr int accepted_at_once = 64;
constexpr auto pause_without_descriptors = std::chrono::milliseconds{200};

error bind_failure(std::string const& address, int number)
{
    std::string text = "can't listen on " + address + ": ";
    switch (number) {
        case EADDRINUSE:
            text +=
                "the port is taken by another program; stop that one (`ss -ltnp` shows it) or choose another port "
                "in [[listener]]";
            break;
        case EACCES:
            text +=
                "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE; start Postern through its "
                "systemd unit, or choose a higher port";
            break;
        case EADDRNOTAVAIL: text += "this machine does not have that address; `ip address` lists those it has"; break;
        case EAFNOSUPPORT: text += "this machine has no IPv6; use an IPv4 address such as 0.0.0.0"; break;
        default: text += std::strerror(number);
    }
    return {status{4, 3, 5}, "the server can't listen", std::move(text)};
}

class acceptor_on_socket final : public acceptor, public std::enable_shared_from_this<acceptor_on_socket> {
public:
    acceptor_on_socket(asio::any_io_executor const& executor, socket_handle socket, acceptor_handlers handlers)
        : executor_(executor),
          socket_(executor, socket.take()),
          pause_(executor),
          spare_(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
          handlers_(std::move(handlers))
    {
        socket_.non_blocking(true);
    }

    void wait()
    {
        socket_.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](error_code ec) {
            if (!ec) self->take_some();
        });
    }

    void stop() override
    {
        stopped_ = true;
        error_code ignored;
        socket_.close(ignored);
        pause_.cancel();
        handlers_ = {};
    }

private:
    void take_some()
    {
        for (int i = 0; i < accepted_at_once && !stopped_; ++i) {
            sockaddr_storage from{};
            socklen_t size = sizeof from;
            int const fd = ::accept4(socket_.native_handle(), reinterpret_cast<sockaddr*>(&from), &size,
                                     SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd >= 0) {
                int const on = 1;
                ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                socket_handle accepted{fd};
                if (hand_over(accepted, from_sockaddr(from))) continue;
                rest();
                return;
            }
            if (errno == EINTR || errno == ECONNABORTED) continue;
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                turn_one_away(errno);
                return;
            }
            break;  // EAGAIN: none left
        }
        if (!stopped_) wait();
    }

    // False when there is no memory, or no room in the kernel's table of watched descriptors.
    bool hand_over(socket_handle& accepted, endpoint remote)
    {
        try {
            auto peer = make_socket_stream(executor_, accepted.get(), remote, local_endpoint(accepted.get()));
            accepted.take();
            handlers_.taken(std::move(peer));
            return true;
        } catch (std::exception const& e) {
            log::event(log::level::error, "accept_failed",
                       {{"problem", e.what()}, {"remedy", "free memory, or raise fs.epoll.max_user_watches"}});
            return false;
        }
    }

    void rest()
    {
        pause_.expires_after(pause_without_descriptors);
        pause_.async_wait([self = shared_from_this()](error_code ec) {
            if (!ec && !self->stopped_) self->wait();
        });
    }

    // Without a free descriptor the client would hang in the backlog and we would spin:
    // give up the spare one, say why, and breathe.
    void turn_one_away(int number)
    {
        log::event(log::level::error, "accept_failed",
                   {{"problem", std::strerror(number)}, {"remedy", "raise LimitNOFILE or limits.connections down"}});
        spare_ = socket_handle{};
        {
            sockaddr_storage from{};
            socklen_t size = sizeof from;
            socket_handle const unserved{::accept4(socket_.native_handle(), reinterpret_cast<sockaddr*>(&from), &size,
                                                   SOCK_NONBLOCK | SOCK_CLOEXEC)};
            if (unserved.get() >= 0) {
                auto const line = handlers_.turned_away(from_sockaddr(from));
                [[maybe_unused]] auto const sent =
                    ::send(unserved.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            }
        }
        // Not before that one is closed: it had the last descriptor.
        spare_ = socket_handle{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
        rest();
    }

    asio::any_io_executor executor_;
    stream_descriptor socket_;
    asio::steady_timer pause_;
    socket_handle spare_;
    acceptor_handlers handlers_;
    bool stopped_ = false;
};

// The shared object outlives stop() until its last handler has run.
class acceptor_owner final : public acceptor {
public:
    explicit acceptor_owner(std::shared_ptr<acceptor_on_socket> a) : a_(std::move(a)) {}
    ~acceptor_owner() override { a_->stop(); }
    void stop() override { a_->stop(); }

private:
    std::shared_ptr<acceptor_on_socket> a_;
};

}  // namespace

socket_handle& socket_handle::operator=(socket_handle&& other) noexcept
{
    if (this != &other) {
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = other.take();
    }
    return *this;
}

socket_handle::~socket_handle()
{
    if (descriptor_ >= 0) ::close(descriptor_);
}

int socket_handle::take() noexcept { return std::exchange(descriptor_, -1); }

result<std::vector<socket_handle>> bind_sockets(std::string const& address, bool only_ipv6, unsigned count)
{
    auto where = parse_listener_address(address);
    if (!where)
        return error{
            status{4, 3, 5}, "the server can't listen",
            "the listener address \"" + address + "\" is not host:port, such as \"[::]:587\" or \"127.0.0.1:2587\""};
    std::vector<socket_handle> sockets;
    for (unsigned i = 0; i < count; ++i) {
        socklen_t size = 0;
        auto sa = to_sockaddr(*where, size);
        int fd = ::socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0 && errno == EAFNOSUPPORT && address.starts_with(':')) {
            // No IPv6 on this machine: ":587" then means all of IPv4.
            where->address = ip_address{};
            sa = to_sockaddr(*where, size);
            fd = ::socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        }
        if (fd < 0) return bind_failure(address, errno);
        socket_handle socket{fd};
        int const on = 1;
        int const off = 0;
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (sa.ss_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, only_ipv6 ? &on : &off, sizeof on);
        // The first binds alone, so that a port that another program (or another Postern)
        // has is noticed and not shared.
        if (i > 0) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        if (::bind(fd, reinterpret_cast<sockaddr*>(&sa), size) != 0) return bind_failure(address, errno);
        if (i == 0) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        if (where->port == 0) where->port = local_endpoint(fd).port;
        sockets.push_back(std::move(socket));
    }
    for (auto const& socket : sockets)
        if (::listen(socket.get(), backlog) != 0) return bind_failure(address, errno);
    return sockets;
}

std::string bound_address(int descriptor) { return local_endpoint(descriptor).to_string(); }

std::unique_ptr<acceptor> start_acceptor(asio::any_io_executor const& executor, socket_handle socket,
                                         acceptor_handlers handlers)
{
    auto a = std::make_shared<acceptor_on_socket>(executor, std::move(socket), std::move(handlers));
    a->wait();
    return std::make_unique<acceptor_owner>(std::move(a));
}

}  // namespace postern::net
