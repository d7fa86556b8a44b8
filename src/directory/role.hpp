// What an account may do for others besides its own affairs: look, act, or all of it. Mail knows
// nothing of roles; whoever acts for people (the web pages) asks for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::directory {

/// Each may do what those before it may.
enum class role : std::uint8_t { none, reader, operating, owner };

/// "none", "reader", "operator", "owner".
std::string_view to_string(role r) noexcept;
std::optional<role> parse_role(std::string_view word) noexcept;

}  // namespace postern::directory
