#include "delivery/pace.hpp"

#include <algorithm>

namespace postern::delivery {

namespace {

constexpr std::chrono::minutes minute{1};

}  // namespace

void pace::set_limits(std::uint32_t a_minute, std::uint32_t a_day) noexcept
{
    a_minute_ = a_minute;
    a_day_ = a_day;
}

steady_clock::duration pace::gap() const noexcept
{
    return a_minute_ == 0 ? steady_clock::duration::zero() : steady_clock::duration{minute} / a_minute_;
}

bool pace::day_is_full(steady_time now) const noexcept
{
    return a_day_ != 0 && today_ >= a_day_ && now < day_began_ + day;
}

steady_time pace::next(steady_time now) const noexcept
{
    steady_time at = a_minute_ == 0 ? now : next_;
    if (day_is_full(now)) at = std::max(at, day_began_ + day);
    return at;
}

void pace::count(steady_time now) noexcept
{
    next_ = std::max(next_, now) + gap();
    if (today_ == 0 || now >= day_began_ + day) {
        day_began_ = now;
        today_ = 0;
    }
    ++today_;
}

}  // namespace postern::delivery
