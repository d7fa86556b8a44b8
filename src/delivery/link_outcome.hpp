// What a reply, or the end of a session, means for the mail that it was about.
#pragma once

#include "delivery/connection.hpp"

namespace postern::delivery {

/// As remote_fate(), but at a smart host what is about our account is no fault of the message.
outcome fate_at(link const& l, smtp::reply const& r);
/// The rule for TLS that is not as demanded.
catalogue::rule const& told_of(link const& l);
/// What a failed session means for the messages that were to go over it.
outcome session_failure(link const& l);

}  // namespace postern::delivery
