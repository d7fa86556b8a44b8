// A Unix socket in the file system: made so that nobody connects before owner and mode are
// right, put into its place at once, and taken away only while it is ours.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "config/settings.hpp"
#include "net/listener.hpp"

namespace postern::auth {

class socket_file {
public:
    socket_file() = default;
    socket_file(socket_file&& other) noexcept;
    socket_file& operator=(socket_file&& other) noexcept;
    ~socket_file() { remove(); }

    /// Listens in `descriptor` then. Takes the place of a socket that nobody listens on any more.
    /// Errors name the file and what to do.
    static result<socket_file> make(config::auth_socket const& wanted, net::socket_handle& descriptor);
    /// Another owner or mode, of the socket that is there.
    result<> change(config::auth_socket const& wanted) const;
    void remove() noexcept;

private:
    std::string path_;  // empty: none
    std::uint64_t device_ = 0, node_ = 0;
};

}  // namespace postern::auth
