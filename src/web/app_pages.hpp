// The account page and the console: two documents and what they load. All else about them is the browser's part and the
// API's; pages/ has their source.
#pragma once

#include "web/router.hpp"

namespace postern::web {

void add_app_pages(router& table);

}  // namespace postern::web
