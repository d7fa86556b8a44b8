// The gate itself: listeners, and one coroutine a connection that performs what the
// session asks for. Owns the I/O threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/settings.hpp"
#include "directory/directory.hpp"
#include "forwarding/book.hpp"
#include "guard/keeper.hpp"
#include "guard/sending.hpp"
#include "login/judges.hpp"
#include "net/listener.hpp"
#include "net/socket_file.hpp"
#include "signing/signer.hpp"
#include "spool/spool.hpp"
#include "submission/conduct_watch.hpp"
#include "submission/device_watch.hpp"
#include "submission/listening.hpp"
#include "submission/live_session.hpp"
#include "witness/book.hpp"

namespace postern::submission {

/// A bound, listening socket.
struct inherited_socket {
    net::socket_handle socket;
    std::string address;      // "[::]:587": as getsockname says it, or as configured
    net::socket_file file{};  // of a Unix socket
};

/// Who watches; they outlive the server.
struct guards {
    guard::keeper& logins;
    guard::sending_book& sending;
    conduct_watch& conduct;
    device_watch& devices;
    witness::book& checks_seen;
};

class server {
public:
    virtual ~server() = default;

    /// Starts to accept. Called after privileges have been dropped.
    virtual void start() = 0;
    /// Takes up new settings and reads the certificates again. On an error everything stays as
    /// it was. Running sessions keep what they began with.
    virtual result<> reload(config::settings const& s, login::judges judges) = 0;
    /// Stops listening, lets running transactions end, closes the rest when `timeouts.drain`
    /// is over. Returns when all sessions have ended and no I/O thread runs any more. What the
    /// spool and the directory still answer is then dropped: end them before this object.
    virtual void drain() = 0;
    /// Ends the I/O threads at once, with whatever sessions there still are. Safe to call again.
    virtual void stop() = 0;

    virtual std::vector<listening> listeners() const = 0;
    virtual std::size_t sessions() const = 0;
    /// At most so many of them, the oldest first. Each I/O thread is asked, between two steps of its sessions; one that
    /// has not answered after `patience` is left out.
    virtual std::vector<live_session> list_sessions(std::size_t most, steady_clock::duration patience) = 0;
};

/// Binds every listener and the socket of `postern sendmail`, all or none, so that it can be done as root, before privileges are
/// dropped. Sockets that a supervisor passed (sd_listen_fds) are used for the listeners whose
/// address they have. Errors say which address and what to do ("can't listen on 127.0.0.1:587:
/// the port is taken by another program; ..."). What comes back is for make_server().
result<std::vector<inherited_socket>> bind_listeners(config::settings const& s,
                                                     std::vector<inherited_socket> inherited);

/// Loads the certificates and keys that the settings name, as make_server() does, and changes
/// nothing. Gives what works but should be looked at, a sentence each.
result<std::vector<std::string>> check_certificates(config::settings const& s);

/// Loads the certificates and takes over the sockets of bind_listeners(). Errors name the file
/// and what to do.
result<std::unique_ptr<server>> make_server(config::settings const& s, login::judges judges,
                                            directory::directory& accounts, spool::spool& queue, guards g,
                                            signing::signer& signer, forwarding::book& forwards,
                                            std::vector<inherited_socket> sockets);

}  // namespace postern::submission
