// How many messages have gone to each smart host today, over a restart: a small file in data_dir, written
// about once a minute and at the end. Used on delivery's thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/clock.hpp"

namespace postern::delivery {

struct day_count {
    wall_time began;
    std::uint32_t messages = 0;
    friend bool operator==(day_count const&, day_count const&) = default;
};
/// By smart host and place of the login: "0 provider".
using day_counts = std::map<std::string, day_count>;

/// None, with a line in the log, when the file can't be read.
day_counts read_day_counts(std::filesystem::path const& folder);
void write_day_counts(std::filesystem::path const& folder, day_counts const& counts);

}  // namespace postern::delivery
