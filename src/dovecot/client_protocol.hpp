// What a client of Dovecot's authentication protocol (version 1.2, as its documentation
// "Design/AuthProtocol" describes it) says and hears. Knows no socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::dovecot {

struct reply {
    enum class kind : std::uint8_t {
        ok,         // OK: right; USER: there is such a user
        fail,       // FAIL: wrong, or no such user
        temporary,  // FAIL with temp: it could not tell
        disabled,   // OK with nologin
        not_found,  // NOTFOUND
        other,      // of the handshake, or of another request
    };
    kind what = kind::other;
    std::uint32_t id = 0;
    std::string user;      // as the server writes it
    std::string reason;    // for the log
    bool nologin = false;  // the user may not log in; of USER, too
};
reply parse_reply(std::string_view line);

/// What a server says before the first request.
struct greeting {
    bool version_seen = false;
    bool plain = false;  // MECH PLAIN
    bool done = false;
};
/// False: not a server that we understand.
bool read_greeting(std::string_view line, greeting& g);

std::string hello(std::uint32_t client_id);
/// The line that asks about a password, with all secrets in it: wipe it.
std::string auth_request(std::uint32_t id, std::string_view name, std::string_view password);
std::string user_request(std::uint32_t id, std::string_view name);

}  // namespace postern::dovecot
