// What a session asks the guard and tells it. The guard decides; here its answers become
// verdicts and lines of the log.
#include <algorithm>
#include <cmath>

#include "submission/session_driver.hpp"

namespace postern::submission {

using catalogue::make_verdict;
namespace rules = catalogue::rules;

namespace {

// "about 15 minutes": exact times help nobody but those who guess.
std::string in_words(std::chrono::seconds time)
{
    auto const minutes = std::max<std::int64_t>(1, (time.count() + 59) / 60);
    if (minutes == 1) return "a minute";
    if (minutes < 120) return std::to_string(minutes) + " minutes";
    return std::to_string((minutes + 59) / 60) + " hours";
}

std::vector<catalogue::evidence> evidence_of(guard::answer const& a)
{
    return {{"wait", in_words(a.left)},
            {"refused", std::string{to_string(a.why)}},
            {"held_against", a.what},
            {"points", std::to_string(std::lround(a.points))}};
}

}  // namespace

std::optional<catalogue::verdict> session_driver::guard_refuses_connection() const
{
    auto const& s = runtime_->settings;
    auto const& from = peer_->remote().address;
    // Other servers don't log in, and relay.networks need not: neither pays for who shares the address.
    bool const earned = listener_.session.role == config::role::submission && !contains(s.relay.networks, from);
    auto const answer = services_.guard.at_connect(s.guard, from, earned, steady_clock::now());
    if (!answer.refused()) return std::nullopt;
    if (answer.why == guard::reason::denied) return make_verdict(rules::guard_network_denied, evidence_of(answer));
    return make_verdict(rules::guard_network_refused, evidence_of(answer));
}

std::optional<catalogue::verdict> session_driver::guard_refuses_login(std::string_view authcid) const
{
    auto const answer =
        services_.guard.at_login(runtime_->settings.guard, peer_->remote().address, authcid, steady_clock::now());
    if (!answer.refused()) return std::nullopt;
    return make_verdict(rules::guard_login_refused, evidence_of(answer));
}

// How much longer than usual the answer waits.
std::chrono::milliseconds session_driver::tell_guard_of_failure()
{
    auto const account = session_->claimed_identity();
    auto const result = services_.guard.on_failure(runtime_->settings.guard, peer_->remote().address, account,
                                                   secret_print_, steady_clock::now());
    secret_print_ = 0;
    if (result.wait.count() != 0) {
        log::event(log::level::info, "guard_slows",
                   {{"session", who_.id},
                    {"client", who_.client},
                    {"account", account},
                    {"milliseconds", result.wait.count()},
                    {"same_secret_again", result.repeats},
                    {"points", std::lround(result.points)}});
    }
    if (result.forgotten_device) {
        forgotten_device d{std::string{account}, peer_->remote().address, session_->ehlo_argument(),
                           std::string{session_->mechanism()}, result.repeats};
        services_.devices.on_forgotten(std::move(d), runtime_->settings.hostname, steady_clock::now());
    }
    for (auto const& r : result.refusals) {
        log::event(log::level::warning, "guard_refuses",
                   {{"session", who_.id},
                    {"rule", r.why == guard::reason::account ? rules::guard_login_refused.name
                                                             : rules::guard_network_refused.name},
                    {"client", who_.client},
                    {"refused", to_string(r.why)},
                    {"held_against", r.what},
                    {"points", std::lround(r.points)},
                    {"accounts_tried", r.accounts},
                    {"seconds", r.time.count()}});
    }
    return result.wait;
}

}  // namespace postern::submission
