// What the connections of the auth sockets have in common, and what they look things up in.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/settings.hpp"
#include "directory/directory.hpp"
#include "guard/keeper.hpp"
#include "login/desk.hpp"
#include "net/stream.hpp"

namespace postern::auth {

/// What is in force; a reload makes a new one, and running exchanges keep theirs.
struct state {
    config::settings settings;
    login::judges judges;
};

struct services {
    login::services logins;
    std::function<std::shared_ptr<state const>()> in_force;  // on the connections' thread
};

/// The socket that a connection came through.
struct door {
    std::string name;  // path or address
    config::auth_socket configured;
};

class connection {
public:
    virtual ~connection() = default;
    /// The whole life of it; `self` keeps it there.
    virtual net::awaitable<void> run(std::shared_ptr<connection> self) = 0;
    /// Called now and then: what nobody went on with is forgotten.
    virtual void sweep() {}
    /// Ends as soon as nothing is under way.
    virtual void drain() = 0;
    /// Ends now.
    virtual void cut() = 0;
};

/// How long a client may take to say who it is, and to read what it is told.
inline constexpr std::chrono::seconds handshake_deadline{30};
inline constexpr std::chrono::seconds write_deadline{60};

}  // namespace postern::auth
