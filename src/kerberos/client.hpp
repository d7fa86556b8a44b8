// The client half of GSSAPI (RFC 4752): logs in with a Kerberos ticket that this machine's user has
// (kinit, $KRB5CCNAME). Of the security layers only "none" is taken: TLS is what protects the connection.
// The server half is sasl's, with directory's keys.
#pragma once

#include <memory>
#include <string>

#include "sasl/client_mechanism.hpp"

namespace postern::kerberos {

/// For the service "smtp" at `host`, as the ticket's owner, or for `authzid`. The library may ask a KDC:
/// each step works long.
std::unique_ptr<sasl::client_mechanism> make_client(std::string host, std::string authzid);

}  // namespace postern::kerberos
