// What the guard answered, as a refusal. The guard decides; here its answer gets words.
#pragma once

#include "catalogue/verdict.hpp"
#include "guard/keeper.hpp"

namespace postern::login {

catalogue::verdict guard_verdict(catalogue::rule const& why, guard::answer const& refusal);

}  // namespace postern::login
