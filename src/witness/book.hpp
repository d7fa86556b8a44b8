// The codes of checks that are under way, and what was seen of their sessions. In memory only, bounded,
// and forgotten when a code expires. Sessions without a mark never come here. Safe from any thread.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "witness/mark.hpp"
#include "witness/sighting.hpp"

namespace postern::witness {

inline constexpr std::size_t most_codes = 100;
inline constexpr std::chrono::seconds longest_life{24 * 3600};

class book {
public:
    /// A new code. Error: too many are in use.
    result<std::string> issue(std::chrono::seconds life, steady_time now);
    /// Whether the code is good at the moment.
    bool knows(std::string_view code, steady_time now);
    /// Keeps what is known of a session, in place of what was known of it before. Nothing happens when
    /// the code isn't good, or its check had too many sessions.
    void note(std::string_view code, sighting const& s, steady_time now);
    /// In the order in which they began; nothing: the code isn't good.
    std::optional<std::vector<sighting>> read(std::string_view code, steady_time now);

private:
    struct entry {
        std::string code;
        steady_time ends;
        std::vector<sighting> seen;
    };
    entry* find(std::string_view code, steady_time now);

    std::mutex lock_;
    std::vector<entry> entries_;
};

/// The record as lines of a reply to HELP, without code and line end: JSON in pieces. At most
/// `longest_record` octets: the oldest sessions are left out of what is more.
std::vector<std::string> lines_of(std::vector<sighting> seen);

}  // namespace postern::witness
