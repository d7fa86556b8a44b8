// What the audit log says of a command that was done, or refused.
#pragma once

#include <boost/json/object.hpp>

#include "control/commands.hpp"

namespace postern::control {

/// Leaves a row, where the command is one of those that do. What can't be written is in the log.
void note_for_audit(context& c, command const& what, boost::json::object const& given, outcome const& o);

}  // namespace postern::control
