#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "catalogue/rules.hpp"
#include "providers/replies.hpp"
#include "providers/reply_samples.hpp"

namespace postern::providers {
namespace {

smtp::reply read(std::string_view text)
{
    std::string wire;
    while (!text.empty()) {
        auto const end = text.find('\n');
        wire += text.substr(0, end);
        wire += "\r\n";
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    // A sample may be the first line only of a reply with several.
    if (auto const last = wire.rfind('\n', wire.size() - 2); true) {
        auto const begin = last == std::string::npos ? 0 : last + 1;
        if (wire.size() > begin + 3 && wire[begin + 3] == '-') wire[begin + 3] = ' ';
    }
    smtp::reply_parser parser;
    std::string_view rest = wire;
    REQUIRE(parser.take(rest) == smtp::reply_parser::state::complete);
    return parser.release();
}

provider const* of_family(std::string_view name)
{
    if (name.empty()) return nullptr;
    if (auto const* p = find_by_id(name)) return p;
    auto const known = all();
    // The last one: Outlook.com, which comes first in its family, has rows of its own.
    auto const at = std::find_if(known.rbegin(), known.rend(),
                                 [&](auto const& p) { return p.family == name && p.auth.size() > 1; });
    return at == known.rend() ? nullptr : &*at;
}

std::string_view rule_of(step when, std::string_view provider, std::string_view text)
{
    auto const m = match(when, of_family(provider), read(text));
    return m.why == nullptr ? "nothing" : m.why->name;
}

TEST_CASE("each sample has the meaning that its row gives it")
{
    for (auto const& s : reply_samples) {
        CAPTURE(s.text);
        CAPTURE(s.whose);
        auto const m = match(s.when, of_family(s.whose), read(s.text));
        REQUIRE(m.why != nullptr);
        CHECK(m.why->name == s.rule);
        CHECK(m.who != catalogue::actor::unknown);
    }
}

TEST_CASE("what no row has is told by its enhanced code, then by its code and the step")
{
    struct row {
        step when;
        std::string_view text, rule;
        certainty how_sure;
    };
    constexpr row rows[] = {
        {step::rcpt, "550 5.1.1 <x@example.org>: nobody", "unknown-recipient", certainty::status},
        {step::rcpt, "550 5.1.10 null mx", "domain-takes-no-mail", certainty::status},
        {step::data, "552 5.3.4 nope", "message-too-big", certainty::status},
        {step::data, "550 5.7.26 unauthenticated", "dmarc-fails", certainty::status},
        {step::banner, "554 5.7.25 no", "reverse-name-missing", certainty::status},
        {step::mail, "550 5.7.8 no", "auth-required", certainty::status},
        {step::auth, "535 5.7.8 no", "auth-failed", certainty::code},
        {step::auth, "535 no", "auth-failed", certainty::code},
        {step::auth, "550 5.7.1 no", "login-refused-by-policy", certainty::code},
        {step::auth, "452 4.9.9 no", "auth-unavailable", certainty::code},
        {step::banner, "554 no", "greeting-refused", certainty::code},
        {step::ehlo, "550 no", "greeting-refused", certainty::code},
        {step::data, "554 no", "content-refused", certainty::code},
        {step::rcpt, "450 4.9.9 no", "remote-deferred", certainty::code},
        {step::rcpt, "550 no", "remote-refused", certainty::code},
    };
    for (auto const& r : rows) {
        CAPTURE(r.text);
        auto const m = match(r.when, nullptr, read(r.text));
        REQUIRE(m.why != nullptr);
        CHECK(m.why->name == r.rule);
        CHECK(m.how_sure == r.how_sure);
    }
}

TEST_CASE("an unknown refusal of a password at a provider with app passwords asks for one")
{
    CHECK(rule_of(step::auth, "fastmail", "535 5.7.8 no") == "provider-wants-app-password");
    CHECK(rule_of(step::auth, "fastmail", "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6") ==
          "provider-wants-app-password");
    CHECK(rule_of(step::auth, "strato", "535 5.7.8 no") == "auth-failed");
    CHECK(rule_of(step::auth, "gmail", "535 5.7.8 no") == "gmail-password-refused");
    CHECK(rule_of(step::auth, "outlook-com", "535 5.7.139 no") == "outlook-com-passwords-ended");
    CHECK(rule_of(step::auth, "office365", "535 5.7.139 no") == "microsoft-password-refused");
}

TEST_CASE("the same words mean something else in another step or at another provider")
{
    CHECK(rule_of(step::auth, "", "421 4.7.0 closing") == "too-many-auth-failures");
    CHECK(rule_of(step::banner, "", "421 4.7.0 closing") == "greeting-refused");
    CHECK(rule_of(step::auth, "ses", "535 Authentication Credentials Invalid") == "ses-password-refused");
    CHECK(rule_of(step::auth, "gmx", "535 Authentication Credentials Invalid") == "gmx-access-off");
    CHECK(rule_of(step::auth, "", "535 Authentication Credentials Invalid") == "auth-failed");
}

TEST_CASE("what is no refusal has no meaning")
{
    CHECK(rule_of(step::auth, "gmail", "235 2.7.0 Accepted") == "nothing");
    CHECK(rule_of(step::auth, "", "334 VXNlcm5hbWU6") == "nothing");
    CHECK(rule_of(step::data, "", "250 2.0.0 Ok: queued") == "nothing");
    CHECK(rule_of(step::banner, "", "220 mx.example.com ESMTP") == "nothing");
}

}  // namespace
}  // namespace postern::providers
