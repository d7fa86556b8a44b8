// The running server's end of the control socket: a few threads that take one request
// a connection, run the command and answer. Only root and the service's own user are
// served.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "control/commands.hpp"

namespace postern::control {

class server {
public:
    virtual ~server() = default;  // stops
    /// Closes the socket, lets running commands end.
    virtual void stop() = 0;
};

/// `now`: what commands work on at this moment; called for each request, from any thread.
result<std::unique_ptr<server>> make_server(std::filesystem::path const& data_dir, std::function<context()> now);

}  // namespace postern::control
