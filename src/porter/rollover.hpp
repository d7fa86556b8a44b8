// How documents whose digest is in the DNS follow a change of the settings: the operator publishes the new digest beside
// the old one, and some time later the new document takes the old one's place.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "porter/facts.hpp"

namespace postern::porter {

struct rollover {
    /// For an operator who is away, and for the records' life in caches.
    static constexpr std::chrono::hours patience{48};

    services announced;
    std::optional<services> waiting;  // what the settings say by now
    wall_time since{};                // when they began to
    friend bool operator==(rollover const&, rollover const&) = default;

    /// What has become of it with the settings as they are at the moment. `at_once`: the operator has published the digest
    /// and doesn't want to wait.
    void follow(services const& current, wall_time now, bool at_once = false);
};

std::string print(rollover const& r);
/// Nothing: it is none of ours.
std::optional<rollover> parse_rollover(std::string_view text);

}  // namespace postern::porter
