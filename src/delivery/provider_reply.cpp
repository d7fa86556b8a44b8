#include "delivery/provider_reply.hpp"

#include <string>
#include <string_view>

#include "base/text.hpp"

namespace postern::delivery {

namespace {

struct row {
    int code;                // 0: any
    postern::status status;  // empty: any
    std::string_view words;  // somewhere in the text, in small letters; empty: any
    complaint about;
};

// The first that fits. What is not marked with a provider several of them say.
constexpr row rows[] = {
    {530, {}, {}, complaint::no_login},
    {0, {5, 7, 57}, {}, complaint::no_login},      // Microsoft: client not authenticated
    {0, {5, 4, 5}, {}, complaint::too_much},       // Google: daily sending limit
    {0, {4, 7, 28}, {}, complaint::too_fast},      // Google: unusual rate
    {0, {5, 7, 28}, {}, complaint::too_much},      // the same, refused
    {432, {}, {}, complaint::too_fast},            // Microsoft: concurrent connections
    {0, {4, 3, 2}, "limit", complaint::too_fast},  // Microsoft: sender thread limit
    {0, {5, 7, 708}, {}, complaint::too_much},     // Microsoft: traffic not accepted, tenant not trusted yet
    {0, {5, 1, 90}, {}, complaint::too_much},      // Microsoft: recipients a day
    {0, {5, 1, 8}, "bad outbound sender", complaint::too_much},  // Microsoft: blocked
    {0, {5, 2, 0}, "submissionquota", complaint::too_much},      // Microsoft
    {0, {}, "submission quota", complaint::too_much},            // Microsoft
    {0, {5, 4, 6}, "unusual sending", complaint::too_much},      // Zoho
    {454, {}, "daily message quota", complaint::too_much},       // Amazon SES
    {454, {}, "throttling", complaint::too_fast},                // Amazon SES
    {451, {}, "maximum credits", complaint::too_much},           // SendGrid
    {0, {}, "daily sending quota", complaint::too_much},
    {0, {}, "daily sending limit", complaint::too_much},
    {0, {}, "daily user sending", complaint::too_much},
    {0, {}, "daily smtp relay", complaint::too_much},
    {0, {}, "sending limit exceeded", complaint::too_much},
    {0, {}, "sending quota exceeded", complaint::too_much},
    {0, {}, "hourly limit", complaint::too_much},
};

// These count only where the reply says itself that it is for now.
constexpr std::string_view for_now[] = {"rate limit",   "too many messages", "too many connections", "too fast",
                                        "sending rate", "throttl",           "too many emails"};

}  // namespace

complaint complaint_of(smtp::reply const& r)
{
    if (r.code < 400) return complaint::none;
    std::string const text = to_lower(r.text);
    auto const has = [&](std::string_view words) { return text.find(words) != std::string::npos; };
    for (auto const& one : rows) {
        if (one.code != 0 && one.code != r.code) continue;
        if (!one.status.empty() && one.status != r.status) continue;
        if (one.words.empty() || has(one.words)) return one.about;
    }
    if (!r.temporary()) return complaint::none;
    for (auto const words : for_now)
        if (has(words)) return complaint::too_fast;
    return complaint::none;
}

}  // namespace postern::delivery
