// The dispatcher's smart hosts: which line a message waits in, by whom it is from; how fast the
// line may move; and that a host that does not take us is left alone.
#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "catalogue/rules.hpp"
#include "delivery/dispatcher.hpp"

namespace postern::delivery {

namespace {

namespace rules = catalogue::rules;

// What waits for its turn in memory; the spool is the better place for more.
constexpr std::size_t least_in_turn = 10;

outcome pace_finding(destination const& d)
{
    std::string const limit = d.rate.day_is_full(steady_clock::now())
                                  ? std::to_string(d.rate.a_day()) + " messages in a day have gone"
                                  : std::to_string(d.rate.a_minute()) + " messages a minute";
    return own_finding(rules::smart_host_pace, d.domain, limit);
}

}  // namespace

std::shared_ptr<destination> dispatcher::via_destination(std::shared_ptr<smart_host const> const& via,
                                                         mail::path const& sender, bool require_tls)
{
    auto as = via->identity_for(sender);
    // Log-ins may have no user, or the same one with other passwords: each has a line of its own.
    auto& d =
        destinations_["via " + std::to_string(as->place) + ' ' + as->smart_host + (require_tls ? " requiretls" : "")];
    if (!d) {
        d = std::make_shared<destination>(context_.get_executor());
        d->key = "smart_host:" + as->to_string();
        d->require_tls = require_tls;
    }
    if (d->as != as) {
        bool const is_new = d->as == nullptr;
        come_as(*d, via, std::move(as));
        if (is_new) resume_day(*d);
    }
    return d;
}

namespace {

// With REQUIRETLS it is a line of its own, and counts for itself.
std::string day_of(destination const& d)
{
    return std::to_string(d.as->place) + (d.require_tls ? " requiretls " : " ") + d.as->smart_host;
}

}  // namespace

void dispatcher::resume_day(destination& d)
{
    auto const at = days_.find(day_of(d));
    if (at == days_.end()) return;
    auto const ago = std::max(wall_clock::duration::zero(), world_.now() - at->second.began);
    d.rate.resume(at->second.messages, steady_clock::now() - ago);
}

void dispatcher::store_days()
{
    auto const now = steady_clock::now();
    auto next = days_;
    std::erase_if(next, [&](auto const& each) { return each.second.began + std::chrono::hours{24} < world_.now(); });
    for (auto const& [key, d] : destinations_) {
        if (!d->via || d->rate.a_day() == 0 || d->rate.today(now) == 0) continue;
        auto& c = next[day_of(*d)];
        // Kept as it was told first: two clocks are never the same twice.
        auto const began = std::chrono::floor<std::chrono::seconds>(wall_time_of(d->rate.day_began()));
        if (c.messages == 0 || c.messages > d->rate.today(now)) c.began = began;
        c.messages = d->rate.today(now);
    }
    if (next == days_) return;
    days_ = std::move(next);
    write_day_counts(plan_->data_dir, days_);
}

void dispatcher::come_as(destination& d, std::shared_ptr<smart_host const> via, std::shared_ptr<identity const> as)
{
    auto const& s = via->settings;
    d.to = via->at;
    d.domain = via->at.host;
    d.needs_tls = s.tls != config::tls_mode::none;
    d.proven = true;  // whoever runs this server vouches for it
    d.rate.set_limits(s.messages_per_minute, s.messages_per_day);
    // New settings may mend what was wrong.
    if (d.paused) d.down_until = {};
    d.paused = false;
    d.account_fails = 0;
    d.via = std::move(via);
    d.as = std::move(as);
}

// After a reload: the log-ins by their new settings. What waited for them is routed anew after this.
void dispatcher::renew_accounts()
{
    for (auto const& [key, d] : destinations_) {
        if (!d->via) {
            if (std::exchange(d->paused, false)) d->down_until = {};
            continue;
        }
        auto const host = std::find_if(plan_->hosts.begin(), plan_->hosts.end(),
                                       [&](auto const& h) { return h->settings.name == d->as->smart_host; });
        if (host == plan_->hosts.end()) continue;
        if (auto as = (*host)->identity_at(d->as->place)) come_as(*d, *host, std::move(as));
    }
}

unsigned dispatcher::most_connections(destination const& d) const
{
    unsigned const most = plan_->connections_per_host;
    bool const limited = d.via && d.via->settings.connections != 0;
    return limited ? std::min<unsigned>(most, d.via->settings.connections) : most;
}

bool dispatcher::is_paused(destination const& d) const { return d.paused && d.down_until > steady_clock::now(); }

// One more connection was too many, where others carry mail: they go on.
bool dispatcher::is_one_too_many(destination& d, outcome const& why, bool passing)
{
    bool const too_fast = why.why == &rules::smart_host_limit && why.asks_for == outcome::pause::minutes;
    if (d.established == 0 || !(passing || too_fast)) return false;
    d.window = d.established;
    return true;
}

// So that a provider does not lock the account, and no mail is given back for what is wrong with us.
void dispatcher::pause(destination& d, outcome const& why)
{
    if (is_paused(d)) return settle_until(d, d.last_failure, d.down_until);
    auto const longer = world_.account_first * (1u << std::min(d.account_fails, 10u));
    auto const wait =
        why.asks_for == outcome::pause::hours ? world_.account_most : std::min(longer, world_.account_most);
    bool const first = d.account_fails++ == 0;
    d.paused = true;
    d.window = 1;
    d.down_until = steady_clock::now() + wait;
    d.last_failure = why;
    std::string const user = d.as ? d.as->settings.user : std::string{};
    std::string const name = d.as ? d.as->smart_host : d.domain;
    log::event(log::level::warning, "smart_host_paused",
               {{"smart_host", name},
                {"user", user},
                {"next_hop", d.to.to_string()},
                {"rule", why.why->name},
                {"reply", why.reply},
                {"waiting", d.waiting.size()},
                {"seconds", std::chrono::duration_cast<std::chrono::seconds>(wait).count()}});
    if (first && world_.on_account_trouble) world_.on_account_trouble(name, user, why.reply, *why.why);
    settle_until(d, why, d.down_until);
}

void dispatcher::settle_until(destination& d, outcome const& why, steady_time until)
{
    auto const left = std::chrono::duration_cast<wall_clock::duration>(until - steady_clock::now());
    for (auto const& j : d.waiting.take_all()) settle_all(j, why, d.key, world_.now() + left);
}

void dispatcher::wake()
{
    for (auto const& [key, d] : destinations_) {
        d->paused = false;
        d->down_until = {};
    }
    pump();
}

/// Whether the line has to stand still for now; then it goes on by itself.
bool dispatcher::waits_for_turn(std::shared_ptr<destination> const& d)
{
    if (is_paused(*d)) {
        settle_until(*d, d->last_failure, d->down_until);
        return true;
    }
    if (!d->rate.limits()) return false;
    auto const now = steady_clock::now();
    auto const at = d->rate.next(now);
    if (at <= now) return false;
    if (d->rate.day_is_full(now)) {
        settle_until(*d, pace_finding(*d), at);
        return true;
    }
    if (std::exchange(d->turn_armed, true)) return true;
    d->turn.expires_at(at);
    d->turn.async_wait([this, d](boost::system::error_code const& error) {
        d->turn_armed = false;
        if (!error && !stopping_) put_to_work(d);
    });
    return true;
}

/// What would wait long for its turn goes back to the spool, each message until about its own.
bool dispatcher::put_off_for_turn(destination& d, job const& j)
{
    if (!d.rate.limits()) return false;
    auto const now = steady_clock::now();
    bool const full = d.rate.day_is_full(now);
    auto const most = std::max<std::size_t>(least_in_turn, d.rate.a_minute());
    if (!full && (d.rate.a_minute() == 0 || d.waiting.size() < most)) return false;
    d.promised = std::max(d.promised, d.rate.next(now) + d.rate.gap() * static_cast<long>(d.waiting.size()));
    auto const left = std::chrono::duration_cast<wall_clock::duration>(d.promised - now);
    d.promised += d.rate.gap();
    under_way_ -= j.recipients.size();
    settler_.put_off(j, pace_finding(d), *plan_, world_.now() + left);
    return true;
}

}  // namespace postern::delivery
