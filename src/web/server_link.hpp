// How the web process asks the mail process: a command of control's table over the web socket, on behalf of whoever is
// signed in. An interface, so that handlers are tested with a table of answers (web/fixture.hpp). It decides nothing:
// who may do what is the mail process's affair.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/ip.hpp"
#include "control/protocol.hpp"
#include "net/stream.hpp"

namespace postern::web {

class server_link {
public:
    virtual ~server_link() = default;

    /// `session`: the token of who is signed in, from the cookie or the Authorization field; empty: nobody. It stays
    /// valid until the answer is there (it stands in the request). `client`: who asks; the guard counts by it.
    /// When the mail process is down, slow or has too much to do, the outcome is a failure of kind `unavailable`,
    /// after some seconds at most (a sign-in: half a minute). Belongs to one thread: its answers come on it.
    virtual net::awaitable<control::outcome> ask(std::string command, boost::json::object arguments,
                                                 std::string_view session, ip_address client) = 0;
};

}  // namespace postern::web
