#include "base/clock.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace postern {
namespace {

std::tm utc(wall_time t, std::int64_t& microseconds)
{
    auto const n = to_microseconds(t);
    auto seconds = n / 1'000'000;
    microseconds = n % 1'000'000;
    if (microseconds < 0) {
        microseconds += 1'000'000;
        --seconds;
    }
    std::time_t const s = seconds;
    std::tm out{};
    gmtime_r(&s, &out);
    return out;
}

}  // namespace

std::int64_t to_microseconds(wall_time t) noexcept
{
    return std::chrono::duration_cast<std::chrono::microseconds>(t.time_since_epoch()).count();
}

wall_time from_microseconds(std::int64_t n) noexcept
{
    // The clock counts nanoseconds and ends in 2262; a damaged database may say anything.
    static constexpr std::int64_t least = wall_time::min().time_since_epoch() / std::chrono::microseconds{1};
    static constexpr std::int64_t most = wall_time::max().time_since_epoch() / std::chrono::microseconds{1};
    auto const kept = std::chrono::microseconds{std::clamp(n, least, most)};
    return wall_time{std::chrono::duration_cast<wall_clock::duration>(kept)};
}

std::string to_rfc3339(wall_time t)
{
    std::int64_t us = 0;
    auto const tm = utc(t, us);
    std::array<char, 64> text{};
    int const n = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900,
                                tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, static_cast<int>(us));
    return {text.data(), static_cast<std::size_t>(n)};
}

std::string to_rfc5322(wall_time t)
{
    static constexpr std::array<char const*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array<char const*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::int64_t us = 0;
    auto const tm = utc(t, us);
    std::array<char, 64> text{};
    int const n = std::snprintf(
        text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d +0000", days[static_cast<std::size_t>(tm.tm_wday)],
        tm.tm_mday, months[static_cast<std::size_t>(tm.tm_mon)], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    return {text.data(), static_cast<std::size_t>(n)};
}

}  // namespace postern
