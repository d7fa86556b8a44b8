// What the commands on the queue have in common: which messages are meant, and how one is shown.
#pragma once

#include <map>
#include <string>

#include <boost/json/object.hpp>

#include "control/commands.hpp"
#include "delivery/service.hpp"
#include "spool/spool.hpp"

namespace postern::control {

/// Upper case, as ids are stored. People copy them from mails and logs.
std::string read_id(arguments& a);
/// Reads what selects messages: queue_id, state, domain, sender, account, next_hop, older, younger
/// (seconds), limit, after.
spool::filter read_filter(arguments& a);

/// Destinations that are down, by key; empty where no server runs.
using down_destinations = std::map<std::string, delivery::destination_state>;
down_destinations find_down(context& c);

boost::json::object describe(spool::summary const& s, down_destinations const& down);

}  // namespace postern::control
