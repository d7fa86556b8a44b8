// Kerberos principals, and whose account one is. Never by guess: a realm is for the domain
// that the configuration names for it, a principal for the account that it is bound to, and
// any other is nobody's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::sasl {

/// "imap/mail.example.com@EXAMPLE.COM": two components and a realm.
struct principal {
    std::vector<std::string> components;
    std::string realm;
    friend bool operator==(principal const&, principal const&) = default;
};
/// As the Kerberos library writes them, RFC 1964 section 2.1.1: a backslash takes the meaning
/// from what follows. Nothing for what has no realm or no name, and for control characters.
std::optional<principal> parse_principal(std::string_view text);

struct principal_rules {
    struct realm_domain {  // "anna@REALM" is "anna@domain"
        std::string realm, domain;
    };
    struct binding {  // goes before those
        std::string principal, account;
    };
    std::vector<realm_domain> realms;
    std::vector<binding> bindings;
};

struct principal_owner {
    std::string account;             // empty: nobody
    std::vector<std::string> names;  // what a client may call that account besides its address
    char const* note = "";           // why nobody, for the log
};
principal_owner find_owner(std::string_view text, principal_rules const& rules);

}  // namespace postern::sasl
