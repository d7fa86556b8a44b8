// The parameters of MAIL that say when and how urgently: MT-PRIORITY (RFC 6710), BY (RFC 2852),
// HOLDFOR and HOLDUNTIL (RFC 4865).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "mail/envelope.hpp"

namespace postern::smtp {

/// "-9" to "9".
std::optional<std::int8_t> parse_priority(std::string_view value);
/// "120;R", "-5;NT": by-time in seconds from `now`. What has to be returned in time needs some.
std::optional<mail::deliver_by> parse_by(std::string_view value, wall_time now);
/// Seconds, one to nine digits, not 0.
std::optional<wall_time> parse_hold_for(std::string_view value, wall_time now);
/// A date and time of RFC 3339: "2026-11-26T10:00:00Z", "2026-11-26T10:00:00.5+01:00".
std::optional<wall_time> parse_hold_until(std::string_view value);

}  // namespace postern::smtp
