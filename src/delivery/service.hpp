// Delivery: takes what is due out of the spool, finds the route of each recipient, hands
// it over (SMTP, LMTP, Maildir) and settles its fate. Runs on one thread of its own; what
// blocks (Maildir, reading content) runs on helpers of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "catalogue/catalogue.hpp"
#include "config/settings.hpp"
#include "directory/directory.hpp"
#include "escort/office.hpp"
#include "forwarding/book.hpp"
#include "signing/signer.hpp"
#include "spool/spool.hpp"

namespace postern::delivery {

/// A destination as it is at the moment.
struct destination_state {
    std::string key;          // "mx:example.net"
    std::string domain;       // or the host's name
    std::size_t waiting = 0;  // messages in its line
    unsigned connections = 0, idle = 0, window = 0;
    unsigned failures = 0;                // in a row
    std::optional<wall_time> down_until;  // nothing is tried before
    std::optional<wall_time> failed_at;   // last
    std::string last_failure;             // in the remote's words, or ours
};

class service {
public:
    virtual ~service() = default;

    virtual void start() = 0;
    /// New settings for what starts from now on; an error leaves the old ones in force.
    virtual result<> reload(config::settings const& s) = 0;
    /// Looks at the queue again (after `queue retry` or `release`).
    virtual void wake() = 0;
    /// At most `limit`, those with most waiting first, then those that are down. Asks delivery's thread.
    virtual std::vector<destination_state> destinations(std::size_t limit) = 0;
    /// No new attempts; gives those under way up to `limit`, then cuts them (their recipients
    /// stay queued). Returns when all is settled.
    virtual void stop(std::chrono::seconds limit) = 0;
};

/// Told how many recipients of an account's message were refused for good, on delivery's thread.
using bounce_handler = std::function<void(std::string const& account, std::uint32_t count)>;

/// What the operator hears of a smart host: its name, as whom we come, the reply, and whose rule it is.
using account_trouble_handler = std::function<void(std::string const& smart_host, std::string const& user,
                                                   std::string const& reply, catalogue::rule const& why)>;

/// Errors: [delivery] values that make no sense, a resolver that can't be had.
result<std::unique_ptr<service>> make_service(config::settings const& s, directory::directory& accounts,
                                              spool::spool& queue, signing::signer& signer, escort::office& security,
                                              forwarding::book& forwards, bounce_handler on_bounces = {},
                                              account_trouble_handler on_account_trouble = {});

/// For `config check`: what `serve` would find wrong, or else files with secrets that can't be read now.
result<std::vector<std::string>> check_smart_hosts(config::settings const& s);

}  // namespace postern::delivery
