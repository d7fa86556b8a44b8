// Reading back what log.hpp kept: the events of one session or message.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace postern::log {

/// Writes out what the log's buffer holds, then gives the history's lines (a JSON
/// object each, oldest first) that mention any of the ids as a whole value; a
/// refusal's ".N" is ignored, as is letter case. At most `limit` lines, the latest; of the latest files, the first
/// of which reaches `octets` with those behind it. `key`: only as the value of that; empty: of any.
std::vector<std::string> find_in_history(std::filesystem::path const& folder, std::vector<std::string> const& ids,
                                         std::size_t limit = 10'000, std::uint64_t octets = UINT64_MAX,
                                         std::string_view key = {});

}  // namespace postern::log
