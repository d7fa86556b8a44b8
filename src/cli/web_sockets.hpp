// The listening sockets of the web process: bound, or handed over by whoever started it (the keeper, systemd).
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "config/settings.hpp"
#include "net/listener.hpp"

namespace postern::cli {

/// Sockets for each address: one for each of its threads.
inline constexpr unsigned web_sockets_each = 2;

struct web_sockets {
    std::vector<net::socket_handle> https, http;
};

/// [web] address and http_address; errors name the address and what to do.
result<web_sockets> bind_web_sockets(config::settings const& s);
/// Those named "http" (FileDescriptorName=) are for plain HTTP, all others for HTTPS.
web_sockets inherited_web_sockets();

/// The port of the pages as people see it: that of web.public_url, else the one that is listened at.
std::uint16_t https_port_of(config::settings const& s);

}  // namespace postern::cli
