// Signs octets with a server's certificate, so that whoever opens them sees who made them (CMS, RFC 5652): configuration
// profiles for iPhones and Macs.
#pragma once

#include <string>
#include <string_view>

#include "net/tls.hpp"

namespace postern::net {

/// DER, with the octets and the whole chain in it. Errors: the files can't be used.
result<std::string> sign_content(certificate_files const& files, std::string_view octets);

}  // namespace postern::net
