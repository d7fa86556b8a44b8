// What the doctor asks the running server, or the files when none runs.
#pragma once

#include <set>

#include "cli/application.hpp"
#include "doctor/judge.hpp"

namespace postern::cli {

/// Fills what the server knows: its listeners and back ends, local domains and keys, the queue, and what
/// it would decide about a stranger's mail. What can't be found out is said in `not_looked_at`.
void ask_for_facts(application const& app, std::set<doctor::area> const& areas, doctor::facts& f);

}  // namespace postern::cli
