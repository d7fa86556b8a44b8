// What the server saw of a check's sessions, for people.
#pragma once

#include <boost/json/value.hpp>

namespace postern::cli {

/// The result of `check-code show`.
void print_check_record(boost::json::value const& record);

}  // namespace postern::cli
