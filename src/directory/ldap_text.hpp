// Names that strangers choose, as parts of LDAP filters (RFC 4515) and of distinguished
// names (RFC 4514). What is not plainly harmless is escaped, so that a name is never more
// than a value.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace postern::directory::ldapv3 {

/// For both: RFC 4515 section 3 and RFC 4514 section 2.4 take a backslash and two hexadecimal
/// digits for any octet.
std::string escape(std::string_view value);

/// Whether a name can stand in a request at all: UTF-8 (RFC 4511 section 4.1.2), not too
/// long, with something before and behind its last @.
bool is_askable(std::string_view address);

/// The pattern with %u (the whole address), %n (what is before its last @), %d (its domain)
/// and %% filled in, escaped.
std::string fill(std::string_view pattern, std::string_view address);

/// What an attribute says that switches something on or off: "FALSE", "no", "off", "0" and
/// "disabled" are off, whatever the letter case; all else is on.
bool says_off(std::string_view value);

/// Whether Active Directory's userAccountControl and accountExpires, either of which may not be there, say
/// that the account is disabled or has expired.
bool windows_says_off(std::string_view flags, std::string_view expiry, wall_time now);

}  // namespace postern::directory::ldapv3
