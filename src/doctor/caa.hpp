// Whether CAA records let a certificate authority give out certificates for a name (RFC 8659), and whether it may prove
// names the way that it does here (RFC 8657). Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dns/resolver.hpp"

namespace postern::doctor {

/// The authority of [acme], and how it is asked.
struct certifier {
    std::vector<std::string> names;    // as CAA records write it; empty: not known
    std::string account;               // URL of ours with it; empty: not known
    std::vector<std::string> methods;  // of proofs that are shown here: "http-01"
};

/// By name; of each name, all that caa_names() says.
using caa_answers = std::map<std::string, dns::caa_answer>;

/// Whose records count, the nearest first: the name itself, then all above it, without the root.
std::vector<std::string> caa_names(std::string_view name);

enum class consent : std::uint8_t {
    unasked,  // there are no such records: anybody may
    given,
    refused,
    unknown,
};

struct caa_verdict {
    consent what = consent::unknown;
    std::string at;                        // the name that has the records
    std::string problem;                   // why it is refused, or not known
    std::vector<dns::caa_record> records;  // that count
    bool for_nobody = false;               // one of them forbids all; no further record changes that
};
caa_verdict judge_caa(std::string_view name, caa_answers const& answers, certifier const& who);

/// `0 issue "ca.example"`, as a zone file has it.
std::string to_text(dns::caa_record const& r);

}  // namespace postern::doctor
