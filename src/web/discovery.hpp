// What mail programs ask for their settings, mounted: the facts are the mail process's, kept here for some seconds; what was
// asked and answered is told to it in batches, for the operator.
#pragma once

#include <chrono>

#include "web/router.hpp"

namespace postern::web {

/// `gathering`: for how long notes gather before they are told.
void add_discovery(router& table, std::chrono::milliseconds gathering = std::chrono::milliseconds{500});

}  // namespace postern::web
