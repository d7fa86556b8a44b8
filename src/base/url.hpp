// What must be known of a web address before anything confidential goes there. Not a
// parser: whoever connects has one.
#pragma once

#include <string_view>

namespace postern {

/// http or https to this very machine ("localhost", 127.0.0.0/8, [::1]).
bool is_loopback_url(std::string_view url) noexcept;
/// Nobody on the way can read or change what is sent there: https, or http within this
/// machine. No user name in it, and nothing but visible ASCII.
bool is_confidential_url(std::string_view url) noexcept;

}  // namespace postern
