// From a line to a command, RFC 5321 section 4.1: the verb, and the arguments of those
// that have a grammar of their own. Knows nothing of the session's state; what is wrong
// comes back as a rule of the catalogue.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "catalogue/verdict.hpp"
#include "mail/envelope.hpp"

namespace postern::smtp {

enum class verb : std::uint8_t {
    helo,
    ehlo,
    mail,
    rcpt,
    data,
    bdat,
    rset,
    noop,
    quit,
    vrfy,
    help,
    auth,
    starttls,
    not_implemented,  // known by name, and never done here: EXPN, ETRN, TURN, SEND, SOML, SAML, XCLIENT, XFORWARD
    http,             // the request or a header field of a web client
    unknown
};

struct command {
    smtp::verb verb = smtp::verb::unknown;
    std::string_view name;      // in capitals, a constant; empty for `http` and `unknown`
    std::string_view argument;  // without the blanks around it
};
command parse_command(std::string_view line);

/// What a parser refuses with; `why` null: nothing is wrong.
struct complaint {
    catalogue::rule const* why = nullptr;
    char const* key = nullptr;  // placeholder of the rule's reply, with its value
    std::string value;

    explicit operator bool() const noexcept { return why != nullptr; }
    catalogue::verdict to_verdict() const;
};

/// What the parameters of MAIL depend on.
struct mail_context {
    bool extended = false;       // EHLO was said
    bool tls = false;            // REQUIRETLS is offered
    bool authenticated = false;  // AUTH= is trusted
    std::uint64_t size_limit = 0;
    bool priorities = false;            // MT-PRIORITY is offered
    bool deliver_by = false;            // DELIVERBY
    std::chrono::seconds hold_most{0};  // FUTURERELEASE; 0: it is not
    wall_time now{};
};
/// Argument of MAIL ("FROM:<a@b> SIZE=1"): fills all of `to` but the recipients.
complaint parse_mail(std::string_view argument, mail_context const& context, mail::envelope& to);
/// Argument of RCPT ("TO:<a@b> NOTIFY=NEVER"). `smtputf8`: the transaction has it.
complaint parse_rcpt(std::string_view argument, bool smtputf8, mail::recipient& to);

struct chunk {
    std::uint64_t size = 0;
    bool last = false;
};
enum class chunk_error : std::uint8_t {
    none,
    no_size,   // nothing behind BDAT
    bad_size,  // not 1 to 20 digits, or beyond 64 bits: where the chunk ends is unknown
    bad_end    // the size is fine, what follows isn't LAST
};
/// Argument of BDAT, RFC 3030 section 2.
chunk_error parse_chunk(std::string_view argument, chunk& to);

/// "50 MiB", "1000 octets": for people.
std::string size_for_people(std::uint64_t octets);

}  // namespace postern::smtp
