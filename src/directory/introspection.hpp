// The issuer's word on a token (RFC 7662): an answer to introspection, read and judged.
// Pure; introspector.hpp asks.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "directory/token_claims.hpp"

namespace postern::directory {

struct introspected {
    token_judgement judgement;
    std::optional<wall_time> ends;  // "exp", where the answer has it
};

/// What the whole token depends on: nobody else vouches for it.
inline constexpr optional_claims of_opaque_token{.issuer = true, .expiry = true};
/// Of a JWT, whose own claims were judged before.
inline constexpr optional_claims of_judged_token{
    .issuer = true, .audience = true, .expiry = true, .account = true, .scope = true};

/// At most 64 KiB. An error when it is no such answer; a token that is not "active" is refused.
result<introspected> parse_introspection(std::string_view json, token_rules const& rules, optional_claims may_lack,
                                         wall_time now);

}  // namespace postern::directory
