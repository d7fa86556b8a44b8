// From what was seen to what it means: a pure function, without a clock, a network or a disk. The
// most probable cause comes first: the worst, and among equals the one that comes first on the
// way of a mail, since what comes later may follow from it.
#pragma once

#include "diagnose/findings.hpp"

namespace postern::diagnose {

diagnosis judge(observations const& o);

}  // namespace postern::diagnose
