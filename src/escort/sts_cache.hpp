// What domains say about their servers (MTA-STS, RFC 8461): looked up once, kept as long as they
// say, on disk too. Asked by delivery's coroutines; policies are fetched on threads of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "dns/resolver.hpp"
#include "escort/database.hpp"
#include "escort/policy_source.hpp"
#include "mail/sts_policy.hpp"

namespace postern::escort {

/// What is known of a domain.
struct sts_finding {
    std::optional<mail::sts_policy> policy;  // nothing, or of mode none: there is nothing to obey
    std::string text;                        // of the policy
    std::string result, problem;             // a policy is announced, but could not be had
};

/// A look-up that has begun.
class sts_question {
public:
    explicit sts_question(boost::asio::any_io_executor const& executor);
    /// On the executor's thread; once.
    dns::awaitable<sts_finding> wait(std::shared_ptr<sts_question> self);

private:
    friend class sts_cache;
    boost::asio::steady_timer wake_;
    bool answered_ = false;
    sts_finding answer_;
};

class sts_cache {
public:
    /// Knows of `most` domains or a few more; what it forgets is asked for anew.
    sts_cache(database& kept, policy_source source, std::function<wall_time()> now, std::size_t most = 100'000);
    ~sts_cache();
    sts_cache(sts_cache const&) = delete;
    sts_cache& operator=(sts_cache const&) = delete;

    /// Begins to look a domain up; `names` and the executor's context must outlive what waits.
    std::shared_ptr<sts_question> begin(boost::asio::any_io_executor const& executor, dns::resolver& names,
                                        std::string const& domain);
    /// Nobody waits any more: the executor's context is about to go.
    void forget_waiters();
    /// No more fetching.
    void stop();
    std::size_t size() const;

private:
    struct entry {
        std::optional<mail::sts_policy> policy;
        std::string id, text;
        wall_time fetched{}, expires{};
        std::string result, problem;  // of the last fetch, if it failed
        wall_time checked_until{};    // until then nobody is asked
        wall_time failed_until{};     // until then no fetch
        bool fetching = false;
        std::vector<std::function<void()>> waiters;
    };

    static dns::awaitable<void> look_up(sts_cache* self, boost::asio::any_io_executor executor, dns::resolver* names,
                                        std::string domain, std::shared_ptr<sts_question> q);
    static dns::awaitable<void> wait_for_fetch(sts_cache* self, boost::asio::any_io_executor executor,
                                               std::string domain, std::string id);
    std::optional<sts_finding> known(std::string const& domain);
    sts_finding finding_of(entry const& e) const;
    bool needs_fetch(std::string const& domain, dns::txt_answer const& answer, std::string& id);
    void order(std::string const& domain, std::string id, std::function<void()> waiter);
    void take(std::string const& domain, std::string const& id, fetched got);
    void make_room();
    void work();
    void refresh();

    database& kept_;
    policy_source source_;
    std::function<wall_time()> now_;
    std::size_t most_;
    mutable std::mutex lock_;
    std::condition_variable wake_;
    std::unordered_map<std::string, entry> entries_;
    std::deque<std::pair<std::string, std::string>> orders_;  // domain, id
    std::atomic<bool> stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace postern::escort
