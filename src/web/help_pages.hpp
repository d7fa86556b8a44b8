// The help centre among the web process's routes: asks the mail process what the pages say of it, and for refusals.
#pragma once

#include "web/router.hpp"

namespace postern::web {

void add_help_pages(router& table);

}  // namespace postern::web
