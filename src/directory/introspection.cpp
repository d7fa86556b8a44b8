#include "directory/introspection.hpp"

#include <boost/json.hpp>

namespace postern::directory {
namespace {

constexpr std::size_t longest_answer = 64 << 10;

}  // namespace

result<introspected> parse_introspection(std::string_view text, token_rules const& rules, optional_claims may_lack,
                                         wall_time now)
{
    auto const bad = [](char const* why) { return error{{4, 3, 0}, "Tokens can't be checked now", why}; };
    if (text.size() > longest_answer) return bad("the answer to introspection is larger than 64 KiB");
    auto const o = parse_object(text);
    if (!o) return bad("the answer to introspection is no JSON object");
    auto const* const active = o->if_contains("active");
    if (active == nullptr || !active->is_bool())
        return bad("the answer to introspection does not say whether the token is active");
    introspected found;
    if (!active->get_bool()) {
        found.judgement = refused_token("the issuer says that it is not active");
        return found;
    }
    found.judgement = judge_claims(*o, rules, may_lack, now);
    if (auto const end = time_of(*o, "exp")) found.ends = wall_time{} + std::chrono::seconds{*end};
    return found;
}

}  // namespace postern::directory
