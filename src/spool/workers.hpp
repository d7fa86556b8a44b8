// A few threads for what may take long: syncing and removing content files.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace postern::spool {

class workers {
public:
    explicit workers(unsigned threads);
    /// Does what was asked for, then ends.
    ~workers() { finish(); }
    workers(workers const&) = delete;
    workers& operator=(workers const&) = delete;

    void submit(std::function<void()> job);
    /// Does what is left and ends the threads; submit() then runs jobs by itself.
    void finish();

private:
    void run();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> jobs_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace postern::spool
