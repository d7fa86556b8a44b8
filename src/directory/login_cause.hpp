// Why a log-in failed: for the operator, in the log and in `postern why`. Strangers are never told.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace postern::directory {

enum class login_cause : std::uint8_t {
    none,
    unknown_user,
    local_part_only,   // "anna" for "anna@example.com"
    name_blank,        // a blank too much in it
    name_is_alias,     // further addresses are no login names
    name_with_detail,  // "anna+shop@example.com"
    wrong_password,
    password_blank,
    password_case,
    password_encoding,
    previous_password,
    app_password_needed,
    app_password_wrong,
    app_password_revoked,
    app_password_expired,
    app_password_network,
    app_password_at_web,  // they are for devices
    account_off,
    smtp_auth_off,
    mechanism_impossible,
    other_identity,
    changed_meanwhile,
    refused_outside,  // by a back end that does not say why
    backend_down,
    too_many_logins,
};

/// "previous_password"; empty for none.
std::string_view to_string(login_cause c) noexcept;
/// What it means and what helps, in a sentence.
std::string_view meaning_of(login_cause c) noexcept;

/// `detail`: what only this log-in is about, such as the account that was perhaps meant; or empty.
using cause_handler = std::function<void(login_cause, std::string const& detail)>;

}  // namespace postern::directory
