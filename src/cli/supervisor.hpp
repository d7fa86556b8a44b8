// What passes between the server and the supervisor that started it (systemd): sockets
// that come in, states that go out. Without a supervisor nothing happens.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "submission/server.hpp"

namespace postern::cli {

/// Sockets of socket activation (sd_listen_fds); what isn't a listening stream socket is closed.
std::vector<submission::inherited_socket> inherited_sockets();

void notify_ready(std::string const& status);
void notify_reloading();
void notify_stopping();
void notify_alive();
/// How often notify_alive() is due, when the supervisor watches.
std::optional<std::chrono::milliseconds> watchdog_interval();

}  // namespace postern::cli
