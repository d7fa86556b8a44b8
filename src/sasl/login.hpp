// LOGIN, never standardised (draft-murchison-sasl-login): two prompts, two answers.
// Outlook and many devices speak nothing else. Only under TLS. Both halves.
#pragma once

#include "sasl/client_mechanism.hpp"
#include "sasl/mechanism.hpp"

namespace postern::sasl {

std::unique_ptr<server_mechanism> make_login_server();
std::unique_ptr<client_mechanism> make_login_client(client_credentials credentials);

}  // namespace postern::sasl
