// The stream over a real socket (TCP or Unix), with OpenSSL directly on the
// non-blocking descriptor: no buffer is held while a connection is idle.
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "net/stream.hpp"

namespace postern::net {

/// Takes over a connected, non-blocking socket.
std::unique_ptr<stream> make_socket_stream(boost::asio::any_io_executor executor, int descriptor, endpoint remote,
                                           endpoint local);

/// What the kernel says of a socket's own end, or of the other; 0.0.0.0:0 for Unix sockets.
endpoint local_endpoint(int descriptor);
endpoint remote_endpoint(int descriptor);

}  // namespace postern::net
