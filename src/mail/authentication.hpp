// What SPF, DKIM and DMARC found out about a message, as values; and the Authentication-Results
// field that says so (RFC 8601). Finding it out is not done here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/address.hpp"
#include "mail/dmarc.hpp"

namespace postern::mail {

/// RFC 8601 section 2.7; not each of them can come of each method.
enum class auth_result : std::uint8_t { none, neutral, pass, fail, softfail, policy, temperror, permerror };
std::string_view to_string(auth_result r) noexcept;

struct spf_finding {
    auth_result what = auth_result::none;
    std::string domain;    // that was asked about; empty: nothing was
    bool of_helo = false;  // the null reverse-path: the name said in EHLO
};

struct dkim_finding {
    auth_result what = auth_result::none;
    std::string domain, selector, algorithm;
    std::string signature;  // the first octets of b=
    std::string detail;     // why it did not pass
};

/// One address of the From field.
struct author {
    mailbox address;
    bool local = false;    // of a domain of ours
    bool proven = false;   // SPF or DKIM passed for its domain, or one that belongs to it
    bool unclear = false;  // one of them might have, had the DNS answered
    auth_result dmarc = auth_result::none;
    dmarc_policy policy = dmarc_policy::none;  // that its domain asks for
};

struct findings {
    spf_finding spf;
    std::vector<dkim_finding> dkim;
    std::vector<author> authors;
    bool sender_proven = false, sender_unclear = false;  // the same for the reverse-path
    bool unchecked = false;                              // nobody had the time to look
    std::vector<std::string> unknown;                    // names about which the DNS gave no answer
};

/// "Authentication-Results: ...", folded, with the last CRLF. `hostname`: our authserv-id.
std::string authentication_results(std::string_view hostname, findings const& f);

/// Whether an Authentication-Results field claims to be of this host, as far as anybody could read it so
/// (RFC 8601 section 5): such a field from outside is forged. `value`: all behind the colon.
bool claims_to_be_of(std::string_view value, std::string_view hostname);

}  // namespace postern::mail
