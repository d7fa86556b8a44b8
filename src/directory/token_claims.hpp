// What an issuer says about a token, and whether that is enough: the claims of a JWT
// (RFC 7519 section 4), or the members of an answer to introspection (RFC 7662 section
// 2.2), which are called the same. Pure; who vouches for the claims is seen to elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/clock.hpp"

namespace postern::directory {

struct token_rules {
    std::string issuer;                 // what "iss" must be
    std::vector<std::string> audience;  // one of them must be in "aud"; empty: not looked at
    std::string scope;                  // must be among "scope" (or "scp"); empty: not looked at
    std::string account_claim = "email";
    std::chrono::seconds skew{60};  // how far the clocks may differ
};

struct token_judgement {
    enum class state {
        good,
        refused,
        insufficient_scope,
        unknown_key,  // nothing wrong but that the key is not in the set: perhaps it is a new one
    };
    state what = state::refused;
    std::string account;     // when good: the value of the claim
    char const* why = "";    // for the log; a literal
    std::size_t issuer = 0;  // which of several it is about
};

/// What may be left out. What is there has to be right in any case.
struct optional_claims {
    bool issuer = false;
    bool audience = false;
    bool expiry = false;
    bool account = false;
    bool scope = false;
};

token_judgement refused_token(char const* why, token_judgement::state what = token_judgement::state::refused);
token_judgement judge_claims(boost::json::object const& claims, token_rules const& rules, optional_claims may_lack,
                             wall_time now);

/// Of text that strangers wrote: nothing when it is no JSON object, or one that nests deeply.
std::optional<boost::json::object> parse_object(std::string_view text);
/// A member in seconds since 1970, RFC 7519 section 2; nothing when it is no number that
/// makes sense.
std::optional<std::int64_t> time_of(boost::json::object const& o, std::string_view name);

}  // namespace postern::directory
