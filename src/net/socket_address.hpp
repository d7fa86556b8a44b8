// Between endpoints and the kernel's socket addresses. For the files that call it, never for headers.
#pragma once

#include <sys/socket.h>

#include "base/ip.hpp"

namespace postern::net {

sockaddr_storage to_sockaddr(endpoint const& e, socklen_t& size);
/// 0.0.0.0:0 for other families than IPv4 and IPv6.
endpoint from_sockaddr(sockaddr_storage const& a);

}  // namespace postern::net
