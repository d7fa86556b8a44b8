// What can be read off a TLS connection that is up. Included by net/*.cpp only.
#pragma once

#include <openssl/ssl.h>

#include "net/stream.hpp"
#include "net/tls_context.hpp"

namespace postern::net {

/// The channel bindings of either side's end.
tls_bindings bindings_of(SSL* ssl);
/// What the client showed, looked at with the authorities of the context.
peer_certificate certificate_of(SSL* ssl, tls_context const& context);

/// Before the handshake: what the server's certificate is held against.
void expect_server(SSL* ssl, server_identity const& server);
/// After it: whether it holds.
void judge_server(SSL* ssl, server_identity const& server, tls_state& state);

}  // namespace postern::net
