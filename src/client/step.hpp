// How one step of a conversation ended.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "client/first_octets.hpp"
#include "net/stream.hpp"
#include "smtp/reply_parser.hpp"

namespace postern::client {

enum class ending : std::uint8_t {
    done,          // no reply belongs to it (connect, a handshake), and it went well
    reply,         // `said` came, good or bad
    unconnected,   // `error` says why: refused, unreachable, ...
    timed_out,     // nothing, or not enough of it, within the time
    closed,        // by the other side, or broken (`error`)
    malformed,     // no SMTP: `service` and `first` say what
    tls_refused,   // the handshake failed: `alert`, `problem`
    not_possible,  // we did not even try: `problem`
};

struct step_result {
    ending how = ending::not_possible;
    smtp::reply said{};
    net::error_code error{};
    client::service service = client::service::unknown;  // malformed
    std::string first{};                                 // malformed: the first octets, printable
    std::string alert{};                                 // tls_refused: the name of the server's alert
    std::string problem{};                               // words, printable, without secrets
    steady_clock::duration took{};

    /// Went well: done, or a reply of 2xx or 3xx.
    bool ok() const noexcept { return how == ending::done || (how == ending::reply && said.code < 400); }
    /// One printable line: "550 5.1.1 no such user", "no answer within the time".
    std::string to_string() const;
};

}  // namespace postern::client
