// Whose affairs they are: under which names an account stands in the log, and which messages are its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/commands.hpp"

namespace postern::control {

struct own_names {
    /// In lower case: its address first, then what else it logs in with and its further addresses, which people try.
    std::vector<std::string> all;
    std::string since;  // as in events: when there began to be such an account; empty: nobody knows
};
basic_result<own_names, failure> names_of_account(context& c, std::string_view address);

/// Leaves out what is older than the account or, under a further address, than this became its own: whoever had the name
/// before has left it, but not his affairs. `changes`: where the events stand that tell of that.
void leave_out_predecessors(std::vector<boost::json::object>& events, own_names const& own,
                            std::vector<boost::json::object> const& changes);

/// The events of a message, if the account sent it; else it is not there, whoever else may have sent it.
basic_result<std::vector<boost::json::object>, failure> story_of_own_message(context& c, std::string_view address,
                                                                             std::string const& queue_id);

/// Of its own events an account is shown these values; all else is the operator's.
bool is_for_owner(std::string_view key) noexcept;

/// What a command was to act on.
failure not_there(std::string text);

}  // namespace postern::control
