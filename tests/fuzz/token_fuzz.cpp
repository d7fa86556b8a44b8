// Tokens and key sets: the input up to the first line feed is a JWKS, the rest a token, which
// nobody can have signed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "directory/jwt.hpp"

using namespace postern;
using namespace postern::directory;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    std::string_view const text{reinterpret_cast<char const*>(octets), size};
    auto const end = text.find('\n');
    // The example of RFC 8037 appendix A.
    static auto const usual =
        key_set::parse(R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
    if (!usual) std::abort();
    token_rules const rules{.issuer = "i", .audience = {"a"}, .scope = "s"};
    wall_time const now = wall_time{} + std::chrono::seconds{1'800'000'000};
    auto const token = end == std::string_view::npos ? text : text.substr(end + 1);
    if (judge_token(token, *usual, rules, now).what == token_judgement::state::good) std::abort();
    auto const given = key_set::parse(text.substr(0, end));
    if (!given) return 0;
    if (given->size() == 0) std::abort();
    static_cast<void>(judge_token(token, *given, rules, now));
    return 0;
}
