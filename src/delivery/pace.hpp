// How fast mail may go to a provider: so many messages a minute, evenly, and so many a day.
// Pure: the time comes in.
#pragma once

#include <cstdint>

#include "base/clock.hpp"

namespace postern::delivery {

class pace {
public:
    /// 0: no limit.
    void set_limits(std::uint32_t a_minute, std::uint32_t a_day) noexcept;
    bool limits() const noexcept { return a_minute_ != 0 || a_day_ != 0; }

    /// When the next message may go; not later than `now`: at once.
    steady_time next(steady_time now) const noexcept;
    /// Whether it is the day that makes it wait.
    bool day_is_full(steady_time now) const noexcept;
    void count(steady_time now) noexcept;
    /// How long one message keeps the next one waiting.
    steady_clock::duration gap() const noexcept;
    /// What has gone in the day under way, and since when; for the next start.
    std::uint32_t today(steady_time now) const noexcept { return now < day_began_ + day ? today_ : 0; }
    steady_time day_began() const noexcept { return day_began_; }
    void resume(std::uint32_t today, steady_time began) noexcept
    {
        today_ = today;
        day_began_ = began;
    }
    std::uint32_t a_minute() const noexcept { return a_minute_; }
    std::uint32_t a_day() const noexcept { return a_day_; }

private:
    static constexpr std::chrono::hours day{24};
    std::uint32_t a_minute_ = 0, a_day_ = 0;
    steady_time next_{};
    steady_time day_began_{};
    std::uint32_t today_ = 0;
};

}  // namespace postern::delivery
