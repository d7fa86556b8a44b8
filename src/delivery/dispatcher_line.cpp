// One connection of the dispatcher's: what it sees of the line that it works on, and how it went.
#include <algorithm>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/counted.hpp"
#include "delivery/dispatcher.hpp"

namespace postern::delivery {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// Sessions in a row that end before they carried anything.
constexpr unsigned failures_of_dead = 3;
// After how many messages a connection makes room for destinations that have none.
constexpr std::uint64_t turn_of_many = 10, turn_of_one = 100;
constexpr auto longest_turn = 60s;

// What a server says when it wants less of us, not what it says of one mailbox.
bool asks_for_less(outcome const& o)
{
    if (o.what != fate::deferred || !o.remote_said || o.come_back) return false;
    return o.reply.starts_with("421") || o.code.subject == 3 || o.code.subject == 4 || o.code.subject == 7;
}

}  // namespace

// What one connection sees of the dispatcher.
class dispatcher::line final : public feeder {
public:
    line(dispatcher& all, std::shared_ptr<destination> d, link const& l)
        : all_(all), d_(std::move(d)), at_(l.place->at), as_(l.to.as)
    {
    }

    std::optional<job> next() override
    {
        if (all_.stopping_ || all_.is_paused(*d_)) return std::nullopt;
        // Before it has nothing to do.
        if (d_->more_waits && d_->waiting.size() < hurried_at_once / 2) all_.hurry(d_);
        if (d_->waiting.empty()) return std::nullopt;
        auto const now = steady_clock::now();
        if (d_->rate.limits() && d_->rate.next(now) > now) return std::nullopt;
        d_->rate.count(now);
        return d_->waiting.take();
    }

    net::awaitable<bool> wait() override
    {
        if (is_wanted()) co_return false;
        auto const now = steady_clock::now();
        auto const turn = d_->waiting.empty() ? now : d_->rate.next(now);
        bool const soon = turn > now && turn - now < all_.world_.limits.idle;
        if (turn > now && !soon) co_return false;
        sleeper self{asio::steady_timer{all_.context_, soon ? turn : now + all_.world_.limits.idle}, at_, d_.get()};
        d_->idle.push_back(&self);
        all_.sleepers_.push_back(&self);
        boost::system::error_code ignored;
        co_await self.alarm.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        std::erase(d_->idle, &self);
        std::erase(all_.sleepers_, &self);
        co_return self.woken || (soon && !all_.stopping_);
    }

    bool should_end(link const& l) override
    {
        if (all_.stopping_ || d_->connections > all_.most_connections(*d_) || all_.is_paused(*d_)) return true;
        // It said that these are too many.
        if (d_->connections > d_->window && l.served > 0) return true;
        if (l.to.as != d_->as) return true;  // other settings by now
        if (!is_wanted()) return false;
        bool const slow = steady_clock::now() - since_ > longest_turn;
        return slow || l.served >= (d_->connections > 1 ? turn_of_many : turn_of_one);
    }

    void done(job j, std::vector<outcome> outcomes, attempt const& how, steady_clock::duration took) override
    {
        if (std::any_of(outcomes.begin(), outcomes.end(), [](outcome const& o) { return o.remote_said; })) {
            d_->failures = 0;
            double const seconds = std::chrono::duration<double>(took).count();
            d_->seconds_per_message += 0.2 * (seconds - d_->seconds_per_message);
        }
        // Who takes nothing, or does not answer, is not given more connections to do it on.
        if (std::any_of(outcomes.begin(), outcomes.end(), [](outcome const& o) { return o.what == fate::delivered; })) {
            d_->took_message(all_.most_connections(*d_));
            d_->account_fails = 0;
            if (std::exchange(d_->was_down, false)) d_->came_back();
        } else if (std::any_of(outcomes.begin(), outcomes.end(), asks_for_less)) {
            d_->pushed_back();
        }
        all_.cleared(*d_);
        all_.settle(j, outcomes, how);
        auto const complaint = std::find_if(outcomes.begin(), outcomes.end(),
                                            [](outcome const& o) { return o.asks_for != outcome::pause::none; });
        if (complaint != outcomes.end()) all_.pause(*d_, *complaint);
        all_.watch_growth(d_);
    }

    void give_back(job j) override
    {
        if (all_.stopping_) {
            all_.under_way_ -= j.recipients.size();
            return;
        }
        // The line may be somebody else's by now.
        if (as_ != d_->as) return all_.route_anew(j);
        d_->waiting.put_back(std::move(j));
    }

    void convert(job j, mail::content_need need) override { all_.convert(d_, std::move(j), need); }

private:
    bool is_wanted() const { return all_.is_pressed(*d_) || all_.addresses_->is_wanted(at_); }

    dispatcher& all_;
    std::shared_ptr<destination> d_;
    std::string at_;                      // where others may wait for the place
    std::shared_ptr<identity const> as_;  // as whom we came
    steady_time since_ = steady_clock::now();
};

net::awaitable<void> dispatcher::run_connection(dispatcher* self, std::shared_ptr<destination> d)
{
    host_list hosts = co_await find_hosts(self, d);
    if (hosts.problem) {
        d->place.reset();
        self->found_dead(*d, *hosts.problem);
        co_return;
    }
    auto connected = co_await connect_somewhere(self, d, std::move(hosts));
    d->place.reset();
    if (!connected) {
        auto const& no = connected.error();
        if (no.full) {
            self->stand_in_line(d, *no.full);
        } else if (!no.about_login && no.why.asks_for == outcome::pause::none) {
            self->found_dead(*d, no.why);
        } else if (!is_one_too_many(*d, no.why, no.passing)) {
            self->pause(*d, no.why);
        }
        co_return;
    }
    auto const l = *connected;
    l->how.destination = d->key;
    line feed{*self, d, *l};
    if (!self->is_paused(*d)) {
        d->down_until = {};
        d->paused = false;
    }
    std::optional<outcome> broken;
    {
        counted const up{d->established};
        broken = co_await use_link(l, feed, self->world_.limits);
    }
    if (broken && broken->asks_for != outcome::pause::none) {
        if (!is_one_too_many(*d, *broken, false)) self->pause(*d, *broken);
        co_return;
    }
    if (broken && l->served == 0 && ++d->failures >= failures_of_dead) self->found_dead(*d, *broken);
}

}  // namespace postern::delivery
