// The terminal that a command prints to, as far as there is one.
#pragma once

#include <cstddef>

#include "terminal/paint.hpp"

namespace postern::cli {

/// Colours only on a terminal that has them, and without $NO_COLOR.
terminal::painter paint_for_this_terminal(bool no_colour = false);
/// The same for standard error.
terminal::painter paint_for_complaints();
/// Of lines for people: $COLUMNS, the terminal's own, or 80; never less than 40, nor more than 110.
std::size_t width_of_this_terminal();

}  // namespace postern::cli
