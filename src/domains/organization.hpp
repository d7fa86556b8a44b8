// Which domains belong to one organization: what is registered below a public suffix (publicsuffix.org).
#pragma once

#include <string>

namespace postern::domains {

/// "example.co.uk" of "mail.example.co.uk" (RFC 7489 section 3.2), in small letters and A-labels; of a public
/// suffix itself. Below a suffix that nobody knows, one label counts.
std::string organization_of(std::string const& domain);

/// Registered by nobody in particular: "com", "co.uk", "github.io".
bool is_public_suffix(std::string const& domain);

}  // namespace postern::domains
