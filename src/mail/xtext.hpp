// xtext, which carries free text in SMTP parameters (RFC 3461 section 4), and the
// addresses of ORCPT (section 4.2; with UTF-8, RFC 6533 section 3). Strict: nothing
// that decodes to a control character passes, so no value can break a line of a report.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern::mail {

std::string xtext_encode(std::string_view octets);
/// Printable US-ASCII and blanks, or nothing.
std::optional<std::string> xtext_decode(std::string_view text);

/// "\x{20AC}" for what an ASCII-only path must not see (utf-8-addr-xtext).
std::string utf8_addr_xtext_encode(std::string_view address);
/// utf-8-addr-xtext, or utf-8-addr-unitext where `unitext`; gives UTF-8, or nothing.
std::optional<std::string> utf8_addr_decode(std::string_view text, bool unitext);

struct original_recipient {
    std::string type;     // "rfc822", "utf-8" ...: lower-cased
    std::string address;  // decoded
};
/// The value of ORCPT: "type;text", at most 500 octets. `smtputf8`: the session's
/// transaction has it, so raw UTF-8 is allowed with type utf-8.
std::optional<original_recipient> parse_original_recipient(std::string_view text, bool smtputf8);

}  // namespace postern::mail
