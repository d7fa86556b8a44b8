// Values as people read them.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"

namespace postern::doctor {

/// "2026-11-22 07:04 UTC"
std::string readable(wall_time t);
/// "5 days", "3 hours", "40 seconds"
std::string readable(wall_clock::duration d);
/// "1.5 GiB"
std::string readable_octets(std::uint64_t n);
std::string joined(std::vector<std::string> const& texts);

}  // namespace postern::doctor
