// One connection: reads requests one after the other, finds who answers, writes the answer. It has bounds for everything
// and a deadline for every wait; what is not clear is answered with 400 and the end of the connection.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "net/stream.hpp"
#include "net/tls.hpp"
#include "web/router.hpp"

namespace postern::web {

/// What the connections of one I/O thread share; it outlives them.
struct house {
    router const* table = nullptr;
    server_link* server = nullptr;
    std::shared_ptr<net::tls_context> tls;  // replaced when certificates change; null: not there yet
    std::uint16_t https_port = 443;         // as people see it; for those led there
    bool crowded = false;                   // connections that wait for nothing end soon
    std::atomic<std::size_t> busy = 0;      // connections with a request; the only part that other threads read
    bool ending = false;                    // each ends after the answer that it is at
};

/// `secure`: TLS from the first octet. Returns when the connection is over.
net::awaitable<void> serve_connection(house& h, net::stream& peer, bool secure);

}  // namespace postern::web
