// Listening sockets: binding them, and taking connections off them without ever
// spinning when descriptors run out.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "base/result.hpp"
#include "net/stream.hpp"

namespace postern::net {

/// An open descriptor, closed with this object unless taken.
class socket_handle {
public:
    socket_handle() = default;
    explicit socket_handle(int descriptor) : descriptor_(descriptor) {}
    socket_handle(socket_handle&& other) noexcept : descriptor_(other.take()) {}
    socket_handle& operator=(socket_handle&& other) noexcept;
    ~socket_handle();

    int get() const noexcept { return descriptor_; }
    int take() noexcept;

private:
    int descriptor_ = -1;
};

/// One address to listen on: ":587" and "[::]:587" mean every address of both families
/// (unless `only_ipv6`), a port 0 any free port. `count` sockets share it (SO_REUSEPORT),
/// one for each I/O thread. Errors name the address and what to do.
result<std::vector<socket_handle>> bind_sockets(std::string const& address, bool only_ipv6, unsigned count);

/// The address a bound socket has: "[::]:587", "127.0.0.1:2587".
std::string bound_address(int descriptor);

/// What becomes of new connections.
struct acceptor_handlers {
    std::function<void(std::unique_ptr<stream>)> taken;
    /// For one that no descriptor is left for: what to tell it.
    std::function<std::string(endpoint remote)> turned_away;
};

/// Takes every new connection, on the executor, until stopped. Must be owned by and used on
/// the executor's thread.
class acceptor {
public:
    virtual ~acceptor() = default;
    virtual void stop() = 0;
};
std::unique_ptr<acceptor> start_acceptor(boost::asio::any_io_executor const& executor, socket_handle socket,
                                         acceptor_handlers handlers);

}  // namespace postern::net
