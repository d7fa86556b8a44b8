// The service with surroundings of the caller's choice: what tests put a world around.
#pragma once

#include <memory>

#include "delivery/plan.hpp"
#include "delivery/service.hpp"

namespace postern::delivery {

result<std::unique_ptr<service>> make_service_in(surroundings world, config::settings const& s,
                                                 directory::directory& accounts, spool::spool& queue);

}  // namespace postern::delivery
