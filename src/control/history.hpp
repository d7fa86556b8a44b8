// What commands read of the log's history.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "control/commands.hpp"

namespace postern::control {

/// The events that mention any of these texts as a whole value, as find_in_history() finds them.
std::vector<boost::json::object> read_history(context const& c, std::vector<std::string> const& texts,
                                              std::size_t limit = 10'000, std::uint64_t octets = UINT64_MAX,
                                              std::string_view key = {});

/// Of what is read for whoever does not run the server: he must not keep the disk busy by asking again and again.
inline constexpr std::size_t most_lines_for_others = 5000;
inline constexpr std::uint64_t most_octets_for_others = 64u << 20;

/// The story of a session or a message, with what belongs to it.
std::vector<boost::json::object> follow_in_history(context const& c, std::string const& id);

/// The id in what people copy: with the parentheses of the reply, or the link to its page. In upper case.
std::string id_as_copied(std::string_view text);

/// Adds what the catalogue says of the event's rule.
void add_remedy(boost::json::object& event);

}  // namespace postern::control
