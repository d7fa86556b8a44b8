// Finds the facts that policy decides on. Used by sessions, and by `postern explain`,
// which asks the same questions without a connection.
#pragma once

#include "base/result.hpp"
#include "directory/directory.hpp"
#include "mail/address.hpp"
#include "policy/policy.hpp"

namespace postern::submission {

/// Whether a forward-path is ours, and known. The bare postmaster (RFC 5321 section 4.5.1) is.
result<policy::recipient_kind> find_recipient_kind(directory::directory& accounts, mail::mailbox const& to);

/// The refusal for a failed look-up: 451 4.3.0, with what failed as evidence.
catalogue::verdict lookup_failed(error const& why);

}  // namespace postern::submission
