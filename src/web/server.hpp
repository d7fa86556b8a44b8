// The web process's I/O: its threads, its listening sockets, its connections. A connection stays on one thread for life.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/listener.hpp"
#include "net/tls.hpp"
#include "web/router.hpp"

namespace postern::web {

struct server_options {
    std::vector<net::socket_handle> https, http;  // bound and listening; several may share an address
    std::string mail_socket;                      // the web socket of the mail process
    unsigned threads = 1;
};

class server {
public:
    virtual ~server() = default;  // ends at once
    /// Takes connections from here on; also called again, when certificates or the address that people see have changed.
    virtual void serve(std::shared_ptr<net::tls_context> tls, std::uint16_t https_port) = 0;
    /// Takes no more connections, lets answers end for some seconds, and ends.
    virtual void drain() = 0;

    /// Runs a task on one of the threads, with its link to the mail process; never two of these at once.
    using task = std::function<net::awaitable<void>(server_link&)>;
    virtual void run(task what) = 0;
};

/// `table` outlives it.
std::unique_ptr<server> make_server(router const& table, server_options o);

}  // namespace postern::web
