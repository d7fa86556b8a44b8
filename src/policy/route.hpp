// Which [[route]] a recipient's mail takes: one pure function from facts to a row. Delivery,
// sessions and `postern explain` call the same one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalogue/verdict.hpp"
#include "config/routes.hpp"
#include "mail/address.hpp"

namespace postern::policy {

struct route_facts {
    mail::path const& reverse_path;
    std::string const& account;  // who had logged in; empty: nobody
    mail::mailbox const& forward_path;
    bool local = false;  // the recipient's domain is one of ours
};

/// The place in `routes` of the first that fits; nothing: where [delivery] says.
/// `holds`: whether those that hold are looked at. They are for new mail only: what is in the
/// queue was held already, or released.
std::optional<std::size_t> choose_route(std::vector<config::route> const& routes, route_facts const& f, bool holds);

/// Whether mail for the recipient is to be held when it comes.
bool is_held(std::vector<config::route> const& routes, route_facts const& f);

/// The verdict of a route to "refuse".
catalogue::verdict refusal(config::route const& r, mail::mailbox const& to);

/// For people: "route 2 to smart_host:provider".
std::string describe(std::vector<config::route> const& routes, std::size_t place);

}  // namespace postern::policy
