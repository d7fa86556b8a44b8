// Few lines in the log for what strangers can make happen as often as they like. Safe from several threads.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>

#include "base/clock.hpp"

namespace postern::directory {

class few_notes {
public:
    /// Whether one may be written now; then, how many were not since the last.
    std::optional<std::size_t> next(steady_time now)
    {
        std::lock_guard lock{lock_};
        if (now >= ends_) {
            ends_ = now + std::chrono::minutes{1};
            written_ = 0;
        }
        if (written_ == most_in_a_minute) {
            ++left_out_;
            return std::nullopt;
        }
        ++written_;
        return std::exchange(left_out_, 0);
    }

private:
    static constexpr std::size_t most_in_a_minute = 5;
    std::mutex lock_;
    steady_time ends_{};
    std::size_t written_ = 0;
    std::size_t left_out_ = 0;
};

}  // namespace postern::directory
