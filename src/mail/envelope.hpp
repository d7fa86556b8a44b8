// The envelope: what travels beside a message, not in it (RFC 5321 section 2.3.1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

struct recipient {
    mailbox forward_path;
    dsn_notify notify;
    std::string original;  // ORCPT as sent: "rfc822;xtext"; empty: none
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
};

}  // namespace postern::mail
