#include "directory/token_claims.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json.hpp>

#include "base/json.hpp"

namespace postern::directory {
namespace {

namespace json = boost::json;

json::value const* member(json::object const& o, std::string_view name)
{
    return o.if_contains(json::string_view{name.data(), name.size()});
}

/// Whether a member is the word, or a list that has it.
bool names_one_of(json::value const& v, std::vector<std::string> const& wanted)
{
    auto const is_wanted = [&](json::value const& item) {
        return item.is_string() && std::any_of(wanted.begin(), wanted.end(), [&](std::string const& w) {
                   auto const& text = item.get_string();
                   return std::string_view{text.data(), text.size()} == w;
               });
    };
    if (v.is_array()) return std::any_of(v.get_array().begin(), v.get_array().end(), is_wanted);
    return is_wanted(v);
}

/// The same where a text is a list of words (RFC 6749 section 3.3), or there is a list.
bool has_scope(json::value const* v, std::string_view wanted)
{
    if (v == nullptr) return false;
    if (!v->is_string()) return names_one_of(*v, {std::string{wanted}});
    std::string_view rest{v->get_string().data(), v->get_string().size()};
    while (!rest.empty()) {
        auto const end = std::min(rest.find(' '), rest.size());
        if (rest.substr(0, end) == wanted) return true;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
}

/// The reason why a token is not in force now; null: it is.
char const* judge_times(json::object const& claims, token_rules const& rules, bool may_lack_expiry, wall_time at)
{
    auto const now = std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
    auto const skew = rules.skew.count();
    if (!may_lack_expiry || member(claims, "exp") != nullptr) {
        auto const end = time_of(claims, "exp");
        if (!end) return "no time of expiry";
        if (*end + skew <= now) return "expired";
    }
    if (member(claims, "nbf") != nullptr) {
        auto const begin = time_of(claims, "nbf");
        if (!begin) return "a time that is none";
        if (*begin - skew > now) return "not valid yet";
    }
    return nullptr;
}

}  // namespace

std::optional<json::object> parse_object(std::string_view text)
{
    json::error_code failed;
    json::parse_options options;
    options.max_depth = 16;
    auto value = json::parse(json::string_view{text.data(), text.size()}, failed, {}, options);
    if (failed || !value.is_object()) return std::nullopt;
    return std::move(value.get_object());
}

std::optional<std::int64_t> time_of(json::object const& o, std::string_view name)
{
    constexpr double most = 1e11;
    constexpr double end_of_time = 9e9;  // the year 2255: later is beyond what the clock can say
    auto const* const v = member(o, name);
    if (v == nullptr) return std::nullopt;
    double seconds = 0;
    if (v->is_int64())
        seconds = static_cast<double>(v->get_int64());
    else if (v->is_uint64())
        seconds = static_cast<double>(v->get_uint64());
    else if (v->is_double())
        seconds = v->get_double();
    else
        return std::nullopt;
    if (!std::isfinite(seconds) || seconds < 0 || seconds > most) return std::nullopt;
    return static_cast<std::int64_t>(std::min(seconds, end_of_time));
}

token_judgement refused_token(char const* why, token_judgement::state what) { return {what, {}, why}; }

token_judgement judge_claims(json::object const& claims, token_rules const& rules, optional_claims may_lack,
                             wall_time now)
{
    bool const says_issuer = member(claims, "iss") != nullptr;
    if ((says_issuer || !may_lack.issuer) && text_in(claims, "iss") != rules.issuer)
        return refused_token("another issuer");
    auto const* const audience = member(claims, "aud");
    if (!rules.audience.empty() && (audience != nullptr || !may_lack.audience) &&
        (audience == nullptr || !names_one_of(*audience, rules.audience)))
        return refused_token("for another audience");
    if (auto const* const why = judge_times(claims, rules, may_lack.expiry, now)) return refused_token(why);

    auto const account = text_in(claims, rules.account_claim);
    bool const says_account = member(claims, rules.account_claim) != nullptr;
    if ((says_account || !may_lack.account) && (account.empty() || account.size() > 255))
        return refused_token("no account in the token");
    // An address that the issuer did not check is anybody's.
    if (rules.account_claim == "email")
        if (auto const* const verified = member(claims, "email_verified");
            verified != nullptr && *verified != json::value(true) && *verified != json::value("true"))
            return refused_token("the address in the token is not verified");

    // Last: who gets this answer may get another token.
    auto const* const scope = member(claims, "scope");
    auto const* const scp = member(claims, "scp");
    bool const says_scope = scope != nullptr || scp != nullptr;
    if (!rules.scope.empty() && (says_scope || !may_lack.scope) && !has_scope(scope, rules.scope) &&
        !has_scope(scp, rules.scope))
        return refused_token("the scope is missing", token_judgement::state::insufficient_scope);
    return {token_judgement::state::good, std::string{account}, "token"};
}

}  // namespace postern::directory
