// Whose affairs they are: under which names an account stands in the log, and which messages are its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/commands.hpp"

namespace postern::control {

/// In lower case: its address first, then what else it logs in with and its further addresses, which people try.
basic_result<std::vector<std::string>, failure> names_of_account(context& c, std::string_view address);

/// The events of a message, if the account sent it; else it is not there, whoever else may have sent it.
basic_result<std::vector<boost::json::object>, failure> story_of_own_message(context& c, std::string_view address,
                                                                             std::string const& queue_id);

/// What a command was to act on.
failure not_there(std::string text);

}  // namespace postern::control
