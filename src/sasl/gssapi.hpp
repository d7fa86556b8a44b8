// GSSAPI, RFC 4752: a Kerberos 5 ticket. The client's and the library's tokens go back and
// forth until the context stands; then both agree on a security layer. Only "none" is
// offered: TLS is what protects the connection. Channel bindings are no part of this
// mechanism. The server half; the library is the caller's, so that this file is only the order
// of the exchange.
#pragma once

#include <memory>

#include "sasl/mechanism.hpp"

namespace postern::sasl {

std::unique_ptr<server_mechanism> make_gssapi_server();

}  // namespace postern::sasl
