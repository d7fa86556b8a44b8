// The code of a check, and what the server saw of its sessions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "cli/application.hpp"
#include "cli/check.hpp"
#include "control/protocol.hpp"
#include "witness/sighting.hpp"

namespace postern::cli {

/// A new one of the running server, the one that was given, or none. Error: a wrong one, or no server.
basic_result<std::string, control::failure> check_code_for(application const& app, check_options const& o);
/// By the control socket; nothing: it can't be read.
std::optional<std::vector<witness::sighting>> record_at_server(application const& app, std::string const& code);

/// The result of `check-code show`, for people.
void print_check_record(boost::json::value const& record);

}  // namespace postern::cli
