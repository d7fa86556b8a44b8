// Where MTA-STS policies come from: the domain's own web server, by HTTPS (RFC 8461 section 3.3).
// Blocks; for threads that have nothing else to do.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "escort/blocking_question.hpp"
#include "mail/sts_policy.hpp"

namespace postern::escort {

struct fetched {
    std::optional<mail::sts_policy> policy;
    std::string text;       // of the policy, as it came
    std::string result;     // no policy: the result type of RFC 8460 section 4.3.2.2
    std::string problem;    // the same in words
    bool answered = false;  // a web server did, whatever it said
};

/// Gives up early when `stop` becomes true.
using policy_source = std::function<fetched(std::string const& domain, std::atomic<bool> const& stop)>;

/// `authorities`: who may vouch for web servers; empty: those of the system.
policy_source make_web_source(resolver_maker make_resolver, std::filesystem::path authorities);

/// "host:port:address,address" for the web client: addresses as our own resolver has them; empty: none.
std::string resolve_for_web(resolver_maker const& make_resolver, std::string const& host,
                            std::atomic<bool> const& stop);

}  // namespace postern::escort
