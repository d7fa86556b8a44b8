// Delivery status notifications: multipart/report (RFC 6522) with a delivery status
// (RFC 3464; RFC 6533 for UTF-8 addresses) and what a sender of RFC 3461 asked back.
// Makes the message only: its envelope (null reverse-path) is the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "mail/address.hpp"
#include "mail/envelope.hpp"

namespace postern::mail {

enum class dsn_action : std::uint8_t { failed, delayed, delivered, relayed };

struct dsn_recipient {
    mailbox address;       // as given in RCPT; nothing of a later forwarding
    std::string original;  // ORCPT as sent: "rfc822;xtext"; empty: none
    dsn_action action = dsn_action::failed;
    status code;               // empty: 5.0.0, 4.0.0 or 2.0.0 by the action
    std::string reason;        // our own words, one sentence, for the human part; may be empty
    std::string remote_host;   // who said no: "mx.example.net"; empty: nobody, it is our own finding
    std::string remote_reply;  // what it said: "550 5.1.1 no such user"; cleaned here
    std::string remedy;        // what the sender can do, one sentence; may be empty
    std::optional<wall_time> last_attempt;
    std::optional<wall_time> will_retry_until;  // of delayed ones
};

struct dsn_request {
    std::string hostname;     // ours: Reporting-MTA, MAILER-DAEMON@hostname
    path sender;              // reverse-path of the message in question, who gets the report
    std::string queue_id;     // of the message in question
    std::string report_id;    // of the report: Message-ID and boundary come from it; unguessable
    std::string envelope_id;  // ENVID, decoded
    dsn_return ret = dsn_return::unspecified;
    bool smtputf8 = false;      // the message needed SMTPUTF8: so may the report
    bool headers_only = false;  // as if RET=HDRS: of REQUIRETLS messages (RFC 8689 section 5)
    wall_time arrived;
    wall_time now;
    std::vector<dsn_recipient> recipients;
    std::string_view header;                  // header section of the message, with or without the empty line
    std::optional<std::string_view> content;  // all of the message, header included; for RET=FULL
    std::size_t content_limit = 64u << 10;    // above it only the header goes back
};

/// The report, CRLF everywhere, ready for the spool. No line longer than 998 octets.
std::string make_dsn(dsn_request const& request);
/// Whether what make_dsn() gives needs SMTPUTF8 to be sent.
bool dsn_needs_smtputf8(dsn_request const& request) noexcept;

}  // namespace postern::mail
