// Threads that check passwords, so that nobody else waits while one is hashed: few,
// bounded in number and in what may wait for them, and behind all other threads when
// the processor is short.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sasl/prepare.hpp"

namespace postern::directory {

struct verified {
    enum class outcome : std::uint8_t {
        matched,
        wrong,
        failed,   // no memory, unreadable verifier
        refused,  // had to make room, or the pool ends
    };
    outcome what = outcome::refused;
    sasl::password_candidate::form as = sasl::password_candidate::form::prepared;
};

struct verification {
    std::string verifier;
    std::vector<sasl::password_candidate> candidates;  // tried in this order until one matches
    std::function<void(verified)> done;                // on a hashing thread, once
};

class hash_pool {
public:
    /// `suspect`: names that failed lately. They wait behind all others, and go first
    /// when there is no room; one in four turns is theirs, so that they get on too.
    enum class order : std::uint8_t { normal, suspect };

    hash_pool(unsigned threads, std::size_t queue);
    ~hash_pool();
    hash_pool(hash_pool const&) = delete;
    hash_pool& operator=(hash_pool const&) = delete;

    /// False when there is no room: `done` is not called then.
    bool submit(order o, verification&& v);
    /// For when no log-in waits, and twice a second at most. Dropped when many wait.
    void when_idle(std::function<void()> task);
    /// Ends the threads; what waits is refused. Nothing is called back afterwards.
    void stop();
    /// How many passwords were checked so far.
    std::uint64_t checks() const noexcept { return checks_.load(std::memory_order_relaxed); }

private:
    void tell_depth() const;
    void work();
    bool take(std::vector<verification>& batch);
    void add_company(std::vector<verification>& batch);
    void perform(std::vector<verification>& batch);

    std::atomic<std::uint64_t> checks_{0};
    std::size_t const room_;  // running and waiting
    std::mutex lock_;
    std::condition_variable wake_;
    std::deque<verification> normal_;
    std::deque<verification> suspect_;
    std::deque<std::function<void()>> idle_;
    std::chrono::steady_clock::time_point next_idle_{};
    std::size_t running_ = 0;
    unsigned turn_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace postern::directory
