// What the domain of a message's author says about mail that nothing proves to be its own: DMARC
// records (RFC 7489 section 6.3, RFC 9989 section 4.7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::mail {

enum class dmarc_policy : std::uint8_t { none, quarantine, reject };
std::string_view to_string(dmarc_policy p) noexcept;

struct dmarc_record {
    dmarc_policy policy = dmarc_policy::none;
    dmarc_policy subdomain_policy = dmarc_policy::none;          // sp=, or the same
    dmarc_policy no_such_subdomain_policy = dmarc_policy::none;  // np=, or as of other subdomains
    bool testing = false;                                        // t=y: the next milder one is meant
    bool strict_dkim = false, strict_spf = false;
    unsigned percent = 100;
};

/// Nothing when it is no such record, or can't be used.
std::optional<dmarc_record> parse_dmarc_record(std::string_view text);

/// Those among a name's TXT records that are DMARC's.
std::vector<std::string> dmarc_records_of(std::vector<std::string> const& texts);

}  // namespace postern::mail
