// Takes the samples of the numbers, on a thread of its own, and stores them.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "console/numbers.hpp"

namespace postern::console {

class recorder {
public:
    struct now_there {
        std::optional<std::uint64_t> queue;
        std::uint64_t sessions = 0;
    };
    /// `look` is called on the recorder's thread.
    recorder(std::unique_ptr<number_book> book, std::function<now_there()> look);
    ~recorder() { stop(); }
    recorder(recorder const&) = delete;
    recorder& operator=(recorder const&) = delete;

    number_book& book() noexcept { return *book_; }
    void stop();

private:
    void work();

    std::unique_ptr<number_book> book_;
    std::function<now_there()> look_;
    std::mutex lock_;
    std::condition_variable wake_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace postern::console
