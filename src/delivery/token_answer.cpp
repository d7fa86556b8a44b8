#include "delivery/token_answer.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"
#include "sasl/oauth.hpp"

namespace postern::delivery {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_answer = 64u << 10;
constexpr std::chrono::seconds usual_life{600};  // where the endpoint does not say
constexpr std::int64_t longest_life = 86'400;

// A number, or one in quotes as some endpoints write it.
std::chrono::seconds life_of(json::object const& o)
{
    auto const* const v = o.if_contains("expires_in");
    if (v == nullptr) return usual_life;
    std::int64_t seconds = -1;
    if (v->is_int64()) seconds = v->get_int64();
    if (v->is_uint64()) seconds = longest_life;
    if (v->is_double()) seconds = v->get_double() >= 0 && v->get_double() < 1e9 ? std::int64_t(v->get_double()) : -1;
    if (v->is_string()) {
        std::string_view const text = v->get_string();
        bool const digits = !text.empty() && text.size() < 10 &&
                            std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
        if (digits) seconds = std::stol(std::string{text});
    }
    if (seconds < 0) return usual_life;
    return std::chrono::seconds{std::min(seconds, longest_life)};
}

token_refusal refusal_of(json::object const& o)
{
    token_refusal r;
    r.code = text_in(o, "error");
    if (r.code.empty()) return r;
    r.words = printable(r.code, 100);
    if (auto const more = text_in(o, "error_description"); !more.empty()) r.words += ": " + printable(more, 200);
    return r;
}

}  // namespace

token_refusal refusal_in(std::string_view body)
{
    json::error_code wrong;
    auto const value = body.size() > longest_answer ? json::value{} : json::parse(body, wrong);
    return wrong || !value.is_object() ? token_refusal{} : refusal_of(value.get_object());
}

result<token_answer> parse_token_answer(long status, std::string_view body)
{
    auto const failed = [](bool for_good, std::string why) {
        return error{{static_cast<std::uint8_t>(for_good ? 5 : 4), 7, 0}, "", std::move(why)};
    };
    std::string const http = "HTTP status " + std::to_string(status);
    if (body.size() > longest_answer) return failed(false, "the answer is larger than 64 KiB");
    json::error_code wrong;
    auto const value = json::parse(body, wrong);
    if (wrong || !value.is_object()) return failed(false, http + ", and no JSON object");
    auto const& o = value.get_object();
    if (auto no = refusal_of(o); !no.code.empty()) {
        // RFC 6749 section 5.2; anything else may pass.
        bool const passes = no.code == "temporarily_unavailable" || no.code == "server_error" || status >= 500;
        return failed(!passes, std::move(no.words));
    }
    if (status != 200) return failed(false, http);
    auto const token = text_in(o, "access_token");
    if (!sasl::oauth::is_token(token)) return failed(false, "the answer has no access_token that could be sent");
    token_answer a;
    a.access_token = secret{token};
    auto const next = text_in(o, "refresh_token");
    bool const fits =
        next.size() <= 16'384 && std::all_of(next.begin(), next.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (fits) a.refresh_token = secret{next};
    a.life = life_of(o);
    return a;
}

}  // namespace postern::delivery
