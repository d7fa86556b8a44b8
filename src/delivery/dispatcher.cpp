#include "delivery/dispatcher.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "catalogue/rules.hpp"
#include "delivery/exchangers.hpp"

namespace postern::delivery {

namespace {

namespace asio = boost::asio;
namespace rules = catalogue::rules;
using namespace std::chrono_literals;

constexpr std::size_t most_remembered = 10'000;
// A line is shortened by another connection when it would take longer than this to empty.
constexpr double acceptable_line = 0.1;

bool is_suspect(destination const& d) { return d.failures > 0 || !d.proven; }

outcome servers_are_busy(destination const& d)
{
    return own_finding(rules::delivery_overloaded, d.domain, "its servers' addresses are busy");
}

}  // namespace

dispatcher::dispatcher(asio::io_context& context, std::shared_ptr<plan const> p, surroundings s,
                       std::unique_ptr<dns::resolver> names, directory::directory& accounts, spool::spool& queue)
    : context_(context),
      world_(std::move(s)),
      names_(std::move(names)),
      accounts_(accounts),
      queue_(queue),
      settler_(
          context.get_executor(), queue, world_.now, [this] { arm_pump(); }, world_.on_bounces, world_.signer),
      addresses_(address_lines::make([this](auto const& d, auto place) {
          // Not at once: a connection is just being taken down.
          asio::post(context_, [this, d, place] { leave_line(d, place); });
      })),
      pump_timer_(context),
      pump_pause_(context),
      housekeeping_timer_(context),
      logins_(p->data_dir),
      mailbox_workers_(world_.mailbox_threads)
{
    settler_.seed(world_.random_seed());
    days_ = read_day_counts(p->data_dir);
    set_plan(std::move(p));
    housekeeping();
}

dispatcher::~dispatcher()
{
    bell_->close();
    if (world_.security != nullptr) world_.security->policies().forget_waiters();
}

void dispatcher::set_plan(std::shared_ptr<plan const> p)
{
    plan_ = std::move(p);
    addresses_->set_most(plan_->connections_per_host);
    own_ = own_addresses();
    smart_hosts_ = local_hosts_ = {};
    for (std::size_t secret = 0; secret < 2; ++secret) {
        if (plan_->smart_host && !plan_->usual_host)
            smart_hosts_[secret] = fixed_destination(*plan_->smart_host, false, secret == 1);
        if (plan_->local.how != transport::maildir)
            local_hosts_[secret] = fixed_destination(plan_->local, true, secret == 1);
    }
    renew_accounts();
    // What waits may have another way now, or another login: none of it is left where nobody looks any more.
    std::vector<job> all;
    for (auto const& [key, d] : destinations_) {
        auto waiting = d->waiting.take_all();
        addresses_->emptied(*d);
        std::move(waiting.begin(), waiting.end(), std::back_inserter(all));
    }
    for (auto const& j : all) route_anew(j);
}

// -- fates --

void dispatcher::settle(job const& j, std::vector<outcome> const& outcomes, attempt const& how,
                        std::optional<wall_time> not_before)
{
    under_way_ -= j.recipients.size();
    settler_.settle(j, outcomes, how, *plan_, not_before);
}

void dispatcher::settle_all(job const& j, outcome const& o, std::string const& next_hop,
                            std::optional<wall_time> not_before)
{
    attempt how;
    how.next_hop = how.destination = next_hop;
    settle(j, std::vector<outcome>(j.recipients.size(), o), how, not_before);
}

// -- lines and connections --

void dispatcher::submit(std::shared_ptr<destination> const& d, job j, origin from)
{
    auto const now = steady_clock::now();
    under_way_ += j.recipients.size();
    if (is_paused(*d)) return settle_all(j, d->last_failure, d->key, wall_time_of(d->down_until));
    if (d->established == 0 && d->down_until > now) {
        // No attempt for these: one comes back when the host is looked at again, the others after their
        // usual waits or when it works.
        std::optional<wall_time> look_again;
        if (d->probe_at <= now) {
            d->probe_at = d->down_until;
            look_again = wall_time_of(d->probe_at);
        }
        return settle_all(j, d->last_failure, d->key, look_again);
    }
    if (under_way_ > world_.most_under_way) {
        under_way_ -= j.recipients.size();
        return settler_.put_off(j, own_finding(rules::delivery_overloaded, d->domain), *plan_);
    }
    if (d->in_line && !may_wait_in_line(*d, j)) return;
    if (put_off_for_turn(*d, j)) return;
    if (from == origin::spool && has_enough(*d, j)) return;
    d->waiting.count_beyond(in_long_lines_);
    j.since = now;
    d->waiting.add(std::move(j));
    put_to_work(d);
}

void dispatcher::put_to_work(std::shared_ptr<destination> const& d)
{
    if (stopping_ || d->waiting.empty()) return;
    if (!d->idle.empty()) {
        sleeper* const s = d->idle.back();
        d->idle.pop_back();
        s->woken = true;
        s->alarm.cancel();
        return watch_growth(d);
    }
    if (d->in_line || waits_for_turn(d)) return;
    if (d->connections == 0) return start_connection(d);
    watch_growth(d);
}

void dispatcher::stand_in_line(std::shared_ptr<destination> const& d, std::string const& at)
{
    if (d->in_line) return;
    if (d->connections > 1) {
        // It has others, and will have no more for now.
        d->window = d->connections - 1;
        return;
    }
    // Maybe there is a place again by now: then it comes back at once.
    if (!addresses_->is_full(at)) return;
    addresses_->wait(at, d);
    d->waiting.remove_if([&](job const& j) { return !may_wait_in_line(*d, j); });
    // An idle connection makes room.
    auto const idle = std::find_if(sleepers_.begin(), sleepers_.end(), [&](sleeper const* s) { return s->at == at; });
    if (idle != sleepers_.end()) (*idle)->alarm.cancel();
    // There may be time for other mail again.
    arm_pump();
}

// The line of a server that hangs must not fill the memory, nor keep the spool from being read:
// the spool is the better place to wait.
bool dispatcher::may_wait_in_line(destination& d, job const& j)
{
    if (addresses_->add(d, j.recipients.size(), world_.most_in_line)) return true;
    under_way_ -= j.recipients.size();
    settler_.put_off(j, servers_are_busy(d), *plan_);
    return false;
}

void dispatcher::leave_line(std::shared_ptr<destination> const& d, std::shared_ptr<address_place> place)
{
    addresses_->left(*d);
    if (stopping_ || d->waiting.empty()) return;
    // Who has to wait for something else as well must not keep the place from the others.
    if (d->connections == 0 && has_room_for(*d)) d->place = std::move(place);
    put_to_work(d);
}

void dispatcher::watch_growth(std::shared_ptr<destination> const& d)
{
    if (d->growth_armed || stopping_ || d->waiting.empty() || d->in_line) return;
    if (d->connections >= std::min(d->window, most_connections(*d))) return;
    d->growth_armed = true;
    d->growth.expires_after(world_.grow_after);
    d->growth.async_wait([this, d](boost::system::error_code const& error) {
        d->growth_armed = false;
        if (error || stopping_ || d->waiting.empty() || d->in_line) return;
        double const seconds =
            static_cast<double>(d->waiting.size()) * d->seconds_per_message / std::max(1u, d->connections);
        bool const long_enough = steady_clock::now() - d->waiting.next_since() >= world_.grow_after;
        if (d->connections == 0 || (long_enough && seconds > acceptable_line)) start_connection(d);
        watch_growth(d);
    });
}

// Destinations that failed the last time, and new ones, share half of the connections, so that
// they can all hang at once without delaying the others. Whoever likes can make new domains.
bool dispatcher::has_room_for(destination const& d) const
{
    if (connections_ >= plan_->concurrency) return false;
    return !is_suspect(d) || room_for_suspects();
}

bool dispatcher::room_for_suspects() const { return suspects_ < std::max(1u, plan_->concurrency / 2); }

// Whether a connection that ends now would be of use to somebody.
bool dispatcher::is_pressed() const { return !starved_.empty() || (!starved_suspects_.empty() && room_for_suspects()); }

// Whether that is so for a connection of this one, which may be one that suspects share.
bool dispatcher::is_pressed(destination const& d) const
{
    return is_pressed() || (!starved_suspects_.empty() && d.suspects > 0);
}

// Makes room among the suspects when a destination is none any more.
void dispatcher::cleared(destination& d)
{
    if (d.suspects == 0 || is_suspect(d)) return;
    suspects_ -= std::exchange(d.suspects, 0);
    // Not at once: a connection is in the middle of something.
    if (!starved_suspects_.empty()) asio::post(context_, [this] { feed_starved(); });
}

void dispatcher::start_connection(std::shared_ptr<destination> const& d)
{
    if (d->in_line) return;
    if (!has_room_for(*d)) {
        if (!d->starved) {
            d->starved = true;
            (is_suspect(*d) ? starved_suspects_ : starved_).push_back(d);
        }
        // Somebody's idle connection makes room.
        auto const idle =
            std::find_if(sleepers_.begin(), sleepers_.end(), [&](sleeper const* s) { return is_pressed(*s->of); });
        if (idle != sleepers_.end()) (*idle)->alarm.cancel();
        return;
    }
    if (is_suspect(*d)) {
        ++suspects_;
        ++d->suspects;
    }
    ++connections_;
    ++d->connections;
    asio::co_spawn(context_, run_connection(this, d), [this, d](std::exception_ptr const& failed) {
        if (failed) {
            try {
                std::rethrow_exception(failed);
            } catch (std::exception const& e) {
                log::event(log::level::error, "delivery_failed", {{"next_hop", d->key}, {"error", e.what()}});
            }
        }
        connection_ended(d);
    });
}

void dispatcher::connection_ended(std::shared_ptr<destination> const& d)
{
    --connections_;
    --d->connections;
    if (d->suspects > d->connections) {
        --d->suspects;
        --suspects_;
    }
    feed_starved();
    put_to_work(d);
}

void dispatcher::feed_starved()
{
    // Who failed since it went into the line belongs into the other one.
    for (auto i = starved_.begin(); i != starved_.end();) {
        if (!is_suspect(**i)) {
            ++i;
            continue;
        }
        starved_suspects_.push_back(*i);
        i = starved_.erase(i);
    }
    feed(starved_);
    feed(starved_suspects_);
}

void dispatcher::feed(std::deque<std::shared_ptr<destination>>& starved)
{
    while (!starved.empty() && !stopping_ && has_room_for(*starved.front())) {
        auto const d = starved.front();
        starved.pop_front();
        d->starved = false;
        if (!d->waiting.empty()) start_connection(d);
    }
}

void dispatcher::settle_waiting(destination& d, outcome const& o)
{
    // One of them is there when the host is to be looked at again.
    auto look_again = d.probe_at > steady_clock::now() ? std::optional{wall_time_of(d.probe_at)} : std::nullopt;
    for (auto const& j : d.waiting.take_all()) settle_all(j, o, d.key, std::exchange(look_again, std::nullopt));
}

wall_time dispatcher::wall_time_of(steady_time t) const
{
    return world_.now() + std::chrono::duration_cast<wall_clock::duration>(t - steady_clock::now());
}

void dispatcher::found_dead(destination& d, outcome const& why)
{
    if (why.what == fate::bounced) return settle_waiting(d, why);
    if (d.established > 0) {
        // Not dead, only not willing to take more connections: the others go on.
        d.window = d.established;
        return;
    }
    auto const growing = world_.down_first * (1u << std::min(d.failures, 10u));
    auto const wait = std::min(growing, world_.down_most);
    ++d.failures;
    d.window = 1;
    d.down_until = steady_clock::now() + wait;
    d.probe_at = steady_clock::now() + std::min(growing, world_.probe_most);
    d.last_failure = why;
    d.failed_at = world_.now();
    d.was_down = true;
    d.more_waits = false;
    log::event(log::level::warning, "host_down",
               {{"next_hop", d.key},
                {"reply", why.reply},
                {"waiting", d.waiting.size()},
                {"seconds", std::chrono::duration_cast<std::chrono::seconds>(wait).count()}});
    settle_waiting(d, why);
}

// -- the end --

void dispatcher::wind_down()
{
    stopping_ = true;
    store_days();
    pump_timer_.cancel();
    pump_pause_.cancel();
    housekeeping_timer_.cancel();
    // What waits stays queued in the spool: the next start finds it.
    for (auto const& [key, d] : destinations_) {
        for (auto const& j : d->waiting.take_all()) under_way_ -= j.recipients.size();
        d->growth.cancel();
        d->turn.cancel();
    }
    for (auto* const s : sleepers_) s->alarm.cancel();
}

void dispatcher::cut()
{
    for (auto* const s : *streams_) s->interrupt();
}

bool dispatcher::quiet() const { return connections_ == 0 && mailbox_jobs_ == 0 && settler_.pending() == 0; }

void dispatcher::housekeeping()
{
    housekeeping_timer_.expires_after(world_.housekeeping);
    housekeeping_timer_.async_wait([this](boost::system::error_code const& error) {
        if (error) return;
        store_days();
        auto const now = steady_clock::now();
        std::erase_if(destinations_, [&](auto const& entry) {
            auto const& d = *entry.second;
            // Mail may wait for it to work again: then it is remembered, unless there are very many.
            if (d.was_down && destinations_.size() < most_remembered) return false;
            // Whoever else holds it has use for it.
            return entry.second.use_count() == 1 && d.connections == 0 && d.waiting.empty() &&
                   d.down_until + 10min < now;
        });
        for (auto const& d : addresses_->give_up(now - world_.limits.in_line)) {
            settle_waiting(*d, servers_are_busy(*d));
        }
        for (auto const& [key, d] : destinations_) {
            std::erase_if(d->bad_addresses, [&](auto const& bad) { return bad.second < now; });
        }
        housekeeping();
    });
}

}  // namespace postern::delivery
