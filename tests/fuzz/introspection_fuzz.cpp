// An issuer's answer about a token. What is taken says that it is active, and has an account.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "directory/introspection.hpp"

using namespace postern;
using namespace postern::directory;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    std::string_view const text{reinterpret_cast<char const*>(octets), size};
    token_rules const rules{.issuer = "i", .audience = {"a"}, .scope = "s", .account_claim = "u"};
    wall_time const now = wall_time{} + std::chrono::seconds{1'800'000'000};
    auto const opaque = parse_introspection(text, rules, of_opaque_token, now);
    auto const judged = parse_introspection(text, rules, of_judged_token, now);
    if (opaque.has_value() != judged.has_value()) std::abort();
    if (!opaque) return 0;
    bool const good = opaque->judgement.what == token_judgement::state::good;
    if (good == opaque->judgement.account.empty()) std::abort();
    // What does for a token that nobody else vouches for does for the other kind.
    if (good && judged->judgement.what != token_judgement::state::good) std::abort();
    if (good && text.find("true") == std::string_view::npos) std::abort();
    return 0;
}
