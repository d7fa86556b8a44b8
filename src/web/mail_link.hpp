// server_link over the web socket: a few connections that stay open, one question at a time on each, and a short line of
// those that wait. One for each I/O thread.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "web/server_link.hpp"

namespace postern::web {

/// `path`: of the web socket. The mail process may come and go; it need not be there yet.
std::unique_ptr<server_link> make_mail_link(boost::asio::any_io_executor executor, std::string path);

}  // namespace postern::web
