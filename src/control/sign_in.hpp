// web sign-in: an address and a password become a visit. Judged by the same desk, and counted by the same guard,
// as log-ins at the mail ports; a refusal says the same, at the same time, whatever was wrong.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "control/commands.hpp"
#include "login/desk.hpp"
#include "net/stream.hpp"

namespace postern::control {

/// `c.caller.from` is the client's address. Gives {session, csrf} and what `web session` shows.
net::awaitable<outcome> sign_in(login::services logins, context c, boost::json::object given,
                                boost::asio::any_io_executor executor);

}  // namespace postern::control
