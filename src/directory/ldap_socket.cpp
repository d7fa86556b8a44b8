#include "directory/ldap_socket.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace postern::directory::ldapv3 {
namespace {

// A connection whose octets nobody acknowledges for so long is gone.
constexpr int unacknowledged_milliseconds = 5'000;
constexpr int idle_seconds_before_probe = 60;

error unavailable(std::string text) { return {{4, 3, 0}, "The accounts are not available", std::move(text)}; }

error system_error(int code) { return unavailable(std::strerror(code)); }

bool is_loopback(sockaddr const* a)
{
    if (a->sa_family == AF_INET) {
        auto const* in = reinterpret_cast<sockaddr_in const*>(a);
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    auto const* in6 = reinterpret_cast<sockaddr_in6 const*>(a);
    return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/// Zero, or errno.
int wait_until_connected(int descriptor, steady_time deadline)
{
    for (;;) {
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
        if (left <= 0) return ETIMEDOUT;
        pollfd p{descriptor, POLLOUT, 0};
        int const ready = ::poll(&p, 1, static_cast<int>(left));
        if (ready < 0 && errno != EINTR) return errno;
        if (ready <= 0) continue;
        int code = 0;
        socklen_t size = sizeof code;
        if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) != 0) return errno;
        return code;
    }
}

result<int> connect_to(sockaddr const* address, socklen_t size, steady_time deadline)
{
    int const descriptor = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return system_error(errno);
    int code = 0;
    // A local socket says EAGAIN while the other's queue is full.
    while (::connect(descriptor, address, size) != 0) {
        code = errno;
        if (code == EINTR || code == EINPROGRESS) {
            code = wait_until_connected(descriptor, deadline);
            break;
        }
        if (code != EAGAIN || steady_clock::now() >= deadline) break;
        ::usleep(10'000);
        code = 0;
    }
    if (code == 0) return descriptor;
    ::close(descriptor);
    return system_error(code);
}

result<connected> connect_local(std::string const& path, steady_time deadline)
{
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (path.size() >= sizeof to.sun_path) return unavailable(path + ": not a path of a socket");
    std::memcpy(to.sun_path, path.data(), path.size());
    auto descriptor = connect_to(reinterpret_cast<sockaddr const*>(&to), sizeof to, deadline);
    if (!descriptor) return unavailable(path + ": " + descriptor.error().logged);
    return connected{*descriptor, true};
}

void keep_alive(int descriptor)
{
    int const on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds_before_probe, sizeof idle_seconds_before_probe);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_milliseconds,
                 sizeof unacknowledged_milliseconds);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

result<connected> connect(server const& to, steady_time deadline)
{
    if (to.what == server::kind::local) return connect_local(to.host, deadline);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    if (int const code = ::getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &found); code != 0)
        return unavailable(to.host + ": " + ::gai_strerror(code));
    std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> const list{found, &::freeaddrinfo};
    error last = unavailable(to.host + ": no address");
    for (auto const* a = list.get(); a != nullptr; a = a->ai_next) {
        // One that swallows everything leaves time for the next.
        auto const now = steady_clock::now();
        auto const until = a->ai_next != nullptr ? now + (deadline - now) / 2 : deadline;
        auto descriptor = connect_to(a->ai_addr, a->ai_addrlen, until);
        if (descriptor) {
            keep_alive(*descriptor);
            return connected{*descriptor, is_loopback(a->ai_addr)};
        }
        last = std::move(descriptor).error();
    }
    return last;
}

}  // namespace postern::directory::ldapv3
