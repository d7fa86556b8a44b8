// What mail programs ask for their settings, mounted: the facts are the mail process's, kept here for some seconds; what was
// asked and answered is told to it in batches, for the operator.
#pragma once

#include "web/discovery_desk.hpp"
#include "web/router.hpp"

namespace postern::web {

using shared_desk = std::shared_ptr<discovery_desk>;

void add_discovery(router& table, shared_desk const& desk);

/// Asks the mail process when what is here is too old. Null: nothing is known, and it can't be asked.
net::awaitable<shared_facts> facts_not_older(shared_desk desk, server_link& server, ip_address client,
                                             std::chrono::seconds age = discovery_desk::usual_age);

}  // namespace postern::web
