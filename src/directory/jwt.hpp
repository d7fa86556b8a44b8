// JSON Web Tokens (RFC 7519) signed by an issuer, checked with its published keys
// (key_set.hpp). Pure: the keys, the rules and the time come in, a judgement goes out. What
// is not here: fetching the keys (issuer_keys.hpp), and whose login it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "directory/key_set.hpp"
#include "directory/token_claims.hpp"

namespace postern::directory {

/// Nobody's token is longer.
inline constexpr std::size_t longest_token = 12'288;

/// What a JWT says of its issuer (possibly nothing), before anything of it was checked: for
/// choosing who is to check it. Nothing when it is no JWT.
std::optional<std::string> claimed_issuer(std::string_view token);

/// Looks at every part in turn; nothing of a token that fails gets out but the reason.
token_judgement judge_token(std::string_view token, key_set const& keys, token_rules const& rules, wall_time now);

}  // namespace postern::directory
