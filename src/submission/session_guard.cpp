// What a session asks the guard before there is a log-in. The guard decides; here its answers
// become verdicts.
#include "login/guard_verdict.hpp"
#include "submission/session_driver.hpp"

namespace postern::submission {

namespace rules = catalogue::rules;

std::optional<catalogue::verdict> session_driver::guard_refuses_connection() const
{
    auto const& s = runtime_->settings;
    auto const& from = peer_->remote().address;
    // Other servers don't log in, and relay.networks need not: neither pays for who shares the address.
    bool const earned = listener_.session.role == config::role::submission && !is_trusted();
    auto const answer = services_.guard.at_connect(s.guard, from, earned, steady_clock::now());
    if (!answer.refused()) return std::nullopt;
    bool const denied = answer.why == guard::reason::denied;
    return login::guard_verdict(denied ? rules::guard_network_denied : rules::guard_network_refused, answer);
}

}  // namespace postern::submission
