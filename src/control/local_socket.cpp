#include "control/local_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/secret.hpp"

namespace postern::control {
namespace {

constexpr std::string_view file_name = "control.sock";

error failed(std::string what, int number) { return {{4, 3, 0}, "", std::move(what) + ": " + std::strerror(number)}; }

/// The socket's address. A path longer than the 107 octets of sun_path goes by way of a
/// descriptor of the folder, which the caller keeps open while it uses the address.
struct socket_address {
    sockaddr_un un{};
    descriptor folder;

    sockaddr const* get() const noexcept { return reinterpret_cast<sockaddr const*>(&un); }
};

result<socket_address> address_in(std::filesystem::path const& data_dir)
{
    socket_address a;
    a.un.sun_family = AF_UNIX;
    auto path = (data_dir / file_name).string();
    if (path.size() >= sizeof a.un.sun_path) {
        a.folder = descriptor{::open(data_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
        if (!a.folder) return failed("can't open " + data_dir.string(), errno);
        path = "/proc/self/fd/" + std::to_string(a.folder.get()) + "/" + std::string{file_name};
    }
    std::copy(path.begin(), path.end(), a.un.sun_path);
    return a;
}

/// Waits until the socket is ready; false when the deadline passed.
bool wait_for(int socket, short events, steady_time deadline)
{
    for (;;) {
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
        if (left <= 0) return false;
        pollfd p{socket, events, 0};
        int const ready = ::poll(&p, 1, static_cast<int>(std::min<long>(left, 60'000)));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

/// Grows without leaving what it held in freed memory.
void append_wiping(std::string& all, std::string_view piece)
{
    if (all.capacity() - all.size() < piece.size()) {
        std::string larger;
        larger.reserve((all.size() + piece.size()) * 2);
        larger = all;
        wipe(all.data(), all.size());
        all = std::move(larger);
    }
    all.append(piece);
}

}  // namespace

void descriptor::reset() noexcept
{
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

result<descriptor> listen_on_control_socket(std::filesystem::path const& data_dir)
{
    auto address = address_in(data_dir);
    if (!address) return std::move(address.error());
    descriptor s{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!s) return failed("can't make a socket", errno);
    auto const file = data_dir / file_name;
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) return failed("can't remove the old " + file.string(), errno);
    // The mode must be right from the start: between bind and chmod anybody could connect.
    auto const before = ::umask(0177);
    int const bound = ::bind(s.get(), address->get(), sizeof address->un);
    int const number = errno;
    ::umask(before);
    if (bound != 0) return failed("can't make the control socket " + file.string(), number);
    if (::listen(s.get(), 64) != 0) return failed("can't listen on " + file.string(), errno);
    return s;
}

connection_attempt connect_to_control_socket(std::filesystem::path const& data_dir)
{
    auto address = address_in(data_dir);
    if (!address) return {{}, ENOENT};
    descriptor s{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!s) return {{}, errno};
    if (::connect(s.get(), address->get(), sizeof address->un) != 0) return {{}, errno};
    return {std::move(s), 0};
}

result<std::string> read_line(int socket, std::size_t limit, steady_time deadline)
{
    std::string line;
    std::array<char, 16384> piece;
    for (;;) {
        if (!wait_for(socket, POLLIN, deadline)) {
            wipe(line.data(), line.size());
            return error{{4, 4, 2}, "", "the other side was too slow"};
        }
        auto const got = ::recv(socket, piece.data(), piece.size(), MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got <= 0) {
            wipe(line.data(), line.size());
            return error{{4, 4, 2}, "", "the other side closed the connection"};
        }
        std::string_view const octets{piece.data(), static_cast<std::size_t>(got)};
        auto const end = octets.find('\n');
        append_wiping(line, octets.substr(0, end));
        wipe(piece.data(), octets.size());
        if (line.size() > limit) {
            wipe(line.data(), line.size());
            return error{{5, 5, 2}, "", "longer than " + std::to_string(limit) + " octets"};
        }
        if (end != std::string_view::npos) return line;
    }
}

result<> write_all(int socket, std::string_view octets, steady_time deadline)
{
    while (!octets.empty()) {
        if (!wait_for(socket, POLLOUT, deadline)) return error{{4, 4, 2}, "", "the other side was too slow"};
        auto const sent = ::send(socket, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (sent < 0) return failed("the other side is gone", errno);
        octets.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

}  // namespace postern::control
