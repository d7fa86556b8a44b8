// From a request that came in well to its answer: finds the route, runs the handler. Streams are not for it.
#pragma once

#include "web/router.hpp"

namespace postern::web {

/// `to` is what the router found for it. An exception of the handler becomes a 500 and a line in the log.
net::awaitable<http::response> answer(router::found const& to, call& c);

}  // namespace postern::web
