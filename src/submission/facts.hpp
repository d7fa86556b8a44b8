// Finds the facts that policy decides on. Used by sessions, and by `postern explain`,
// which asks the same questions without a connection.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "directory/directory.hpp"
#include "forwarding/book.hpp"
#include "mail/address.hpp"
#include "mail/envelope.hpp"
#include "mail/header_section.hpp"
#include "policy/policy.hpp"
#include "policy/route.hpp"

namespace postern::submission {

/// Whether a forward-path is ours, and known. The bare postmaster (RFC 5321 section 4.5.1) is, and so is
/// an address whose mail goes on to others. `forwards` may be null.
result<policy::recipient_kind> find_recipient_kind(directory::directory& accounts, forwarding::book const* forwards,
                                                   mail::mailbox const& to);

/// What is wrong with a return address of forwarded mail (SRS) as a recipient.
catalogue::verdict judge_return_address(forwarding::book const& forwards, mail::path const& sender,
                                        mail::mailbox const& to, wall_time now);

/// Whether a message has been at an address from which it would go on (RFC 9228): delivery would have to
/// return it, and a stranger who wrote that field himself says to whom.
catalogue::verdict judge_circle(directory::directory& accounts, forwarding::book const& forwards,
                                std::vector<mail::recipient> const& recipients,
                                std::vector<mail::header_field> const& fields);

/// The refusal for a failed look-up: 451 4.3.0, with what failed as evidence.
catalogue::verdict lookup_failed(error const& why);

/// The way of the recipient's mail by the settings' [[route]]s; nothing: none of them fits.
std::optional<std::size_t> find_route(config::settings const& s, policy::facts const& f);

}  // namespace postern::submission
