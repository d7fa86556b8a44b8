// The records that a domain should have, and what the DNS has in their place.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings.hpp"
#include "doctor/facts.hpp"
#include "zone/records.hpp"

namespace postern::doctor {

/// From the configuration and this machine alone: no server has to run, and no name server is asked.
zone::server server_of(config::settings const& s);

/// As the configuration has it, whether anybody listens there or not.
listener_facts facts_of(config::listener const& l);

/// "so that mail arrives"
std::string_view purpose_of(zone::need n);

enum class published : std::uint8_t { right, missing, different, unknown };
std::string_view to_string(published p) noexcept;

struct published_record {
    zone::record wanted;
    std::vector<std::string> found;  // as a zone file has them; of texts those that are for the same purpose
    published state = published::unknown;
    std::string problem;
};

/// Asks for all of them at once. Each question ends within the limit. An alias that leads to the same addresses, and an
/// SPF record that allows all of ours, are right, whatever they look like.
std::vector<published_record> look_up(config::settings const& s, std::vector<zone::record> const& wanted,
                                      std::chrono::seconds limit);

}  // namespace postern::doctor
