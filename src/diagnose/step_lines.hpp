// One line for each step: what was seen, without a judgement.
#pragma once

#include "diagnose/findings.hpp"

namespace postern::diagnose {

/// All steps; `skipped` where nothing was looked at, else `ok`.
std::vector<step_judged> lines_of(observations const& o);

}  // namespace postern::diagnose
