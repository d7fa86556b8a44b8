// SPF (RFC 7208) of a message's client: what is asked, and of whom. The rules are src/spf's.
#pragma once

#include <string>

#include "base/ip.hpp"
#include "checks/waiting_names.hpp"
#include "mail/address.hpp"
#include "mail/authentication.hpp"

namespace postern::checks {

mail::spf_finding check_spf(inquiry& names, ip_address const& client, std::string const& helo,
                            mail::path const& sender);

}  // namespace postern::checks
