// What can be read off a TLS connection that is up. Included by net/*.cpp only.
#pragma once

#include <openssl/ssl.h>

#include "net/stream.hpp"

namespace postern::net {

/// The channel bindings of either side's end.
tls_bindings bindings_of(SSL* ssl);

}  // namespace postern::net
