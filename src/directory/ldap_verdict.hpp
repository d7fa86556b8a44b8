// What the answer to a bind means for whoever gave the password. Servers say much more than
// "wrong", but some of it before they look at the password, and that is not for strangers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "directory/asker.hpp"

namespace postern::directory::ldapv3 {

/// The answer to a bind (RFC 4511 section 4.2.2).
struct bind_answer {
    int code = 0;                        // the resultCode
    std::string text;                    // the diagnosticMessage
    std::optional<int> password_policy;  // the error in a response control of draft-behera-ldap-password-policy
};

/// An error: the server could not tell.
result<judgement> judge(bind_answer const& answer);

}  // namespace postern::directory::ldapv3
