// Passwords and names as people type them on different machines: the same letters in
// different octets. Prepares them so that they compare (RFC 8265, which replaces the
// SASLprep of RFC 5802), and lists the other octets that a client may have meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"

namespace postern::sasl {

/// OpaqueString, RFC 8265 section 4.2: all blanks become U+0020, then Unicode
/// normalisation form C. Nothing when the text is empty, not UTF-8 or has controls.
std::optional<secret> prepare_password(std::string_view password);

/// Normalisation form C, or nothing when the text is not UTF-8. No secrets: the result
/// is not wiped.
std::optional<std::string> normalise(std::string_view text);

/// A user name with the mappings of UsernameCaseMapped, RFC 8265 section 3.3: full-width and half-width
/// letters become ordinary ones, capitals small ones, then form C. Nothing when it is not UTF-8.
std::optional<std::string> prepare_username(std::string_view name);
/// Whether programs that compare more loosely than we do can't take it for another name: no controls, nothing that
/// can't be seen, no blanks but the ordinary one, and no letter that is another one in another form.
bool is_distinct_name(std::string_view name);
/// Octets that are no UTF-8, read as Windows-1252; nothing where they have no meaning there either, or
/// are UTF-8.
std::optional<std::string> read_as_latin1(std::string_view text);

/// What a password sent by a client may be, likeliest first, each once.
struct password_candidate {
    enum class form {
        prepared,  // as OpaqueString
        raw,       // the octets as sent
        latin1,    // read as, or written in, Windows-1252 (a superset of Latin-1 in use)
    };
    form as;
    secret octets;
};
std::vector<password_candidate> password_candidates(std::string_view password);
/// "prepared", "raw", "latin1": for the log.
char const* to_string(password_candidate::form f) noexcept;

/// The form that SCRAM keys are made from: prepared when the password can be, after
/// reading it as Windows-1252 when it is not UTF-8.
secret scram_password(std::string_view password);

/// A user name that an exchange may claim: 1 to 255 octets of UTF-8 without controls.
bool is_acceptable_name(std::string_view name) noexcept;
/// The same where old clients send Latin-1, too: PLAIN and LOGIN.
bool is_acceptable_old_name(std::string_view name);
/// Such a name as text, for the log.
std::string shown_name(std::string_view name);
/// A password that an exchange may carry: 1 to 255 octets, no NUL.
bool is_acceptable_password(std::string_view password) noexcept;

}  // namespace postern::sasl
