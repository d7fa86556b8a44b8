#include "directory/ldap_verdict.hpp"

#include <ldap.h>

#include "base/text.hpp"

namespace postern::directory::ldapv3 {
namespace {

using kind = judgement::kind;

judgement say(kind what, char const* cause)
{
    judgement j;
    j.what = what;
    j.cause = cause;
    return j;
}

/// Active Directory puts a Windows error, in hexadecimal, into the text: "..., data 52e, v4563".
std::string_view windows_error(std::string_view text)
{
    constexpr std::string_view before = ", data ";
    auto const at = text.find(before);
    if (at == std::string_view::npos) return {};
    auto const rest = text.substr(at + before.size());
    return rest.substr(0, rest.find_first_of(", "));
}

/// RFC 4513 section 5.1.3 has one code for whatever a name and a password can lack.
judgement judge_refusal(bind_answer const& a)
{
    // An expired password is only told to those who know it.
    if (a.password_policy == PP_passwordExpired) return say(kind::disabled, "the password has expired");
    // Whether the password is right, a server does not say of a locked account.
    if (a.password_policy == PP_accountLocked)
        return say(kind::refused,
                   "the account is locked there; whether the password is right, the server does not say");
    auto const code = windows_error(a.text);
    if (code == "532") return say(kind::disabled, "the password has expired");
    if (code == "533") return say(kind::disabled, "the account is disabled there");
    if (code == "701") return say(kind::disabled, "the account has expired");
    if (code == "773") return say(kind::disabled, "the password must be changed first");
    if (code == "775")
        return say(kind::refused,
                   "the account is locked there; whether the password is right, the server does not say");
    return say(kind::refused, "the server does not take the name and the password");
}

}  // namespace

result<judgement> judge(bind_answer const& a)
{
    switch (a.code) {
        case LDAP_SUCCESS:
            if (a.password_policy == PP_changeAfterReset)
                return say(kind::disabled, "the password must be changed first");
            if (a.password_policy == PP_passwordExpired) return say(kind::disabled, "the password has expired");
            return say(kind::right, "");
        case LDAP_INVALID_CREDENTIALS: return judge_refusal(a);
        case LDAP_NO_SUCH_OBJECT: return say(kind::refused, "the server has no such entry");
        case LDAP_INAPPROPRIATE_AUTH: return say(kind::refused, "the entry has no password");
        // The 389 Directory Server, before it looks at the password.
        case LDAP_CONSTRAINT_VIOLATION: return say(kind::refused, "the account is locked there");
        case LDAP_UNWILLING_TO_PERFORM:
            // So do these, and FreeIPA: the password was not looked at.
            for (auto const* const said : {"inactivated", "locked", "Too many failed logins", "is expired"})
                if (a.text.find(said) != std::string::npos)
                    return say(kind::refused, "the account is disabled or locked there");
            break;
        default: break;
    }
    std::string text = "a bind: " + std::string{::ldap_err2string(a.code)};
    if (!a.text.empty()) text += " (" + printable(a.text, 200) + ")";
    if (a.code == LDAP_CONFIDENTIALITY_REQUIRED || a.code == LDAP_STRONG_AUTH_REQUIRED)
        text += "; the server wants TLS: tls = \"starttls\", or a URL with ldaps://";
    if (a.code == LDAP_REFERRAL) text += "; referrals are not followed: put the other server into urls";
    return error{{4, 3, 0}, "The accounts are not available", std::move(text)};
}

}  // namespace postern::directory::ldapv3
