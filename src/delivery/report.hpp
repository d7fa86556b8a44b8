// The report to a message's sender (RFC 3461, RFC 3464) about recipients whose fate is known.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "delivery/outcome.hpp"

namespace postern::delivery {

struct reported {
    std::uint32_t place = 0;  // in the message's recipients
    outcome const* what = nullptr;
    catalogue::rule const* given_up = nullptr;  // the rule by which, though the last outcome was "deferred"
    std::optional<wall_time> delayed_until;     // only late: the attempts go on until then
};

/// Whether the sender wants to hear of it (RFC 3461 section 4.1): failures unless NOTIFY says
/// otherwise, successes when it says so and nobody further on reports them.
bool wants_report(spool::stored_recipient const& r, outcome const& o, bool expired) noexcept;

/// Whether the sender wants to hear that it takes long: unless NOTIFY says otherwise.
bool wants_delay_notice(spool::stored_recipient const& r) noexcept;

/// A message for the spool with its content. The original must have a reverse-path.
std::pair<spool::message, std::string> make_report(spool::message const& original, spool::content const* body,
                                                   std::vector<reported> const& about, attempt const& how,
                                                   std::string const& hostname, wall_time now);

}  // namespace postern::delivery
