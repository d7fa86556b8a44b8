// A check with a code: its sessions are marked, so that the server keeps what it saw of them, and both
// ends can be compared. What is compared is witness/compare.hpp's affair.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "terminal/paint.hpp"
#include "witness/compare.hpp"

namespace postern::diagnose {

struct both_ends_seen {
    bool looked = false;
    std::vector<witness::departure> left{};                   // sessions, in the order of their numbers
    std::optional<std::vector<witness::sighting>> arrived{};  // what the server saw
    std::string problem{};                                    // why that is not known
};

/// For a report: each session, and both columns of what was seen.
boost::json::object to_json(both_ends_seen const& b);
/// The session that shows a difference, or the first one.
std::vector<std::string> both_columns(both_ends_seen const& b, std::string const& server,
                                      terminal::painter const& paint, std::size_t width);
/// What differs in a session, for a finding's evidence.
std::string differences_of(both_ends_seen const& b, unsigned number);

/// The record in a reply to HELP; nothing: the server does not know the code.
std::optional<std::vector<witness::sighting>> record_in(int code, std::string_view text);

}  // namespace postern::diagnose
