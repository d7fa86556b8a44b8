// The options of the classic `sendmail` program, as PHP, cron, git and others give them.
// What has no meaning here and does no harm is taken and ignored; what would do something
// else than its caller expects is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "mail/envelope.hpp"

namespace postern::sendmail {

enum class mode : std::uint8_t {
    deliver,      // a message on standard input
    talk_smtp,    // -bs: SMTP on standard input and output
    list_queue,   // -bp, mailq
    run_queue,    // -q
    new_aliases,  // -bi, newaliases
};

struct options {
    sendmail::mode mode = mode::deliver;
    std::vector<std::string> recipients;                   // as given
    bool from_header = false;                              // -t
    bool dot_is_text = false;                              // -i: a line with a dot alone does not end the message
    std::optional<std::string> sender;                     // -f; empty: the null reverse-path
    std::string full_name;                                 // -F
    std::string configuration;                             // -C
    std::string envelope_id;                               // -V
    mail::dsn_notify notify;                               // -N
    mail::dsn_return ret = mail::dsn_return::unspecified;  // -R
    bool verbose = false;                                  // -v
};

/// `program`: the name that it was called by; "mailq" and "newaliases" have their own mode.
/// Errors say which option and what to use in its place.
result<options> parse_options(std::string const& program, std::vector<std::string> const& arguments);

}  // namespace postern::sendmail
