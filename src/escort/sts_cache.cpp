#include "escort/sts_cache.hpp"

#include <algorithm>
#include <utility>

#include <pthread.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"

namespace postern::escort {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr std::size_t most_orders = 1000;
// Of what is known, so much goes at once when there is no room: looking for it takes a while.
constexpr std::size_t part_to_forget = 16;
constexpr unsigned fetch_threads = 4;
// A TXT record's word counts for as long as it says, within these bounds: nobody is asked for each
// message, and a new policy is seen the next day.
constexpr std::chrono::seconds checked_least = 1min, checked_most = 24h;
constexpr std::chrono::seconds unclear_for = 1min;
// How long a fetch that failed is not tried again (RFC 8461 section 3.3).
constexpr auto failed_for = 5min;
// A policy is fetched anew once a day, so that it does not expire (RFC 8461 section 3.3).
constexpr std::chrono::minutes refresh_after = 24h, look_for_old = 10min;
// A fetch takes less, but may have to wait for others.
constexpr auto longest_wait = 30s;

}  // namespace

sts_question::sts_question(asio::any_io_executor const& executor) : wake_(executor, steady_time::max()) {}

dns::awaitable<sts_finding> sts_question::wait(std::shared_ptr<sts_question> self)
{
    if (!answered_) {
        boost::system::error_code ignored;
        co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_return std::move(self->answer_);
}

sts_cache::sts_cache(database& kept, policy_source source, std::function<wall_time()> now, std::size_t most)
    : kept_(kept), source_(std::move(source)), now_(std::move(now)), most_(most)
{
    if (auto stored = kept_.policies(now_())) {
        for (auto& p : *stored) {
            make_room();
            entry e;
            std::string ignored;
            e.policy = mail::parse_sts_policy(p.text, ignored);
            if (!e.policy) continue;
            e.id = std::move(p.id);
            e.text = std::move(p.text);
            e.fetched = p.fetched;
            e.expires = p.expires;
            entries_.emplace(std::move(p.domain), std::move(e));
        }
    } else {
        log::event(log::level::error, "mta_sts_not_read", {{"problem", stored.error().logged}});
    }
    for (unsigned i = 0; i < fetch_threads; ++i) {
        threads_.emplace_back([this] { work(); });
        ::pthread_setname_np(threads_.back().native_handle(), "mta-sts");
    }
}

sts_cache::~sts_cache() { stop(); }

void sts_cache::stop()
{
    {
        std::lock_guard const hold{lock_};
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& t : threads_)
        if (t.joinable()) t.join();
}

void sts_cache::forget_waiters()
{
    std::lock_guard const hold{lock_};
    for (auto& [domain, e] : entries_) e.waiters.clear();
}

std::shared_ptr<sts_question> sts_cache::begin(asio::any_io_executor const& executor, dns::resolver& names,
                                               std::string const& domain)
{
    auto q = std::make_shared<sts_question>(executor);
    if (auto at_hand = known(domain)) {
        q->answer_ = std::move(*at_hand);
        q->answered_ = true;
        return q;
    }
    asio::co_spawn(executor, look_up(this, executor, &names, domain, q), asio::detached);
    return q;
}

dns::awaitable<void> sts_cache::look_up(sts_cache* self, asio::any_io_executor executor, dns::resolver* names,
                                        std::string domain, std::shared_ptr<sts_question> q)
{
    auto const answer = co_await names->txt(mail::sts_record_name(domain));
    std::string id;
    if (self->needs_fetch(domain, answer, id)) co_await wait_for_fetch(self, executor, domain, id);
    {
        std::lock_guard const hold{self->lock_};
        auto const at = self->entries_.find(domain);
        if (at != self->entries_.end()) q->answer_ = self->finding_of(at->second);
    }
    q->answered_ = true;
    q->wake_.cancel();
}

dns::awaitable<void> sts_cache::wait_for_fetch(sts_cache* self, asio::any_io_executor executor, std::string domain,
                                               std::string id)
{
    auto const timer = std::make_shared<asio::steady_timer>(executor, longest_wait);
    // Called with the lock held, so before forget_waiters() or not at all.
    self->order(domain, id, [executor, timer] { asio::post(executor, [timer] { timer->cancel(); }); });
    boost::system::error_code ignored;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

sts_finding sts_cache::finding_of(entry const& e) const
{
    sts_finding f;
    if (e.policy && e.expires > now_()) {
        f.policy = e.policy;
        f.text = e.text;
    }
    f.result = e.result;
    f.problem = e.problem;
    return f;
}

std::optional<sts_finding> sts_cache::known(std::string const& domain)
{
    std::lock_guard const hold{lock_};
    auto const at = entries_.find(domain);
    if (at == entries_.end() || at->second.checked_until < now_()) return std::nullopt;
    auto finding = finding_of(at->second);
    // It has expired since.
    if (at->second.policy && !finding.policy) return std::nullopt;
    // Somebody waits for the first policy of the domain: so do all.
    if (at->second.fetching && !finding.policy) return std::nullopt;
    return finding;
}

// A policy that was had before holds until it expires, whatever the TXT record says.
bool sts_cache::needs_fetch(std::string const& domain, dns::txt_answer const& answer, std::string& id)
{
    std::lock_guard const hold{lock_};
    auto const now = now_();
    make_room();
    auto& e = entries_[domain];
    if (e.expires <= now) e.policy.reset();
    bool const unclear = answer.what == dns::finding::temporary || answer.what == dns::finding::bogus;
    auto const announced = mail::parse_sts_record(answer.records);
    e.checked_until = now + (unclear ? unclear_for : std::clamp(answer.lasts, checked_least, checked_most));
    if (!announced) {
        e.result.clear();
        e.problem.clear();
        return false;
    }
    if (e.policy && e.id == *announced) return false;
    if (e.failed_until > now && !e.fetching) {
        e.checked_until = std::min(e.checked_until, e.failed_until);
        return false;
    }
    id = *announced;
    return true;
}

// Caller holds the lock. What is only the memory of an answer can be had again, and goes first; then
// policies, those first that hold the least time from now on.
void sts_cache::make_room()
{
    if (entries_.size() < most_) return;
    auto const now = now_();
    struct candidate {
        int rank;
        wall_time expires;
        std::string const* domain;
        bool operator<(candidate const& o) const { return rank != o.rank ? rank < o.rank : expires < o.expires; }
    };
    std::vector<candidate> all;
    all.reserve(entries_.size());
    for (auto const& [domain, e] : entries_) {
        if (e.fetching || !e.waiters.empty()) continue;
        bool const holds = e.policy && e.expires > now;
        all.push_back({holds ? 2 : e.checked_until < now ? 0 : 1, e.expires, &domain});
    }
    auto const going = std::min(all.size(), entries_.size() / part_to_forget + 1);
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(going), all.end());
    for (std::size_t i = 0; i < going; ++i) entries_.erase(entries_.find(*all[i].domain));
}

std::size_t sts_cache::size() const
{
    std::lock_guard const hold{lock_};
    return entries_.size();
}

void sts_cache::order(std::string const& domain, std::string id, std::function<void()> waiter)
{
    std::lock_guard const hold{lock_};
    auto& e = entries_[domain];
    if (stopping_ || (!e.fetching && orders_.size() >= most_orders)) return waiter();
    e.waiters.push_back(std::move(waiter));
    if (e.fetching) return;
    e.fetching = true;
    orders_.emplace_back(domain, std::move(id));
    wake_.notify_one();
}

void sts_cache::take(std::string const& domain, std::string const& id, fetched got)
{
    stored_policy to_keep;
    {
        std::lock_guard const hold{lock_};
        auto& e = entries_[domain];
        e.fetching = false;
        e.result = got.result;
        e.problem = got.problem;
        if (got.policy) {
            e.id = id;
            e.text = std::move(got.text);
            e.fetched = now_();
            e.expires = e.fetched + got.policy->max_age;
            e.policy = std::move(got.policy);
            to_keep = {domain, e.id, e.text, e.fetched, e.expires};
        } else {
            e.failed_until = now_() + failed_for;
            e.checked_until = std::min(e.checked_until, e.failed_until);
        }
        for (auto const& tell : std::exchange(e.waiters, {})) tell();
    }
    if (to_keep.domain.empty()) {
        log::event(log::level::warning, "mta_sts_fetch_failed", {{"domain", domain}, {"problem", got.problem}});
        return;
    }
    log::event(log::level::info, "mta_sts_policy", {{"domain", domain}, {"id", id}});
    if (auto r = kept_.store(to_keep); !r)
        log::event(log::level::error, "mta_sts_not_stored", {{"domain", domain}, {"problem", r.error().logged}});
}

void sts_cache::work()
{
    std::unique_lock hold{lock_};
    while (!stopping_) {
        if (orders_.empty() && wake_.wait_for(hold, look_for_old) == std::cv_status::timeout) refresh();
        if (orders_.empty()) continue;
        auto const [domain, id] = std::move(orders_.front());
        orders_.pop_front();
        hold.unlock();
        auto got = source_(domain, stopping_);
        take(domain, id, std::move(got));
        hold.lock();
    }
}

// Caller holds the lock.
void sts_cache::refresh()
{
    auto const now = now_();
    for (auto& [domain, e] : entries_) {
        if (orders_.size() >= most_orders) break;
        bool const due = e.policy && e.expires > now && e.fetched + refresh_after < now;
        if (!due || e.fetching || e.failed_until > now) continue;
        e.fetching = true;
        orders_.emplace_back(domain, e.id);
    }
    wake_.notify_all();
}

}  // namespace postern::escort
