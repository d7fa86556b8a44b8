// The auth sockets: where other mail servers ask about log-ins and users. One thread serves
// all of them; what takes long is done elsewhere (hashing, back ends).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/connection.hpp"
#include "base/result.hpp"
#include "net/listener.hpp"
#include "net/socket_file.hpp"

namespace postern::auth {

/// A socket that listens, and its file, if it has one.
struct bound_door {
    door what;
    net::socket_handle socket;
    net::socket_file file;
};

/// Makes all sockets of the settings, or none; called as root where we are, before privileges
/// are dropped. What comes back is for make_server().
result<std::vector<bound_door>> bind_doors(config::settings const& s);

class server {
public:
    virtual ~server() = default;

    virtual void start() = 0;
    /// Makes the new sockets and takes the old ones away; connections that there are stay. On
    /// an error everything stays as it was.
    virtual result<> reload(config::settings const& s, login::judges judges) = 0;
    /// Stops listening, and ends when no exchange waits for an answer of ours, or when
    /// `timeouts.drain` is over.
    virtual void drain() = 0;
    /// Ends the thread at once. Safe to call again.
    virtual void stop() = 0;

    struct listening {
        std::string address;  // path or address, with the real port
        std::string role;
    };
    virtual std::vector<listening> listeners() const = 0;
};

std::unique_ptr<server> make_server(config::settings const& s, login::judges judges, login::services logins,
                                    std::vector<bound_door> doors);

}  // namespace postern::auth
