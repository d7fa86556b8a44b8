// A few threads for what blocks. Tasks run in any order; a task must not throw.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace postern::delivery {

class workers {
public:
    explicit workers(unsigned threads);
    /// Tasks that did not begin are dropped.
    ~workers();
    void post(std::function<void()> task);

private:
    void run();

    std::mutex mutex_;
    std::condition_variable work_;
    std::deque<std::function<void()>> tasks_;
    bool over_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace postern::delivery
