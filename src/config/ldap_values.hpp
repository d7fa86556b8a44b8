// The written forms of what a [[backend]] of type "ldap" says, as far as that can be judged
// without asking a server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"

namespace postern::config {

/// "ldap://host:389", "ldaps://[2001:db8::1]", "ldapi://%2Frun%2Fslapd%2Fldapi", nothing behind.
bool is_ldap_url(std::string_view text, std::string& why);

/// "(mail=%u)": in parentheses, each of them closed, and about the name.
bool is_ldap_filter(std::string_view text, std::string& why);

/// "uid=%n,ou=people,dc=example,dc=com".
bool is_ldap_name_pattern(std::string_view text, std::string& why);

/// What the keys of one back end do not say together.
std::vector<std::string> ldap_problems(backend const& b);

}  // namespace postern::config
