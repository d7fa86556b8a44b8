// What concerns several keys of [[route]] and [[smart_host]] at once.
#pragma once

#include "config/option.hpp"

namespace postern::config {

void check_routes(node const& root, settings const& s, reader& r);

}  // namespace postern::config
