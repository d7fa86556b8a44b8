// What the header of a message that has arrived tells of its way: hops, delays, encryption, and
// what the receiver thinks of its sender. And what a report says that came back in its place. All
// of it may have been written by anybody; nothing is decided on it but what people are told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diagnose/observations.hpp"

namespace postern::diagnose {

headers_seen read_headers(std::string_view content);

struct report_seen {
    std::string status{};  // "5.1.1"
    std::string text{};    // what the other server said
};
/// Nothing where it is no delivery report about a failure (RFC 3464).
std::optional<report_seen> read_report(std::string_view content);

/// Seconds since 1970 of "Mon, 5 Jan 2026 03:04:05 +0100 (CET)" (RFC 5322 section 3.3).
std::optional<std::int64_t> read_date(std::string_view text);

}  // namespace postern::diagnose
