// The Unix socket that `postern sendmail` gives its mail to: one more listener, for programs
// of this machine. Who may open it may send; the kernel says who it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "config/settings.hpp"
#include "net/listener.hpp"
#include "net/socket_file.hpp"

namespace postern::submission {

/// The address of that listener, "unix:/run/postern/sendmail".
std::string program_socket_address(config::settings const& s);
bool is_program_socket(std::string_view address) noexcept;
/// The listener of that address.
config::listener program_listener(std::string address);

struct program_socket {
    net::socket_handle socket;
    net::socket_file file;
};

/// Makes it. Nothing where the settings want none, or where they leave it at its default and that
/// can't be had: the service's own folder is not there, or another server has the socket.
result<std::optional<program_socket>> bind_program_socket(config::settings const& s);

}  // namespace postern::submission
