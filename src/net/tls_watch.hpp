// Looks over the shoulder of a client's handshake. Included by net/*.cpp only.
#pragma once

#include <string>

#include <openssl/ssl.h>

#include "net/stream.hpp"

namespace postern::net {

/// What happened on the way.
struct tls_watch {
    int alert = -1;  // that the server sent; -1: none
    bool wants_certificate = false;
    std::string instead_of_record{};
};

/// Before the handshake; `watch` outlives the SSL.
void watch_server(SSL* ssl, tls_watch& watch);
/// After it, however it ended.
tls_observations observe_server(SSL* ssl, std::string const& name, tls_watch const& watch);

}  // namespace postern::net
