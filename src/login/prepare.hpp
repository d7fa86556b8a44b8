// Has back ends asked before the directory is: what it needs of them is then at hand, and no
// thread waits. Costs nothing where no back end has to be asked.
#pragma once

#include <string>

#include "directory/directory.hpp"
#include "net/stream.hpp"

namespace postern::login {

/// For the user of that name. Whether all could be asked.
net::awaitable<directory::certainty> prepare(directory::directory& accounts, boost::asio::any_io_executor executor,
                                             std::string const& name, directory::freshness how);
/// For whoever has that address.
net::awaitable<void> prepare_address(directory::directory& accounts, boost::asio::any_io_executor executor,
                                     mail::mailbox const& address);

}  // namespace postern::login
