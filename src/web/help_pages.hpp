// The help centre among the web process's routes: what the pages say of the installation is what mail
// programs are told; the mail process is asked for refusals.
#pragma once

#include "web/discovery.hpp"

namespace postern::web {

void add_help_pages(router& table, shared_desk const& desk);

}  // namespace postern::web
