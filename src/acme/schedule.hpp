// When to ask the authority: for a renewal, and again after a failure. Pure.
#pragma once

#include <chrono>

#include "acme/issuance.hpp"
#include "base/clock.hpp"
#include "catalogue/catalogue.hpp"

namespace postern::acme {

/// At two thirds of its life, and up to a twentieth of it earlier: `dice` from 0 to 1, so that servers that began
/// together do not come together.
wall_time renewal_of(wall_time not_before, wall_time not_after, double dice);

/// Somewhere in it: `dice` from 0 to 1.
wall_time moment_in(renewal_window const& w, double dice);

/// How long to leave the authority alone after the n-th failure in a row (from 1): at least as long as it said.
std::chrono::seconds wait_after(trouble const& t, unsigned failures, double dice);

/// Until when no other certificate is asked for, either: the next one would fare no better. But an hour at most, since what an
/// authority says of an order may be about its names. The epoch: the others need not wait.
wall_time all_wait_until(trouble const& t, wall_time failed_at, wall_time not_before);
/// Whether the rest of the names may well get a certificate without those that the trouble is about.
bool concerns_names(trouble::cause why) noexcept;

/// Whether the order itself may still become a certificate: it is kept, and gone on with.
bool leaves_the_order(trouble::cause why) noexcept;

/// The row of the catalogue, with {name} and {problem}.
catalogue::rule const& rule_of(trouble::cause why);

}  // namespace postern::acme
