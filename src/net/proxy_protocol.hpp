// PROXY protocol, versions 1 and 2 (HAProxy's specification): who really connects.
// A pure parser over the first octets of a connection.
#pragma once

#include <optional>
#include <string_view>

#include "base/ip.hpp"

namespace postern::net {

struct proxy_header {
    std::size_t size = 0;  // octets that it takes
    bool local = false;    // the proxy speaks for itself (health check): addresses are the socket's
    endpoint source, destination;
};

enum class proxy_state { incomplete, complete, invalid };

/// A version 1 header is at most 107 octets, one of version 2 at most `proxy_header_limit`.
constexpr std::size_t proxy_header_limit = 16 + 2048;

/// `octets`: what has come so far.
proxy_state parse_proxy_header(std::string_view octets, proxy_header& out);

}  // namespace postern::net
