#include "acme/answers.hpp"

#include <algorithm>
#include <ctime>

#include <boost/json/parse.hpp>

#include "base/base64.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"
#include "base/url.hpp"

namespace postern::acme {
namespace json = boost::json;
namespace {

constexpr std::size_t deepest = 16;
constexpr std::size_t longest_url = 2048, longest_token = 256, longest_name = 253, longest_detail = 400;
constexpr std::size_t most_challenges = 20, most_identities = 20;
constexpr std::chrono::seconds a_week{7 * 86400};
constexpr std::string_view urn = "urn:ietf:params:acme:error:";

std::optional<json::object> parse_object(std::string_view text)
{
    if (text.size() > longest_answer) return std::nullopt;
    json::parse_options bounds;
    bounds.max_depth = deepest;
    boost::system::error_code bad;
    auto value = json::parse(text, bad, {}, bounds);
    if (bad || !value.is_object()) return std::nullopt;
    return std::move(value.as_object());
}

std::string_view text_of(json::object const& o, std::string_view key, std::size_t limit)
{
    auto const* v = o.if_contains(key);
    if (v == nullptr || !v->is_string() || v->as_string().size() > limit) return {};
    return v->as_string();
}

/// Nobody sends us to ask in the clear.
std::string url_of(std::string_view text) { return is_confidential_url(text) ? std::string{text} : std::string{}; }

std::string url_of(json::object const& o, std::string_view key) { return url_of(text_of(o, key, longest_url)); }

json::array const& list_of(json::object const& o, std::string_view key)
{
    static json::array const none;
    auto const* v = o.if_contains(key);
    return v && v->is_array() ? v->as_array() : none;
}

json::object const& object_of(json::object const& o, std::string_view key)
{
    static json::object const none;
    auto const* v = o.if_contains(key);
    return v && v->is_object() ? v->as_object() : none;
}

state state_of(json::object const& o)
{
    auto const word = text_of(o, "status", 20);
    if (word == "pending") return state::pending;
    if (word == "processing") return state::processing;
    if (word == "ready") return state::ready;
    if (word == "valid") return state::valid;
    if (word == "invalid") return state::invalid;
    return state::other;
}

std::string name_of(json::object const& identifier)
{
    return to_lower(printable(text_of(identifier, "value", longest_name), longest_name));
}

problem problem_of(json::object const& o)
{
    problem p;
    auto type = text_of(o, "type", longest_url);
    if (type.starts_with(urn)) type.remove_prefix(urn.size());
    p.type = printable(type, 60);
    auto detail = text_of(o, "detail", longest_answer);
    p.detail = printable(detail, longest_detail);
    for (auto const& one : list_of(o, "subproblems")) {
        if (!one.is_object() || p.names.size() == most_names) continue;
        auto const name = name_of(object_of(one.as_object(), "identifier"));
        if (!name.empty()) p.names.push_back(name);
        if (p.detail.size() < longest_detail && !name.empty())
            p.detail += "; " + name + ": " + printable(text_of(one.as_object(), "detail", longest_answer), 150);
    }
    return p;
}

/// Letters, digits, '-' and '_' (RFC 8555 section 8.1): it becomes part of a path.
bool is_token(std::string_view t)
{
    return !t.empty() && std::ranges::all_of(t, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

/// Of a time that the clock can tell, which counts nanoseconds from 1970.
bool is_near(std::tm const& parts) { return parts.tm_year >= 70 && parts.tm_year <= 300; }

/// "2026-11-26T17:00:00Z", with a fraction or an offset.
std::optional<wall_time> parse_time(std::string_view text)
{
    std::string const copy{text};
    std::tm parts{};
    char const* const rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr || !is_near(parts)) return std::nullopt;
    std::string_view left{rest};
    if (left.starts_with('.')) left.remove_prefix(std::min(left.size(), left.find_first_not_of("0123456789", 1)));
    std::chrono::seconds offset{0};
    if (left.size() == 6 && (left[0] == '+' || left[0] == '-') && left[3] == ':') {
        auto const hours = parse_number<unsigned>(left.substr(1, 2));
        auto const minutes = parse_number<unsigned>(left.substr(4, 2));
        if (!hours || !minutes) return std::nullopt;
        offset = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
        if (left[0] == '-') offset = -offset;
    } else if (left != "Z" && left != "z") {
        return std::nullopt;
    }
    return wall_clock::from_time_t(::timegm(&parts)) - offset;
}

}  // namespace

std::optional<service_urls> parse_directory(std::string_view body)
{
    auto const o = parse_object(body);
    if (!o) return std::nullopt;
    service_urls d;
    d.new_nonce = url_of(*o, "newNonce");
    d.new_account = url_of(*o, "newAccount");
    d.new_order = url_of(*o, "newOrder");
    d.renewal_info = url_of(*o, "renewalInfo");
    auto const* wants = object_of(*o, "meta").if_contains("externalAccountRequired");
    d.wants_external_account = wants && wants->is_bool() && wants->as_bool();
    for (auto const& one : list_of(object_of(*o, "meta"), "caaIdentities"))
        if (one.is_string() && one.as_string().size() <= longest_name && d.caa_identities.size() < most_identities)
            d.caa_identities.push_back(to_lower(printable(one.as_string(), longest_name)));
    if (d.new_nonce.empty() || d.new_account.empty() || d.new_order.empty()) return std::nullopt;
    return d;
}

std::optional<order> parse_order(std::string_view body)
{
    auto const o = parse_object(body);
    if (!o) return std::nullopt;
    order out;
    out.state = state_of(*o);
    for (auto const& one : list_of(*o, "authorizations")) {
        auto const url = one.is_string() && one.as_string().size() <= longest_url
                             ? url_of(std::string_view{one.as_string()})
                             : std::string{};
        if (url.empty() || out.authorizations.size() == most_names) return std::nullopt;
        out.authorizations.push_back(url);
    }
    out.finalize = url_of(*o, "finalize");
    out.certificate = url_of(*o, "certificate");
    out.error = problem_of(object_of(*o, "error"));
    if (out.state == state::other || out.finalize.empty()) return std::nullopt;
    return out;
}

std::optional<authorization> parse_authorization(std::string_view body)
{
    auto const o = parse_object(body);
    if (!o) return std::nullopt;
    authorization a;
    a.state = state_of(*o);
    a.name = name_of(object_of(*o, "identifier"));
    for (auto const& one : list_of(*o, "challenges")) {
        if (!one.is_object() || a.challenges.size() == most_challenges) continue;
        auto const& from = one.as_object();
        challenge c;
        c.type = printable(text_of(from, "type", 60), 60);
        c.url = url_of(from, "url");
        c.token = text_of(from, "token", longest_token);
        c.error = problem_of(object_of(from, "error"));
        if (c.url.empty() || !is_token(c.token)) continue;
        a.challenges.push_back(std::move(c));
    }
    if (a.name.empty()) return std::nullopt;
    return a;
}

problem parse_problem(std::string_view body)
{
    if (auto const o = parse_object(body)) return problem_of(*o);
    return {{}, printable(body, 100), {}};
}

std::optional<renewal_window> parse_renewal_window(std::string_view body)
{
    auto const o = parse_object(body);
    if (!o) return std::nullopt;
    auto const& window = object_of(*o, "suggestedWindow");
    auto const start = parse_time(text_of(window, "start", 60));
    auto const end = parse_time(text_of(window, "end", 60));
    if (!start || !end || *end < *start) return std::nullopt;
    return renewal_window{*start, *end};
}

std::string renewal_url(service_urls const& d, std::string_view authority_key, std::string_view serial)
{
    if (d.renewal_info.empty() || authority_key.empty() || serial.empty()) return {};
    return d.renewal_info + (d.renewal_info.ends_with('/') ? "" : "/") + base64url_encode(authority_key) + '.' +
           base64url_encode(serial);
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, wall_time now)
{
    if (text.empty() || text.size() > 60) return std::nullopt;
    if (auto const seconds = parse_number<std::uint64_t>(text))
        return std::min(a_week,
                        std::chrono::seconds{static_cast<std::int64_t>(std::min<std::uint64_t>(*seconds, 1u << 30))});
    std::string const copy{text};
    std::tm parts{};
    char const* const rest = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (rest == nullptr || *rest != '\0' || !is_near(parts)) return std::nullopt;
    auto const left = std::chrono::ceil<std::chrono::seconds>(wall_clock::from_time_t(::timegm(&parts)) - now);
    return std::clamp(left, std::chrono::seconds{0}, a_week);
}

}  // namespace postern::acme
