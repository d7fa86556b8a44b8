// EXTERNAL, RFC 4422 appendix A: the identity was proven outside of the exchange, here by
// the TLS client's certificate; the client only says whom it wants to be. The server half.
#pragma once

#include <memory>

#include "sasl/mechanism.hpp"

namespace postern::sasl {

std::unique_ptr<server_mechanism> make_external_server(server_options const& options);

}  // namespace postern::sasl
