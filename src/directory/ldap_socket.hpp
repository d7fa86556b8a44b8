// A socket to an LDAP server, connected before a deadline. libldap's own way of connecting
// waits for each address in turn, and for what a server says as long as that likes.
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "directory/ldap_servers.hpp"

namespace postern::directory::ldapv3 {

struct connected {
    int descriptor = -1;        // non-blocking; the caller closes it
    bool on_this_host = false;  // what travels there can't be listened to
};

/// Tries the addresses of the host one by one. Looking the name up takes as long as the system's
/// resolver does.
result<connected> connect(server const& to, steady_time deadline);

}  // namespace postern::directory::ldapv3
