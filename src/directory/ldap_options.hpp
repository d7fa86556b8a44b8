// How an LDAP directory is asked: what the keys of a [[backend]] of type "ldap" say.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace postern::directory {

struct ldap_options {
    std::vector<std::string> urls;  // ldap://, ldaps://, ldapi://: tried in this order
    bool starttls = true;           // on ldap://
    bool plaintext = false;         // passwords may travel unencrypted
    std::filesystem::path authorities;
    std::string service_dn;  // for searches; empty: anonymous
    std::filesystem::path password_file;
    std::string base;
    std::string filter;            // finds the user of a log-in
    std::string recipient_filter;  // finds who gets mail; empty: as `filter`
    std::string bind_dn;           // a user's DN, when it needs no search
    std::string decoy_dn;          // is bound as for names that nobody has
    bool fetch = false;            // the hash is read, not the password tried
    std::string password_attribute;
    std::string address_attribute;  // empty: the name is the address
    std::string aliases_attribute;
    std::string smtp_auth_attribute;
};

}  // namespace postern::directory
