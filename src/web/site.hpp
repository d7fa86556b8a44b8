// The table of all that the web process answers. Each part of it adds its own routes; see site.cpp.
#pragma once

#include "web/router.hpp"

namespace postern::web {

router make_site();

}  // namespace postern::web
