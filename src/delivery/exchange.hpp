// One turn of a session with its server: writes, and waits for replies.
#pragma once

#include "delivery/connection.hpp"

namespace postern::delivery {

// What a server that stops listening in the middle may have left for us to read.
inline constexpr std::chrono::milliseconds last_words{200};

/// Why nothing more came, or went.
std::string describe(link const& l, net::error_code const& e);

/// Writes what the session has to say, then reads one reply or more.
net::awaitable<void> exchange(std::shared_ptr<link> l, smtp::phase waiting_for, time_limits limits);

}  // namespace postern::delivery
