// Delivery: takes what is due out of the spool, finds the route of each recipient, hands
// it over (SMTP, LMTP, Maildir) and settles its fate. Runs on one thread of its own; what
// blocks (Maildir, reading content) runs on helpers of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "config/settings.hpp"
#include "directory/directory.hpp"
#include "forwarding/book.hpp"
#include "signing/signer.hpp"
#include "spool/spool.hpp"

namespace postern::delivery {

class service {
public:
    virtual ~service() = default;

    virtual void start() = 0;
    /// New settings for what starts from now on; an error leaves the old ones in force.
    virtual result<> reload(config::settings const& s) = 0;
    /// Looks at the queue again (after `queue retry` or `release`).
    virtual void wake() = 0;
    /// No new attempts; gives those under way up to `limit`, then cuts them (their recipients
    /// stay queued). Returns when all is settled.
    virtual void stop(std::chrono::seconds limit) = 0;
};

/// Told how many recipients of an account's message were refused for good, on delivery's thread.
using bounce_handler = std::function<void(std::string const& account, std::uint32_t count)>;

/// Errors: [delivery] values that make no sense, a resolver that can't be had.
result<std::unique_ptr<service>> make_service(config::settings const& s, directory::directory& accounts,
                                              spool::spool& queue, signing::signer& signer, forwarding::book& forwards,
                                              bounce_handler on_bounces = {});

}  // namespace postern::delivery
