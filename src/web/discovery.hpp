// What mail programs ask for their settings, mounted: the facts are the mail process's, kept here for some seconds; what was
// asked and answered is told to it in batches, for the operator.
#pragma once

#include "web/router.hpp"

namespace postern::web {

void add_discovery(router& table);

}  // namespace postern::web
