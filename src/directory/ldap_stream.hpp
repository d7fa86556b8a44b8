// How libldap reads and writes its socket. With GnuTLS, its handshake knows no deadline: it
// tries again and again as long as the server likes. So the socket waits during a handshake,
// until a deadline after which it is broken, and never otherwise.
#pragma once

#include "base/clock.hpp"

struct ldap;

namespace postern::directory::ldapv3 {

class stream {
public:
    /// For a handle that was made with LDAP_PROTO_EXT, which must not outlive this. From then on
    /// the handle closes the socket.
    bool give_to(::ldap* handle);

    void begin_handshake(steady_time deadline) noexcept
    {
        waits_ = true;
        deadline_ = deadline;
    }
    void end_handshake() noexcept { waits_ = false; }

    /// Whether to try again after EAGAIN; else errno says why not.
    bool wait(int descriptor, short events) const;

private:
    bool waits_ = false;
    steady_time deadline_{};
};

}  // namespace postern::directory::ldapv3
