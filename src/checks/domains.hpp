// Which domains belong together: what is registered below a public suffix.
#pragma once

#include <string>

namespace postern::checks {

/// "example.co.uk" of "mail.example.co.uk" (RFC 7489 section 3.2); of a public suffix itself.
std::string organizational_domain(std::string const& domain);

/// RFC 7489 section 3.1: `strict` wants the same domain, else the same organization's will do.
bool aligned(std::string const& proven, std::string const& wanted, bool strict);

}  // namespace postern::checks
