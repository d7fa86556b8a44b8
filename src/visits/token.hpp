// What a browser shows to be known again, and what goes with it. The token is a secret of 256 random
// bits; wherever it is kept, its digest is kept instead.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace postern::visits {

/// 43 characters of base64url.
secret make_token();
/// What is stored of it; nothing leads back.
std::string token_digest(std::string_view token);
/// What a page has to send with everything that changes something, so that no other site can
/// (CSRF). It follows from the token, which it does not give away, so nobody has to keep it.
std::string csrf_token(std::string_view token);
/// Takes the same time wherever the two differ.
bool is_csrf_token(std::string_view token, std::string_view claimed);

}  // namespace postern::visits
