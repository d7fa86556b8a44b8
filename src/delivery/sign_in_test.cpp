// A person signs in at a provider: what is asked, and which answers are taken.
#include <doctest/doctest.h>

#include "base/base64.hpp"
#include "base/crypto.hpp"
#include "delivery/sign_in.hpp"
#include "http/message.hpp"

using namespace postern;
using namespace postern::delivery;
using namespace std::chrono_literals;

namespace {

constexpr char const* back = "http://localhost:1234/";

identity make_login()
{
    identity who;
    who.settings.user = "ann+box@example.com";
    who.settings.client_id = "client & co";
    who.settings.scope = "https://mail.example/ offline_access";
    return who;
}

std::string part(std::string const& url, std::string_view name)
{
    auto const value = http::parameter(std::string_view{url}.substr(url.find('?') + 1), name);
    return value ? *value : "nothing";
}

}  // namespace

TEST_CASE("where to sign in is known of two providers")
{
    std::string const entra = "https://login.microsoftonline.com/TENANT/oauth2/v2.0/";
    auto const microsoft = find_sign_in(entra + "token");
    CHECK(microsoft.device == entra + "devicecode");
    CHECK(microsoft.page == entra + "authorize");
    auto const google = find_sign_in("https://oauth2.googleapis.com/token");
    CHECK(google.device.empty());
    CHECK(google.page.starts_with("https://accounts.google.com/"));
    auto const other = find_sign_in("https://id.example/token");
    CHECK(other.device.empty());
    CHECK(other.page.empty());
}

TEST_CASE("a page is asked for a code that only we can redeem")
{
    page_visit const visit{back};
    auto const url = visit.url(make_login(), "https://id.example/auth?a=b");
    CHECK(url.starts_with("https://id.example/auth?a=b&"));
    CHECK(part(url, "response_type") == "code");
    CHECK(part(url, "client_id") == "client & co");
    CHECK(part(url, "redirect_uri") == back);
    CHECK(part(url, "scope") == "https://mail.example/ offline_access");
    CHECK(part(url, "login_hint") == "ann+box@example.com");
    CHECK(part(url, "code_challenge_method") == "S256");
    CHECK(part(url, "code_challenge") == base64url_encode(digest(hash::sha256, visit.verifier())));
    CHECK(visit.verifier().size() == 43);
    CHECK(url.find(visit.verifier()) == std::string::npos);
    CHECK(part(page_visit{back}.url(make_login(), "https://id.example/"), "state") != part(url, "state"));
}

TEST_CASE("of what the page leads back with, only the answer to this visit counts")
{
    page_visit const visit{back};
    auto const state = "state=" + part(visit.url(make_login(), "https://id.example/"), "state");
    struct row {
        std::string url;
        char const* code;  // or the error
    };
    for (auto const& r : {
             row{back + ("?code=a%2Fb&" + state), "a/b"},
             row{"/?" + state + "&code=c&iss=x#code=d", "c"},
             row{"/?code=c&state=other", "4.7.0"},
             row{"/?code=c", "4.7.0"},
             row{"/favicon.ico", "4.7.0"},
             row{"", "4.7.0"},
             row{"/?" + state, "4.7.0"},
             row{"/?code=&" + state, "4.7.0"},
             row{"/?code=" + std::string(5000, 'x') + "&" + state, "4.7.0"},
             row{"/?error=access_denied&error_description=no%0A+way&" + state, "5.7.0"},
             row{"/?error=access_denied&state=other", "4.7.0"},
         }) {
        CAPTURE(r.url);
        auto const code = visit.code_in(r.url);
        CHECK((code ? std::string{code->reveal()} : to_string(code.error().code)) == r.code);
        if (!code) CHECK(code.error().logged.find('\n') == std::string::npos);
    }
}

TEST_CASE("an offer of a code to enter")
{
    auto const whole = parse_device_offer(200, R"({"device_code": "d", "user_code": "ABCD-EFGH",
        "verification_uri": "https://id.example/device", "expires_in": 900, "interval": 7})");
    REQUIRE(whole);
    CHECK(whole->code.reveal() == "d");
    CHECK(whole->shown == "ABCD-EFGH");
    CHECK(whole->where == "https://id.example/device");
    CHECK(whole->life == 900s);
    CHECK(whole->interval == 7s);
    auto const least = parse_device_offer(
        200,
        R"({"device_code": "d", "user_code": "A", "verification_url": "https://x", "interval": 0, "expires_in": 1e9})");
    REQUIRE(least);
    CHECK(least->interval == 1s);
    CHECK(least->life == 1800s);
    struct row {
        long status;
        char const* body;
        char const* error;
    };
    for (auto const& r : {
             row{400, R"({"error": "invalid_client", "error_description": "AADSTS1: who?"})",
                 "invalid_client: AADSTS1: who?"},
             row{200, R"({"user_code": "A", "verification_uri": "https://x"})",
                 "HTTP status 200, and no code to enter"},
             row{200, "{\"device_code\": \"d\", \"user_code\": \"A\\u001b[2J\", \"verification_uri\": \"https://x\"}",
                 "HTTP status 200, and no code to enter"},
             row{503, "<html>", "HTTP status 503, and no JSON object"},
         }) {
        CAPTURE(r.body);
        auto const offer = parse_device_offer(r.status, r.body);
        REQUIRE_FALSE(offer);
        CHECK(offer.error().logged == r.error);
    }
}
