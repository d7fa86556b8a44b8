// A sign-in on the web pages, as commands show it.
#pragma once

#include <boost/json/object.hpp>

#include "visits/book.hpp"

namespace postern::control {

/// {id, account, role, client, agent, created, last_used, expires}
boost::json::object describe(visits::visit const& v, visits::limits const& bounds);

}  // namespace postern::control
