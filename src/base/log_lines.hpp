// How an event looks: one line of text, one line of JSON. Used by the log alone;
// no clock, no sinks, so that its tests need none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace postern::log {

std::string_view name_of(level l) noexcept;

/// Appends `{"time":"...","level":"info","event":"accepted","session":"..."}` and a line
/// end. Always valid JSON in valid UTF-8: octets that are none become `\xNN`. Values
/// longer than 4096 octets are cut.
void append_json(std::string& out, wall_time t, level l, std::string_view name, field const* fields, std::size_t count);

/// Appends `2026-11-22T07:04:11.123Z info accepted session=... note="two words"` and a
/// line end. Values show nothing that could pass for another line or value.
void append_text(std::string& out, wall_time t, level l, std::string_view name, field const* fields, std::size_t count);

}  // namespace postern::log
