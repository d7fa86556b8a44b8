// Those besides the directory who can say who somebody is: issuers of tokens, and the Kerberos
// library. Both have threads of their own, whose answers go to the I/O threads of whoever asked;
// so they have to end before those threads' contexts do, and never on such a thread, which would
// wait meanwhile. The keeper sees to both.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "config/settings.hpp"
#include "directory/kerberos.hpp"
#include "directory/token_verifier.hpp"
#include "sasl/mechanism.hpp"

namespace postern::login {

/// Null: what they judge is not taken.
struct judges {
    std::shared_ptr<directory::token_verifier> tokens;
    std::shared_ptr<directory::kerberos> kerberos;

    /// What accounts can log in with, with these, too.
    sasl::account_means with(sasl::account_means m) const;
};

class judge_keeper {
public:
    judge_keeper();
    /// Stops. What it made may outlive it, and answers everybody with "unavailable" then.
    ~judge_keeper();
    judge_keeper(judge_keeper const&) = delete;
    judge_keeper& operator=(judge_keeper const&) = delete;

    /// Those that the settings ask for. When nobody holds one any more (after a reload, with the last
    /// session that began before it), it ends on the keeper's own thread, wherever it was let go.
    judges make(config::settings const& s);
    /// Whoever still waits is answered with "unavailable"; when it returns, no handler is called any
    /// more. Safe to call again.
    void stop();

private:
    struct inside;

    std::shared_ptr<inside> const inside_;
    std::thread thread_;
};

/// What keeps Kerberos tickets from being taken, or is dangerous about them; or nothing.
std::string check_kerberos(config::settings const& s);

}  // namespace postern::login
