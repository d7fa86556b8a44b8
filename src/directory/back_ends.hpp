// The back ends of a configuration: which type is made by what.
#pragma once

#include <memory>
#include <vector>

#include "directory/authenticator.hpp"
#include "directory/backend.hpp"

namespace postern::directory {

/// Each kind in the order of the configuration.
struct back_ends {
    std::vector<std::unique_ptr<account_source>> sources;
    std::vector<std::unique_ptr<authenticator>> authenticators;
};

back_ends make_back_ends(std::vector<backend_options> const& list);

}  // namespace postern::directory
