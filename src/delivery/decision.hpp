// What becomes of a recipient after an attempt: delivered, bounced, given up, or tried again,
// and when; whether the sender is to hear of it. Pure: the time and the chance come in.
#pragma once

#include <optional>

#include "delivery/outcome.hpp"
#include "delivery/plan.hpp"
#include "spool/spool.hpp"

namespace postern::delivery {

/// A moment that has come; the spool may have cut off what is below a microsecond.
bool has_come(wall_time moment, wall_time now);

/// When a message is given up. Mail that was to be sent later has its time from then.
wall_time end_of(spool::message const& m, plan const& p);

/// When the sender is to hear that a recipient is still waiting. Nothing: not any more, or never.
std::optional<wall_time> notice_due(spool::message const& m, spool::stored_recipient const& r, plan const& p);

struct decision {
    spool::recipient_state state = spool::recipient_state::queued;
    wall_time next_attempt;                     // of those that stay queued
    catalogue::rule const* given_up = nullptr;  // why no further attempt is made, though the last one was not final
    bool tell_delay = false;                    // the sender hears now that it waits
};

/// `random` is in [0, 1). `not_before`: nothing will come of it earlier, and the first attempt after
/// that is to be soon. `give_up`: the rule by which a deferred one is not tried again.
decision decide(spool::message const& m, spool::stored_recipient const& r, outcome const& o, plan const& p,
                wall_time now, double random, std::optional<wall_time> not_before,
                catalogue::rule const* give_up = nullptr);

}  // namespace postern::delivery
