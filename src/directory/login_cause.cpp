#include "directory/login_cause.hpp"

#include <array>

namespace postern::directory {
namespace {

struct row {
    login_cause cause;
    std::string_view name, meaning;
};

// In the order of the enumeration.
constexpr std::array<row, 25> table{{
    {login_cause::none, "", ""},
    {login_cause::unknown_user, "unknown_user", "There is no such account, nor one that may have been meant."},
    {login_cause::local_part_only, "local_part_only", "The user name lacks its domain; it is the full mail address."},
    {login_cause::name_blank, "name_blank", "The user name has a blank too much."},
    {login_cause::name_is_alias, "name_is_alias",
     "The user name is an alias; the account's own address is its login name."},
    {login_cause::name_with_detail, "name_with_detail",
     "The user name has a detail (+...); without it, it is a login name."},
    {login_cause::wrong_password, "wrong_password", "The password is wrong."},
    {login_cause::password_blank, "password_blank", "The password is right but for a blank before or behind it."},
    {login_cause::password_case, "password_case",
     "The password is right but for capitals: Caps Lock, or a telephone that began it with one."},
    {login_cause::password_encoding, "password_encoding",
     "The password has the right letters in a wrong encoding: the program mistakes UTF-8 for Latin-1."},
    {login_cause::previous_password, "previous_password",
     "It is the password before the last change: a device that was forgotten."},
    {login_cause::app_password_needed, "app_password_needed",
     "The account's own password, and right, but basic passwords are off: the device needs an app password."},
    {login_cause::app_password_wrong, "app_password_wrong",
     "It looks like an app password, but is none of this account."},
    {login_cause::app_password_revoked, "app_password_revoked", "An app password that was revoked."},
    {login_cause::app_password_expired, "app_password_expired", "An app password that has expired."},
    {login_cause::app_password_network, "app_password_network",
     "An app password that is right, but may not be used from this network."},
    {login_cause::app_password_at_web, "app_password_at_web",
     "An app password that is right, but the web pages are opened by the account's own password only."},
    {login_cause::account_off, "account_off", "The password is right, but the account is switched off."},
    {login_cause::smtp_auth_off, "smtp_auth_off", "The password is right, but SMTP AUTH is off for the account."},
    {login_cause::mechanism_impossible, "mechanism_impossible",
     "Nothing is stored of the account that this way of logging in could use; PLAIN works."},
    {login_cause::other_identity, "other_identity", "The client asked to act as another user."},
    {login_cause::changed_meanwhile, "changed_meanwhile", "The password was changed while it was checked."},
    {login_cause::refused_outside, "refused_outside",
     "No back end took the name and the password; they don't say which of the two is wrong."},
    {login_cause::backend_down, "backend_down", "What knows the account can't be asked at the moment."},
    {login_cause::too_many_logins, "too_many_logins", "Too many log-ins wait for their check."},
}};

constexpr bool in_order()
{
    for (std::size_t i = 0; i < table.size(); ++i)
        if (static_cast<std::size_t>(table[i].cause) != i) return false;
    return true;
}
static_assert(in_order());

}  // namespace

std::string_view to_string(login_cause c) noexcept { return table[static_cast<std::size_t>(c)].name; }
std::string_view meaning_of(login_cause c) noexcept { return table[static_cast<std::size_t>(c)].meaning; }

}  // namespace postern::directory
