// web sign-in: an address and a password become a visit. Judged by the same desk, and counted by the same guard,
// as log-ins at the mail ports; a refusal says the same, at the same time, whatever was wrong. The time is the caller's to
// keep: to wait takes nothing that others need.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "control/commands.hpp"
#include "login/desk.hpp"
#include "net/stream.hpp"

namespace postern::control {

struct judged_sign_in {
    judged_sign_in(outcome o, steady_time t = {}) : told(std::move(o)), not_before(t) {}
    outcome told;  // {session, csrf} and what `web session` shows
    steady_time not_before;
};

/// `c.caller.from` is the client's address.
net::awaitable<judged_sign_in> sign_in(login::services logins, context c, boost::json::object given,
                                       boost::asio::any_io_executor executor);

}  // namespace postern::control
