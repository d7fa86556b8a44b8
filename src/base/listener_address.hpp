// Addresses as settings have them: where to listen, and who gets there.
#pragma once

#include <optional>
#include <string_view>

#include "base/ip.hpp"

namespace postern {

/// "127.0.0.1:587", "[::1]:587"; ":587" is "[::]:587", a port of every address of both families. Port 0 is any free one.
std::optional<endpoint> parse_listener_address(std::string_view text);

/// Whether they are the same place, however they are written.
bool is_same_listener_address(std::string_view a, std::string_view b);

/// Whether only this machine gets to what is there, such as at "127.0.0.1:9154".
bool is_on_loopback(std::string_view address);

}  // namespace postern
