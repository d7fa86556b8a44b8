// The line in the log, and the count, of what became of a recipient.
#pragma once

#include <optional>

#include "delivery/outcome.hpp"

namespace postern::delivery {

/// `again`: when a deferred one is tried the next time; nothing: not any more.
void log_fate(spool::message const& m, spool::stored_recipient const& r, outcome const& o, attempt const& how,
              std::optional<wall_time> again, wall_time now);

}  // namespace postern::delivery
