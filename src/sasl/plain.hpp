// PLAIN, RFC 4616: authorization identity, name and password in one message. Only
// under TLS. Both halves.
#pragma once

#include "sasl/client_mechanism.hpp"
#include "sasl/mechanism.hpp"

namespace postern::sasl {

std::unique_ptr<server_mechanism> make_plain_server();
std::unique_ptr<client_mechanism> make_plain_client(client_credentials credentials);

}  // namespace postern::sasl
