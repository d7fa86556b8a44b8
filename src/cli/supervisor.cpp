#include "cli/supervisor.hpp"

#include <algorithm>
#include <ctime>

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

namespace postern::cli {
namespace {

std::uint64_t monotonic_microseconds()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

std::vector<submission::inherited_socket> inherited_sockets()
{
    std::vector<submission::inherited_socket> sockets;
    int const count = ::sd_listen_fds(1);
    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; ++fd) {
        net::socket_handle socket{fd};
        if (::sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) continue;
        // The supervisor's choice may be either; ours is not to block.
        if (::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) continue;
        auto address = net::bound_address(fd);
        sockets.push_back({std::move(socket), std::move(address)});
    }
    return sockets;
}

void notify_ready(std::string const& status)
{
    ::sd_notifyf(0, "READY=1\nMAINPID=%ld\nSTATUS=%s", static_cast<long>(::getpid()), status.c_str());
}

void notify_reloading()
{
    // Type=notify-reload asks for the time too.
    ::sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=Reading the configuration again",
                 static_cast<unsigned long long>(monotonic_microseconds()));
}

void notify_stopping() { ::sd_notify(0, "STOPPING=1\nSTATUS=Ending: running transactions may finish"); }

void notify_alive() { ::sd_notify(0, "WATCHDOG=1"); }

std::optional<std::chrono::milliseconds> watchdog_interval()
{
    std::uint64_t limit = 0;
    if (::sd_watchdog_enabled(0, &limit) <= 0) return std::nullopt;
    // Twice as often as needed.
    return std::max(std::chrono::milliseconds{1},
                    std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds{limit / 2}));
}

}  // namespace postern::cli
