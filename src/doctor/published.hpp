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

/// advised: not there, and nothing is wrong with that.
enum class published : std::uint8_t { right, missing, different, advised, unknown };
std::string_view to_string(published p) noexcept;

struct published_record {
    zone::record wanted;
    std::vector<std::string> found;  // as a zone file has them; of texts those that are for the same purpose
    published state = published::unknown;
    std::string problem;
};

/// What CAA records have to allow: certificates of these names, besides that of the record itself.
struct certificates_wanted {
    certifier from;
    std::vector<std::string> names;
};

/// Asks for all of them at once. Each question ends within the limit. An alias that leads to the same addresses, and an
/// SPF record that allows all of ours, are right, whatever they look like.
std::vector<published_record> look_up(config::settings const& s, std::vector<zone::record> const& wanted,
                                      std::chrono::seconds limit, certificates_wanted const& certified = {});

}  // namespace postern::doctor
