// The dispatcher's ways to and from the spool: what arrives, what is due, what may come sooner.
#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "catalogue/rules.hpp"
#include "delivery/dispatcher.hpp"

namespace postern::delivery {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t pump_batch = 64;  // then whatever else waits on this thread has its turn
constexpr auto shortest_pause = 1ms;
// From the spool is taken only while there is little to do; what arrives comes anyway.
constexpr std::size_t pump_until = 4000;
// A line may move faster than it looks.
constexpr std::chrono::minutes shortest_promise = 1min, longest_promise = 1h;

}  // namespace

void dispatcher::admit(std::vector<spool::queued_message> arrived)
{
    if (stopping_) return;
    // Nothing: the spool only says that it has something (a report, mail that was released).
    if (arrived.empty()) return pump();
    wall_time const now = world_.now();
    for (auto& m : arrived) admit_one(std::move(m), true, now);
}

// What waits in line for a busy server is nothing to do at the moment, nor is the end of a long line.
bool dispatcher::has_time() const { return under_way_ < pump_until + addresses_->recipients() + in_long_lines_; }

// What would stand far behind in the line of a slow server waits better in the spool, until about its turn.
bool dispatcher::has_enough(destination& d, job const& j)
{
    if (d.waiting.size() < world_.most_from_spool) return false;
    auto const now = steady_clock::now();
    auto const each = std::chrono::duration_cast<steady_clock::duration>(
        std::chrono::duration<double>{d.seconds_per_message / std::max(1u, d.connections)});
    auto const turn = now + each * static_cast<long>(d.waiting.size());
    d.promised = std::min(std::max({d.promised, turn, now + shortest_promise}), now + longest_promise);
    under_way_ -= j.recipients.size();
    settler_.put_off(j, own_finding(catalogue::rules::delivery_overloaded, d.domain), *plan_, wall_time_of(d.promised));
    d.promised += each;
    return true;
}

void dispatcher::pump()
{
    if (stopping_) return;
    if (pump_pauses_) return;
    auto const begun = steady_clock::now();
    if (has_time()) {
        wall_time const now = world_.now();
        auto due = queue_.take_due(now, pump_batch);
        if (!due) log::event(log::level::error, "queue_unreadable", {{"error", due.error().logged}});
        bool const more = due && due->size() == pump_batch;
        if (due)
            for (auto& m : *due) admit_one(std::move(m), false, now);
        // However much is due, half of the time belongs to mail that has just come.
        if (more) return pause_pump(steady_clock::now() - begun);
    }
    arm_pump();
}

void dispatcher::pause_pump(steady_clock::duration how_long)
{
    pump_pauses_ = true;
    pump_pause_.expires_after(std::max<steady_clock::duration>(how_long, shortest_pause));
    pump_pause_.async_wait([this](boost::system::error_code const& error) {
        pump_pauses_ = false;
        if (!error) pump();
    });
}

// Sleeps until the spool has something again. Called after every batch of settlements, since
// these are what makes mail due later; so the timer is only moved when it has to be.
void dispatcher::arm_pump()
{
    if (stopping_ || pump_pauses_ || !has_time()) return;
    auto const due = queue_.next_due();
    steady_clock::duration wait = 5s;  // the spool can't be read: look again soon
    if (due) {
        if (!*due) {
            pump_timer_.cancel();
            pump_armed_ = false;
            return;
        }
        // The wall clock may jump: never sleep longer than a minute on its word.
        wait = std::clamp<steady_clock::duration>(
            std::chrono::duration_cast<steady_clock::duration>(**due - world_.now()), 10ms, 60s);
    }
    // Never put off, or else it would not come as long as much is going on.
    if (pump_armed_ && pump_timer_.expiry() <= steady_clock::now() + wait) return;
    pump_armed_ = true;
    pump_timer_.expires_after(wait);
    pump_timer_.async_wait([this](boost::system::error_code const& error) {
        if (error) return;
        pump_armed_ = false;
        pump();
    });
}

// In portions, as they are sent: who works again may stop soon. Each message once, or else what is
// deferred again would be made due again.
void dispatcher::hurry(std::shared_ptr<destination> const& d)
{
    if (std::exchange(d->hurrying, true)) return;
    queue_.hurry(d->key, d->hurried_to, hurried_at_once, [bell = bell_, d](spool::portion made_due) {
        bell->ring([d, made_due](dispatcher&) {
            d->hurrying = false;
            d->hurried_to = made_due.after;
            d->more_waits = d->more_waits && !made_due.finished;
        });
    });
}

}  // namespace postern::delivery
