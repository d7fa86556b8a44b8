// Finds the facts that policy decides on. Used by sessions, and by `postern explain`,
// which asks the same questions without a connection.
#pragma once

#include "base/result.hpp"
#include "directory/directory.hpp"
#include "mail/address.hpp"
#include "policy/policy.hpp"
#include "policy/route.hpp"

namespace postern::submission {

/// Whether a forward-path is ours, and known. The bare postmaster (RFC 5321 section 4.5.1) is.
result<policy::recipient_kind> find_recipient_kind(directory::directory& accounts, mail::mailbox const& to);

/// The refusal for a failed look-up: 451 4.3.0, with what failed as evidence.
catalogue::verdict lookup_failed(error const& why);

/// The way of the recipient's mail by the settings' [[route]]s; nothing: none of them fits.
std::optional<std::size_t> find_route(config::settings const& s, policy::facts const& f);

}  // namespace postern::submission
