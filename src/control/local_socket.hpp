// The control socket's file: data_dir/control.sock, mode 0600, owned by the service's user.
// Blocking sockets with deadlines; both ends of the protocol use them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace postern::control {

/// Closes a descriptor when it goes.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept
    {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~descriptor() { reset(); }
    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    void reset() noexcept;

private:
    int fd_ = -1;
};

/// Binds and listens. A socket that a crashed server left is replaced; the caller holds the
/// instance lock, so no other server can own it.
result<descriptor> listen_on_control_socket(std::filesystem::path const& data_dir);

struct connection_attempt {
    descriptor socket;
    int error_number = 0;  // of connect, when there is no socket
};
connection_attempt connect_to_control_socket(std::filesystem::path const& data_dir);

/// Up to and without LF, at most `limit` octets, before `deadline`. The text is wiped by whoever
/// takes it, if it may hold a secret. Errors: closed early, too long, too slow.
result<std::string> read_line(int socket, std::size_t limit, steady_time deadline);
result<> write_all(int socket, std::string_view octets, steady_time deadline);

}  // namespace postern::control
