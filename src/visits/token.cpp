#include "visits/token.hpp"

#include "base/base64.hpp"
#include "base/crypto.hpp"

namespace postern::visits {
namespace {

/// RFC 4648 section 5, without padding.
std::string base64url(std::string_view octets)
{
    auto text = base64_encode(octets);
    while (text.ends_with('=')) text.pop_back();
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return text;
}

}  // namespace

secret make_token()
{
    auto octets = random_octets(32);
    auto text = base64url(octets);
    wipe(octets.data(), octets.size());
    return secret::take(text);
}

std::string token_digest(std::string_view token) { return digest(hash::sha256, token); }

std::string csrf_token(std::string_view token) { return base64url(hmac(hash::sha256, token, "csrf")); }

bool is_csrf_token(std::string_view token, std::string_view claimed)
{
    return equal_in_constant_time(csrf_token(token), claimed);
}

}  // namespace postern::visits
