// Whether what SPF or DKIM proved is the domain of the From field (DMARC's alignment).
#pragma once

#include <string>

namespace postern::checks {

/// RFC 7489 section 3.1: `strict` wants the same domain, else the same organization's will do.
bool aligned(std::string const& proven, std::string const& wanted, bool strict);

}  // namespace postern::checks
