// The envelope: what travels beside a message, not in it (RFC 5321 section 2.3.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "mail/address.hpp"

namespace postern::mail {

enum class body_type : std::uint8_t { seven_bit, eight_bit_mime, binary_mime };
/// RFC 3461 section 4.3
enum class dsn_return : std::uint8_t { unspecified, full, headers };
/// RFC 3461 section 4.1; `never` stands alone.
struct dsn_notify {
    bool specified = false;
    bool never = false;
    bool success = false;
    bool failure = false;
    bool delay = false;
    friend bool operator==(dsn_notify const&, dsn_notify const&) = default;
};

/// RFC 2852 section 4: what is to happen to mail that was not delivered in time.
enum class by_mode : std::uint8_t { none, give_back, notify };
struct deliver_by {
    by_mode mode = by_mode::none;
    bool trace = false;  // report each hop that takes it over without knowing DELIVERBY
    wall_time until;
};

struct recipient {
    mailbox forward_path;
    dsn_notify notify;
    std::string original;  // ORCPT as sent: "rfc822;xtext"; empty: none
    bool stays = false;    // the copy that is kept of mail that went on: it goes no further
};

struct envelope {
    path reverse_path;
    std::vector<recipient> recipients;
    body_type body = body_type::seven_bit;
    bool smtputf8 = false;
    bool require_tls = false;   // RFC 8689
    bool tls_optional = false;  // its header says "TLS-Required: No" (RFC 8689 section 5)
    dsn_return ret = dsn_return::unspecified;
    std::string envelope_id;          // ENVID, decoded from xtext
    std::string auth;                 // AUTH= of MAIL, decoded (RFC 4954 section 5); "" when absent or untrusted
    std::uint64_t declared_size = 0;  // SIZE=, 0: not said
    std::int8_t priority = 0;         // MT-PRIORITY, RFC 6710: -9 to 9
    deliver_by by;
    std::optional<wall_time> release_at;  // HOLDFOR or HOLDUNTIL, RFC 4865
};

}  // namespace postern::mail
