// What a token endpoint answers (RFC 6749 sections 5.1 and 5.2). Pure: whoever asks is token_desk.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace postern::delivery {

struct token_answer {
    secret access_token;
    secret refresh_token;  // empty: the one that was used stays good
    std::chrono::seconds life{};
};

/// Why the endpoint says no (RFC 6749 section 5.2, RFC 8628 section 3.5). Without a code: it does not.
struct token_refusal {
    std::string code, words;
};
token_refusal refusal_in(std::string_view body);

/// `status` is HTTP's. Errors: 5.7.0 what asking again does not mend (the refresh token is
/// revoked, the client unknown), 4.7.0 the rest; `logged` has the endpoint's own words.
result<token_answer> parse_token_answer(long status, std::string_view body);

}  // namespace postern::delivery
