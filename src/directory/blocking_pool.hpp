// Questions to programs that can only be asked by waiting: a few threads of their own, a
// bounded queue, and a deadline after which the asker gets an error whatever the thread is
// doing. A thread that hangs forever costs its place and nothing else.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.hpp"

namespace postern::directory {

class blocking_pool {
public:
    /// What a thread does: may use the thread's own `state` (a connection), and must not
    /// wait longer than the deadline if it can help it. Gives what finishes the question.
    using finish = std::function<void()>;
    struct question {
        std::function<finish(std::shared_ptr<void>& state, steady_time deadline)> ask;
        std::function<void()> late;  // instead, when the deadline passed or the pool ends
    };

    blocking_pool(unsigned threads, std::size_t queue, std::chrono::milliseconds patience);
    ~blocking_pool();
    blocking_pool(blocking_pool const&) = delete;
    blocking_pool& operator=(blocking_pool const&) = delete;

    /// False when too many wait: nothing is called then. Else exactly one of the two is.
    bool submit(question q);
    /// Whether it would be false now.
    bool full() const;
    /// What waits is told that it is late, and nothing is called any more when it returns. Threads that
    /// hang are left to themselves. Safe to call again.
    void stop();

private:
    struct job {
        question what;
        steady_time deadline;
        bool answered = false;
    };
    struct shared {
        std::mutex lock;
        std::condition_variable wake;
        std::condition_variable ended;
        std::deque<std::shared_ptr<job>> waiting;
        std::multimap<steady_time, std::shared_ptr<job>> open;  // waiting or asked
        std::size_t threads = 0;
        bool stopping = false;
    };
    static void work(std::shared_ptr<shared> s);
    static void watch(std::shared_ptr<shared> s);
    static void forget(shared& s, std::shared_ptr<job> const& j);

    std::size_t const room_;
    std::chrono::milliseconds const patience_;
    std::shared_ptr<shared> shared_;
};

}  // namespace postern::directory
