// What the dispatcher tells operators about its destinations.
#include <algorithm>

#include "delivery/dispatcher.hpp"

namespace postern::delivery {

std::vector<destination_state> dispatcher::states(std::size_t limit) const
{
    auto const now = steady_clock::now();
    std::vector<destination_state> all;
    for (auto const& [key, d] : destinations_) {
        bool const down = d->down_until > now && d->established == 0;
        if (d->waiting.empty() && d->connections == 0 && d->failures == 0 && !down) continue;
        destination_state& s = all.emplace_back();
        s.key = d->key;
        s.domain = d->domain;
        s.waiting = d->waiting.size();
        s.connections = d->connections;
        s.idle = static_cast<unsigned>(d->idle.size());
        s.window = std::min(d->window, plan_->connections_per_host);
        s.failures = d->failures;
        if (down) s.down_until = world_.now() + std::chrono::duration_cast<wall_clock::duration>(d->down_until - now);
        if (d->failures == 0 && !down) continue;
        s.failed_at = d->failed_at;
        s.last_failure = d->last_failure.reply;
    }
    auto const rank = [](destination_state const& s) { return std::pair{s.waiting, s.down_until.has_value()}; };
    std::sort(all.begin(), all.end(),
              [&](auto const& a, auto const& b) { return rank(a) != rank(b) ? rank(a) > rank(b) : a.key < b.key; });
    if (all.size() > limit) all.resize(limit);
    return all;
}

}  // namespace postern::delivery
