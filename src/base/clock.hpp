// Time: a wall clock for stamps that outlive the process, a steady one for deadlines.
// Pure code takes the time as an argument; only edges ask the clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace postern {

using wall_clock = std::chrono::system_clock;
using wall_time = wall_clock::time_point;
using steady_clock = std::chrono::steady_clock;
using steady_time = steady_clock::time_point;

/// Microseconds since 1970-01-01 UTC: how times are stored.
std::int64_t to_microseconds(wall_time t) noexcept;
/// What the clock can't count (before 1677, after 2262) becomes its first or last time.
wall_time from_microseconds(std::int64_t n) noexcept;

/// "2026-11-22T07:04:11.123456Z", RFC 3339, always UTC.
std::string to_rfc3339(wall_time t);
/// "Sun, 22 Nov 2026 07:04:11 +0000", RFC 5322 section 3.3, always UTC.
std::string to_rfc5322(wall_time t);

}  // namespace postern
