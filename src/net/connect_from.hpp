// connect() from a chosen address of this machine: for who wants to be seen as a certain client.
#pragma once

#include "net/stream.hpp"

namespace postern::net {

/// As connect(); `from` has the family of `to`.
awaitable<net_result<std::unique_ptr<stream>>> connect_from(boost::asio::any_io_executor executor, ip_address from,
                                                            endpoint to, steady_clock::duration limit);

}  // namespace postern::net
