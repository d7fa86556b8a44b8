// Where the DNS keeps the names of an address.
#pragma once

#include <string>

#include "base/ip.hpp"

namespace postern {

/// "1.2.0.192.in-addr.arpa" (RFC 1035 section 3.5), "...ip6.arpa" (RFC 3596 section 2.5).
std::string reverse_name(ip_address const& a);

}  // namespace postern
