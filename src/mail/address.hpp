// Mail addresses as RFC 5321 section 4.1.2 has them (and RFC 6531 section 3.3 for
// UTF-8): the only parser of addresses in the program. Everything is decided on
// what it gives, and print(parse(x)) parses to the same again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern::mail {

/// local_part is unquoted (the octets that are meant), domain is lower-cased
/// A-labels ("xn--...") or a literal in brackets ("[192.0.2.1]", "[ipv6:2001:db8::1]").
/// An empty domain occurs only for the bare "postmaster" of RFC 5321 section 4.5.1.
struct mailbox {
    std::string local_part;
    std::string domain;

    bool is_literal() const noexcept { return domain.starts_with('['); }
    /// Whether it can only be sent with SMTPUTF8 (the local part is not ASCII).
    bool needs_smtputf8() const noexcept;
    /// As in a command, without the angle brackets; quoted where the grammar needs it.
    std::string to_string() const;
    /// What two spellings of one of our accounts share: local part lower-cased in
    /// ASCII, domain as it is.
    std::string key() const;
    friend bool operator==(mailbox const&, mailbox const&) = default;
};

/// What a path parser found: a mailbox, or the null reverse-path "<>".
struct path {
    bool null = false;
    mailbox address;
    bool utf8 = false;  // non-ASCII was written, in either part
    std::string to_string() const { return null ? std::string{} : address.to_string(); }
};

enum class path_error {
    none,
    syntax,         // 501 5.1.3 / 5.1.7
    too_long,       // local part > 64, domain > 255, path > 256 (RFC 5321 section 4.5.3.1)
    bad_domain,     // labels, hyphens, underscores, trailing dot, IDNA-disallowed
    not_utf8,       // octets that are no UTF-8
    source_route,   // "@a,@b:c@d": refused
    not_qualified,  // a domain without a dot (RFC 6409 section 4.2)
};

/// Takes the path, brackets included, off the front of `text` (what follows "FROM:"
/// or "TO:"), which then starts behind '>'. Control characters and NUL never pass.
/// `null_allowed`: reverse-paths; `bare_postmaster`: forward-paths.
std::optional<path> parse_path(std::string_view& text, bool null_allowed, bool bare_postmaster, path_error& why);

/// An address without brackets, all of the text: accounts, configuration, AUTH identities.
std::optional<mailbox> parse_mailbox(std::string_view text, path_error& why);
std::optional<mailbox> parse_mailbox(std::string_view text);

/// A domain or EHLO argument: lower-cased A-labels, or nothing. No trailing dot.
std::optional<std::string> parse_domain(std::string_view text);
/// EHLO/HELO argument: domain or address literal (RFC 5321 section 4.1.3), kept as
/// sent; real clients also send underscores and bare host names, which pass.
bool is_ehlo_argument(std::string_view text);

}  // namespace postern::mail
