// The web socket: where the process that serves the web pages has commands done for the people there. Many
// requests a connection, on a bounded number of threads of its own; what each person may do, the table of commands
// says. Only root, the server's own user and that process's user are served.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "control/commands.hpp"
#include "login/desk.hpp"
#include "net/listener.hpp"
#include "net/socket_file.hpp"

namespace postern::control {

/// Where it is: web.socket, else web.sock in data_dir or, where the two processes have different users, in /run/postern.
std::filesystem::path web_socket_path(config::settings const& s);

struct bound_web_door {
    net::socket_handle socket;
    net::socket_file file;
    std::optional<std::uint32_t> user;  // whom the other process runs as, where that is somebody else
};

/// Whether that is the server's own folder: then it is made when nobody else has that any more, else as root where we are.
bool is_in_data_dir(config::settings const& s);
/// Makes the socket. Nothing where the settings want no web pages.
result<std::optional<bound_web_door>> bind_web_door(config::settings const& s);

class web_door {
public:
    virtual ~web_door() = default;
    virtual void start() = 0;
    /// Takes no more requests; commands that run end. Safe to call again. What is asked of others may still be
    /// answered to it, so it lives until they have ended.
    virtual void stop() = 0;
};

/// `now`: as for the control socket. `logins`: who is asked about log-ins.
std::unique_ptr<web_door> make_web_door(bound_web_door door, login::services logins, std::function<context()> now);

}  // namespace postern::control
