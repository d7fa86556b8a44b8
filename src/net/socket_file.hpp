// A Unix socket in the file system: made so that nobody connects before owner and mode are
// right, put into its place at once, and taken away only while it is ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "net/listener.hpp"

namespace postern::net {

/// Octets that the path of one may have: the kernel's bound, less what it is called while it is made.
inline constexpr std::size_t longest_socket_path = 103;

struct socket_file_options {
    std::string path;
    std::string owner, group;                     // names; empty: those of the process
    std::string mode;                             // octal digits
    std::optional<std::uint32_t> group_number{};  // instead of a name
};

class socket_file {
public:
    socket_file() = default;
    socket_file(socket_file&& other) noexcept;
    socket_file& operator=(socket_file&& other) noexcept;
    ~socket_file() { remove(); }

    /// Listens in `descriptor` then. Takes the place of a socket that nobody listens on any more.
    /// Errors name the file and what to do.
    static result<socket_file> make(socket_file_options const& wanted, socket_handle& descriptor);
    /// Another owner or mode, of the socket that is there.
    result<> change(socket_file_options const& wanted) const;
    void remove() noexcept;

private:
    std::string path_;  // empty: none
    std::uint64_t device_ = 0, node_ = 0;
};

}  // namespace postern::net
