// What one account sent and what became of it, made from events of the log. Pure: what is still in the queue is added by
// whoever has the queue.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace postern::console {

/// `events`: of the history, oldest first; those of other accounts are left out. Newest first, at most `limit`; the
/// keys are those of the API.
boost::json::array list_sent(std::vector<boost::json::object> const& events, std::vector<std::string> const& names,
                             std::size_t limit);

/// The way of one message, step by step, each with a sentence for its sender: {"queue_id", "to", "state", "steps"}.
/// `events`: of the history, oldest first, about this message.
boost::json::object tell_way(std::vector<boost::json::object> const& events, std::string const& queue_id);

}  // namespace postern::console
