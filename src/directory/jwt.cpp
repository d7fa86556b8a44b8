#include "directory/jwt.hpp"

#include <array>

#include <boost/json.hpp>

#include "base/json.hpp"

namespace postern::directory {
namespace {

using state = token_judgement::state;

/// RFC 7515 section 3.1: header, payload and signature, with dots in between.
std::optional<std::array<std::string_view, 3>> parts_of(std::string_view token)
{
    auto const first = token.find('.');
    auto const second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
    return std::array{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)};
}

}  // namespace

std::optional<std::string> claimed_issuer(std::string_view token)
{
    if (token.size() > longest_token) return std::nullopt;
    auto const parts = parts_of(token);
    if (!parts) return std::nullopt;
    auto const header_text = decode_base64url((*parts)[0]);
    auto const header = header_text ? parse_object(*header_text) : std::nullopt;
    if (!header || header->if_contains("alg") == nullptr) return std::nullopt;
    auto const claims_text = decode_base64url((*parts)[1]);
    auto const claims = claims_text ? parse_object(*claims_text) : std::nullopt;
    return claims ? std::string{text_in(*claims, "iss")} : std::string{};
}

token_judgement judge_token(std::string_view token, key_set const& keys, token_rules const& rules, wall_time now)
{
    if (token.size() > longest_token) return refused_token("too long");
    auto const parts = parts_of(token);
    if (!parts) return refused_token("not three parts");
    auto const header_text = decode_base64url((*parts)[0]);
    auto const claims_text = decode_base64url((*parts)[1]);
    auto const signature = decode_base64url((*parts)[2]);
    if (!header_text || !claims_text || !signature) return refused_token("not base64url");

    auto const header = parse_object(*header_text);
    if (!header) return refused_token("the header is no JSON object");
    // RFC 7515 section 4.1.11: what we must understand and don't.
    if (header->if_contains("crit") != nullptr) return refused_token("a critical extension");
    auto const kind = signature_kind_of(text_in(*header, "alg"));
    if (!kind) return refused_token("an algorithm that is not taken");
    auto const signed_text = token.substr(0, token.rfind('.'));
    switch (keys.verify(*kind, text_in(*header, "kid"), signed_text, *signature)) {
        case key_set::found::good: break;
        case key_set::found::bad: return refused_token("the signature is wrong");
        case key_set::found::no_such_key: return refused_token("signed with an unknown key", state::unknown_key);
    }
    auto const claims = parse_object(*claims_text);
    if (!claims) return refused_token("the claims are no JSON object");
    return judge_claims(*claims, rules, {}, now);
}

}  // namespace postern::directory
