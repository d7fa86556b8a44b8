// server_link over the web socket: a few connections that stay open, one question at a time on each, and a short line of
// those that wait. One for each I/O thread.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "web/server_link.hpp"

namespace postern::web {

class mail_link : public server_link {
public:
    /// Before the executor goes: closes what is open and waits for a question. The object itself is needed until the
    /// coroutines that asked are gone.
    virtual void close() = 0;
};

/// `path`: of the web socket. The mail process may come and go; it need not be there yet.
std::unique_ptr<mail_link> make_mail_link(boost::asio::any_io_executor executor, std::string path);

}  // namespace postern::web
