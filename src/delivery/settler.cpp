#include "delivery/settler.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "delivery/decision.hpp"
#include "delivery/fate_log.hpp"
#include "delivery/report.hpp"

namespace postern::delivery {

namespace {

// How long to wait before a settlement that the disk did not take is tried again.
constexpr std::chrono::seconds settle_again{5};

}  // namespace

// What the spool's threads see. Outlives the settler when an answer comes late.
struct settler::shared {
    std::mutex mutex;
    settler* owner = nullptr;  // null: nobody is interested any more
    bool posted = false;
    std::size_t done = 0;
    std::vector<std::shared_ptr<item>> failed;
};

struct settler::item {
    spool::settlement what;
    std::optional<std::pair<spool::message, std::string>> report;
};

settler::settler(boost::asio::any_io_executor executor, spool::spool& queue, std::function<wall_time()> now,
                 std::function<void()> progress,
                 std::function<void(std::string const& account, std::uint32_t count)> on_bounces,
                 signing::signer* signer)
    : executor_(std::move(executor)),
      queue_(queue),
      now_(std::move(now)),
      progress_(std::move(progress)),
      on_bounces_(std::move(on_bounces)),
      signer_(signer),
      shared_(std::make_shared<shared>())
{
    shared_->owner = this;
}

settler::~settler()
{
    std::lock_guard const lock{shared_->mutex};
    shared_->owner = nullptr;
}

std::size_t settler::pending() const noexcept { return pending_; }

void settler::settle(job const& j, std::vector<outcome> const& outcomes, attempt const& how, plan const& p,
                     std::optional<wall_time> not_before, catalogue::rule const* give_up)
{
    spool::message const& m = *j.of->what;
    wall_time const now = now_();

    auto i = std::make_shared<item>();
    i->what.queue_id = m.queue_id;
    i->what.next_hop = how.destination;
    i->what.recipients.reserve(j.recipients.size());
    std::vector<reported> to_report;
    bool lost_report = false;
    for (std::size_t n = 0; n < j.recipients.size(); ++n) {
        auto const& r = m.recipients[j.recipients[n]];
        outcome const& o = outcomes[n];
        double const random = std::uniform_real_distribution<double>{0, 1}(random_);
        decision const d = decide(m, r, o, p, now, random, not_before, give_up);
        bool const expired = d.given_up != nullptr;
        spool::recipient_update& u = i->what.recipients.emplace_back();
        u.number = r.number;
        u.state = d.state;
        u.last_reply = o.reply;
        u.next_attempt = d.next_attempt;
        log_fate(m, r, o, how, expired ? std::nullopt : std::optional{u.next_attempt}, now);
        if (d.tell_delay) to_report.push_back({j.recipients[n], &o, nullptr, end_of(m, p)});
        if (!wants_report(r, o, expired)) continue;
        if (m.env.reverse_path.null) {
            lost_report = lost_report || o.what != fate::delivered;
        } else {
            to_report.push_back({j.recipients[n], &o, d.given_up, std::nullopt});
        }
    }
    auto const bounces =
        std::count_if(outcomes.begin(), outcomes.end(), [](outcome const& o) { return o.what == fate::bounced; });
    if (bounces != 0 && on_bounces_ && !m.account.empty()) on_bounces_(m.account, static_cast<std::uint32_t>(bounces));
    if (lost_report) {
        // RFC 5321 section 6.1: what has no sender never gets a report.
        log::event(log::level::warning, "double_bounce",
                   {{"queue_id", m.queue_id},
                    {"text", "a message without a sender could not be delivered; nobody can be told"}});
    }
    if (!to_report.empty()) {
        i->report = make_report(m, j.of->body.get(), to_report, how, p.hostname, now);
        log::event(log::level::info, "report",
                   {{"queue_id", i->report->first.queue_id},
                    {"about", m.queue_id},
                    {"forward_path", m.env.reverse_path.to_string()}});
    }
    ++pending_;
    sign_and_hand_over(i);
}

void settler::put_off(job const& j, outcome const& why, plan const& p, std::optional<wall_time> until)
{
    wall_time const now = now_();
    spool::message const& m = *j.of->what;
    bool const out_of_time = std::any_of(j.recipients.begin(), j.recipients.end(), [&](auto place) {
        auto const notice = notice_due(m, m.recipients[place], p);
        return has_come(notice.value_or(end_of(m, p)), now);
    });
    if (out_of_time) return settle(j, std::vector<outcome>(j.recipients.size(), why), {}, p);
    auto i = std::make_shared<item>();
    i->what.queue_id = m.queue_id;
    for (auto const place : j.recipients) {
        auto const& r = m.recipients[place];
        auto const wait = std::chrono::seconds{std::uniform_int_distribution<int>{45, 75}(random_)};
        auto const latest = notice_due(m, r, p).value_or(end_of(m, p));
        i->what.recipients.push_back({r.number, spool::recipient_state::queued,
                                      std::min<wall_time>(until.value_or(now + wait), latest), why.reply});
    }
    ++pending_;
    hand_over(i);
}

// Where a signature takes long, others do it: this thread is the one of all deliveries.
void settler::sign_and_hand_over(std::shared_ptr<item> const& i)
{
    if (signer_ == nullptr || !i->report) return hand_over(i);
    signer_->sign(i->report->second, i->report->first.accepted_at, [s = shared_, i] {
        i->report->first.size = i->report->second.size();
        std::lock_guard const lock{s->mutex};
        if (s->owner == nullptr) return;
        boost::asio::post(s->owner->executor_, [s, i] {
            std::unique_lock inner{s->mutex};
            settler* const owner = s->owner;
            inner.unlock();
            if (owner != nullptr) owner->hand_over(i);
        });
    });
}

void settler::hand_over(std::shared_ptr<item> const& i)
{
    queue_.settle(i->what, i->report, [s = shared_, i](result<> r) {
        std::lock_guard const lock{s->mutex};
        if (r) {
            ++s->done;
        } else {
            log::event(log::level::error, "settlement_failed",
                       {{"queue_id", i->what.queue_id}, {"error", r.error().logged}, {"text", "tried again soon"}});
            s->failed.push_back(i);
        }
        if (s->posted || s->owner == nullptr) return;
        s->posted = true;
        // The owner can't go while the lock is held, and its context goes after it.
        boost::asio::post(s->owner->executor_, [s] {
            std::unique_lock inner{s->mutex};
            settler* const owner = s->owner;
            inner.unlock();
            if (owner != nullptr) owner->drain();
        });
    });
}

void settler::drain()
{
    std::vector<std::shared_ptr<item>> failed;
    std::size_t done = 0;
    {
        std::lock_guard const lock{shared_->mutex};
        shared_->posted = false;
        done = std::exchange(shared_->done, 0);
        failed.swap(shared_->failed);
    }
    pending_ -= done;
    if (!failed.empty()) {
        // The mail has been handed over; what is missing is that we know it after a restart.
        auto timer = std::make_shared<boost::asio::steady_timer>(executor_, settle_again);
        timer->async_wait([s = shared_, timer, failed = std::move(failed)](boost::system::error_code const& error) {
            std::unique_lock lock{s->mutex};
            settler* const owner = s->owner;
            lock.unlock();
            if (error || owner == nullptr) return;
            for (auto const& i : failed) owner->hand_over(i);
        });
    }
    progress_();
}

}  // namespace postern::delivery
