#include "directory/hash_pool.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include "base/counters.hpp"
#include "directory/argon2.hpp"
#include "directory/verifier.hpp"

namespace postern::directory {
namespace {

constexpr std::size_t most_idle_tasks = 64;
constexpr std::chrono::milliseconds between_idle_tasks{500};
constexpr std::chrono::seconds keep_memory{5};

/// Behind everybody else: a flood of wrong passwords must not slow down those who are
/// already in. Whoever may not lower itself simply stays as it is.
void lower_priority()
{
    sched_param none{};
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
    setpriority(PRIO_PROCESS, 0, 10);  // on Linux: this thread
    pthread_setname_np(pthread_self(), "postern-hash");
}

}  // namespace

hash_pool::hash_pool(unsigned threads, std::size_t queue) : room_(std::max(1u, threads) + queue)
{
    // Signals belong to the threads that wait for them.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < std::max(1u, threads); ++i) threads_.emplace_back([this] { work(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

hash_pool::~hash_pool() { stop(); }

void hash_pool::stop()
{
    {
        std::lock_guard lock{lock_};
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& t : threads_) {
        if (t.joinable()) t.join();
    }
    std::deque<verification> rest;
    {
        std::lock_guard lock{lock_};
        rest.swap(normal_);
        for (auto& v : suspect_) rest.push_back(std::move(v));
        suspect_.clear();
        idle_.clear();
    }
    for (auto& v : rest) v.done(verified{});
}

bool hash_pool::submit(order o, verification&& v)
{
    verification displaced;
    {
        std::lock_guard lock{lock_};
        if (stopping_) return false;
        if (running_ + normal_.size() + suspect_.size() >= room_) {
            if (o == order::suspect || suspect_.empty()) return false;
            displaced = std::move(suspect_.back());
            suspect_.pop_back();
        }
        (o == order::normal ? normal_ : suspect_).push_back(std::move(v));
        tell_depth();
    }
    wake_.notify_one();
    if (displaced.done) displaced.done(verified{});
    return true;
}

/// Under the lock.
void hash_pool::tell_depth() const
{
    counters::totals.hash_waiting.set(static_cast<std::int64_t>(normal_.size() + suspect_.size()));
    counters::totals.hash_running.set(static_cast<std::int64_t>(running_));
}

void hash_pool::when_idle(std::function<void()> task)
{
    {
        std::lock_guard lock{lock_};
        if (stopping_ || idle_.size() >= most_idle_tasks) return;
        idle_.push_back(std::move(task));
    }
    wake_.notify_one();
}

/// More checks of a kind cost next to nothing more, whoever they are from. Under the lock.
void hash_pool::add_company(std::vector<verification>& batch)
{
    if (!runs_together(batch.front().verifier)) return;
    company const best = best_company();
    std::size_t fitting = 1;
    auto const fits = [&](verification const& v) { return run_together(batch.front().verifier, v.verifier); };
    for (auto const* queue : {&normal_, &suspect_}) {
        for (auto it = queue->begin(); it != queue->end() && fitting < best.most; ++it) fitting += fits(*it) ? 1 : 0;
    }
    // Too few: better one after the other, on all threads.
    if (fitting < best.least) return;
    for (auto* queue : {&normal_, &suspect_}) {
        for (auto it = queue->begin(); it != queue->end() && batch.size() < fitting;) {
            if (!fits(*it)) {
                ++it;
                continue;
            }
            batch.push_back(std::move(*it));
            it = queue->erase(it);
        }
    }
}

/// The next log-ins to check: one, or several that run together. Under the lock; false
/// when none waits.
bool hash_pool::take(std::vector<verification>& batch)
{
    if (normal_.empty() && suspect_.empty()) return false;
    bool const turn_of_suspects = ++turn_ % 4 == 0;
    auto& queue = normal_.empty() || (turn_of_suspects && !suspect_.empty()) ? suspect_ : normal_;
    batch.push_back(std::move(queue.front()));
    queue.pop_front();
    add_company(batch);
    running_ += batch.size();
    tell_depth();
    return true;
}

void hash_pool::perform(std::vector<verification>& batch)
{
    for (auto& v : batch) {
        if (v.candidates.empty()) std::exchange(v.done, nullptr)({verified::outcome::wrong, {}});
    }
    // Each candidate in turn, until one matches or none is left. Most have one only.
    for (std::size_t turn = 0;; ++turn) {
        std::vector<check_request> requests;
        std::vector<verification*> asked;
        for (auto& v : batch) {
            if (!v.done || turn >= v.candidates.size()) continue;
            requests.push_back({v.verifier, v.candidates[turn].octets.reveal()});
            asked.push_back(&v);
        }
        if (requests.empty()) break;
        checks_.fetch_add(requests.size(), std::memory_order_relaxed);
        check_all(requests);
        for (std::size_t i = 0; i < requests.size(); ++i) {
            verification& v = *asked[i];
            match const found = requests[i].found;
            if (found == match::no && turn + 1 < v.candidates.size()) continue;
            auto const done = std::exchange(v.done, nullptr);
            done({found == match::yes  ? verified::outcome::matched
                  : found == match::no ? verified::outcome::wrong
                                       : verified::outcome::failed,
                  v.candidates[turn].as});
        }
    }
}

void hash_pool::work()
{
    lower_priority();
    bool holds_memory = false;
    std::vector<verification> batch;
    std::unique_lock lock{lock_};
    while (!stopping_) {
        if (take(batch)) {
            lock.unlock();
            perform(batch);
            std::size_t const finished = batch.size();
            batch.clear();
            holds_memory = true;
            lock.lock();
            running_ -= finished;
            tell_depth();
            continue;
        }
        auto const now = std::chrono::steady_clock::now();
        if (!idle_.empty() && now >= next_idle_) {
            auto task = std::move(idle_.front());
            idle_.pop_front();
            next_idle_ = now + between_idle_tasks;
            lock.unlock();
            task();
            task = nullptr;
            holds_memory = true;
            lock.lock();
            continue;
        }
        if (!idle_.empty()) {
            wake_.wait_until(lock, next_idle_);
        } else if (holds_memory) {
            if (wake_.wait_for(lock, keep_memory) == std::cv_status::timeout) {
                argon2::release_memory();
                holds_memory = false;
            }
        } else {
            wake_.wait(lock);
        }
    }
}

}  // namespace postern::directory
