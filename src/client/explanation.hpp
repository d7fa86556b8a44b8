// What to tell of a failure: a row of the catalogue, which has what happened and what to do. Pure.
#pragma once

#include "catalogue/catalogue.hpp"
#include "client/sender.hpp"

namespace postern::client {

/// What decides, besides the trouble itself.
struct circumstances {
    std::uint16_t port = 0;
    bool tls = false;           // the connection is encrypted
    bool wanted_login = false;  // there was something to log in with
    std::string host{};
    std::vector<std::string> offered{};  // mechanisms
    net::tls_observations seen{};
    wall_time now{};
};
circumstances circumstances_of(sender const& s, bool wanted_login);

/// The most specific row that fits.
catalogue::rule const& explain(trouble const& t, circumstances const& c);

/// How it ended, for programs and exit statuses.
enum class verdict : std::uint8_t {
    sent,
    refused,       // for good: by the server, or since it can't take such a message
    deferred,      // 4xx: later it may work
    login_failed,  // refused, or impossible
    unprotected,   // TLS can't be had or trusted, or a password was kept back for that
    not_reached    // no conversation: no such host, no connection, no SMTP there
};
verdict judge(trouble const& t) noexcept;
std::string_view name_of(verdict v) noexcept;

}  // namespace postern::client
