// A connection of a client as it is at this moment, for whoever watches.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace postern::submission {

struct live_session {
    std::string id;
    std::string client;  // address and port
    std::string listener;
    std::string_view role;  // "submission", "mx", "sendmail"
    std::string hello;      // as it came: from a stranger
    std::string account;    // empty: not logged in
    std::string mechanism, credential, label;
    std::string tls, cipher;  // empty: none
    std::string_view state;   // "begins", "waits for a command", "works", "sends a message"
    wall_time since{};
    std::uint32_t messages = 0, refusals = 0;
};

}  // namespace postern::submission
