// EXTERNAL, RFC 4422 appendix A: the identity was proven outside of the exchange, here by
// the TLS client's certificate; the client only says whom it wants to be. Both halves.
#pragma once

#include <memory>

#include "sasl/client_mechanism.hpp"
#include "sasl/mechanism.hpp"

namespace postern::sasl {

std::unique_ptr<server_mechanism> make_external_server(server_options const& options);
/// Asks to be `authcid`; where that is empty, whoever the certificate is for.
std::unique_ptr<client_mechanism> make_external_client(client_credentials credentials);

}  // namespace postern::sasl
