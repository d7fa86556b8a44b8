// What stands at "/": where to go from here.
#pragma once

#include "web/router.hpp"

namespace postern::web {

void add_start_page(router& table);

}  // namespace postern::web
