#include "acme/schedule.hpp"

#include <algorithm>

#include "catalogue/verdict.hpp"

namespace postern::acme {
namespace rules = catalogue::rules;
namespace {

using namespace std::chrono_literals;
using cause = trouble::cause;

constexpr auto longest_for_all = 1h;

struct patience {
    std::chrono::seconds first, longest;
};

patience patience_of(cause why)
{
    switch (why) {
        case cause::silence:
        case cause::busy: return {1min, 1h};
        case cause::rate_limit: return {1h, 24h};
        // Authorities count failed proofs, and give few of them an hour.
        default: return {10min, 24h};
    }
}

std::chrono::seconds part_of(std::chrono::seconds whole, double part)
{
    return std::chrono::seconds{static_cast<std::int64_t>(static_cast<double>(whole.count()) * part)};
}

}  // namespace

wall_time renewal_of(wall_time not_before, wall_time not_after, double dice)
{
    auto const life = std::chrono::duration_cast<std::chrono::seconds>(not_after - not_before);
    return not_before + part_of(life, 2.0 / 3 - dice / 20);
}

wall_time moment_in(renewal_window const& w, double dice)
{
    return w.start + part_of(std::chrono::duration_cast<std::chrono::seconds>(w.end - w.start), dice);
}

std::chrono::seconds wait_after(trouble const& t, unsigned failures, double dice)
{
    auto const p = patience_of(t.why);
    auto wait = p.first;
    for (unsigned i = 1; i < failures && wait < p.longest; ++i) wait *= 2;
    wait = std::min(wait, p.longest);
    if (t.retry_after) wait = std::max(wait, *t.retry_after);
    return wait + part_of(wait, dice / 5);
}

wall_time all_wait_until(trouble const& t, wall_time failed_at, wall_time not_before)
{
    bool const of_authority = t.why == cause::silence || t.why == cause::busy || t.why == cause::rate_limit;
    bool const concerns_all = t.why == cause::account || (of_authority && !t.ordered);
    return concerns_all ? std::min(not_before, failed_at + longest_for_all) : wall_time{};
}

bool concerns_names(cause why) noexcept
{
    return why == cause::proof || why == cause::caa || why == cause::name || why == cause::unprovable;
}

bool leaves_the_order(cause why) noexcept
{
    return why == cause::silence || why == cause::busy || why == cause::rate_limit;
}

catalogue::rule const& rule_of(cause why)
{
    switch (why) {
        case cause::silence: return rules::acme_silent;
        case cause::proof: return rules::acme_proof_failed;
        case cause::rate_limit: return rules::acme_rate_limited;
        case cause::account: return rules::acme_account_refused;
        case cause::caa: return rules::acme_caa_forbids;
        case cause::name: return rules::acme_name_refused;
        case cause::unprovable: return rules::acme_unprovable;
        case cause::busy:
        case cause::other: return rules::acme_refused;
    }
    return rules::acme_refused;
}

}  // namespace postern::acme
