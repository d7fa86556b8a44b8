// How TLS to other servers went, counted as reports tell it (RFC 8460 section 4.3): one row for
// each day, domain, policy and result.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"

namespace postern::escort {

/// What the server had to fulfil.
struct applied_policy {
    std::string type = "no-policy-found";  // "tlsa", "sts", "no-policy-found"
    std::string domain;                    // whose policy it is
    std::string text;                      // line by line
    std::string mx;                        // patterns of an MTA-STS policy, a line each
    friend bool operator==(applied_policy const&, applied_policy const&) = default;
};

struct session_row {
    std::int64_t day = 0;  // since 1970, UTC
    std::string domain;    // of the recipients
    applied_policy policy;
    std::string result;  // "": TLS as it should be; else a result type of RFC 8460 section 4.3
    std::string host, address, own_address;
    std::string detail;
    std::uint64_t count = 1;
};

std::int64_t day_of(wall_time t) noexcept;
wall_time begin_of_day(std::int64_t day) noexcept;

/// Gathers rows until somebody stores them. Safe from any thread.
class session_book {
public:
    /// When too many different rows wait already, those that are new are left out.
    void add(session_row row);
    std::vector<session_row> take();

private:
    std::mutex lock_;
    std::unordered_map<std::string, session_row> rows_;
};

}  // namespace postern::escort
