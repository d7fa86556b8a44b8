// What an issuer may answer when it is asked about a token, and what that makes of the token.
#include "directory/introspection.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace postern;
using namespace postern::directory;
using state = token_judgement::state;

namespace {

token_rules const rules{
    .issuer = "https://id.example", .audience = {"postern"}, .scope = "smtp", .account_claim = "username"};
wall_time const now = wall_time{} + std::chrono::seconds{1'800'000'000};

}  // namespace

TEST_CASE("opaque tokens: what the answer has to say")
{
    struct {
        char const* answer;
        state what;
        char const* why;
    } const rows[] = {
        {R"({"active":true,"aud":"postern","scope":"a smtp","username":"tim","exp":1800000600})", state::good, "token"},
        // Only "active" is not optional (section 2.2), but audience, scope and account are what we need to know.
        {R"({"active":true,"aud":["x","postern"],"scope":"smtp","username":"tim"})", state::good, "token"},
        {R"({"active":true,"iss":"https://id.example","aud":"postern","scope":"smtp","username":"tim"})", state::good,
         "token"},
        {R"({"active":false})", state::refused, "the issuer says that it is not active"},
        {R"({"active":false,"aud":"postern","scope":"smtp","username":"tim"})", state::refused,
         "the issuer says that it is not active"},
        {R"({"active":true,"iss":"https://x.example","aud":"postern","scope":"smtp","username":"tim"})", state::refused,
         "another issuer"},
        {R"({"active":true,"scope":"smtp","username":"tim"})", state::refused, "for another audience"},
        {R"({"active":true,"aud":"other","scope":"smtp","username":"tim"})", state::refused, "for another audience"},
        {R"({"active":true,"aud":"postern","scope":"smtp"})", state::refused, "no account in the token"},
        {R"({"active":true,"aud":"postern","scope":"smtp","username":""})", state::refused, "no account in the token"},
        {R"({"active":true,"aud":"postern","username":"tim"})", state::insufficient_scope, "the scope is missing"},
        {R"({"active":true,"aud":"postern","scope":"smtp","username":"tim","exp":1799999900})", state::refused,
         "expired"},
        {R"({"active":true,"aud":"postern","scope":"smtp","username":"tim","exp":"soon"})", state::refused,
         "no time of expiry"},
        {R"({"active":true,"aud":"postern","scope":"smtp","username":"tim","nbf":1800000100})", state::refused,
         "not valid yet"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.answer);
        auto const found = parse_introspection(row.answer, rules, of_opaque_token, now);
        REQUIRE(found);
        CHECK(found->judgement.what == row.what);
        CHECK(std::string{found->judgement.why} == row.why);
        CHECK(found->judgement.account == (row.what == state::good ? "tim" : ""));
    }
    auto const found = parse_introspection(rows[0].answer, rules, of_opaque_token, now);
    CHECK(found->ends == now + std::chrono::seconds{600});
    CHECK_FALSE(parse_introspection(rows[1].answer, rules, of_opaque_token, now)->ends);
}

TEST_CASE("JWTs that were found good: the answer may be short, but not contradict")
{
    auto const judge = [](char const* answer) {
        auto const found = parse_introspection(answer, rules, of_judged_token, now);
        REQUIRE(found);
        return found->judgement;
    };
    CHECK(judge(R"({"active":true})").what == state::good);
    CHECK(judge(R"({"active":true})").account.empty());
    CHECK(judge(R"({"active":true,"username":"tim"})").account == "tim");
    CHECK(judge(R"({"active":false})").what == state::refused);
    CHECK(judge(R"({"active":true,"aud":"other"})").what == state::refused);
    CHECK(judge(R"({"active":true,"iss":"other"})").what == state::refused);
    CHECK(judge(R"({"active":true,"exp":1})").what == state::refused);
    CHECK(judge(R"({"active":true,"username":7})").what == state::refused);
    CHECK(judge(R"({"active":true,"scope":"x"})").what == state::insufficient_scope);
}

TEST_CASE("what is no answer is an outage, not a refusal")
{
    for (std::string const& bad :
         {std::string{}, std::string{"{"}, std::string{"[]"}, std::string{"null"}, std::string{"{}"},
          std::string{R"({"active":"true"})"}, std::string{R"({"active":1})"}, std::string{R"({"active":null})"},
          std::string{"<html>Bad gateway</html>"}, R"({"active":true,"x":")" + std::string(65'536, 'a') + "\"}",
          std::string(40, '[') + std::string(40, ']')}) {
        CAPTURE(bad.substr(0, 50));
        auto const found = parse_introspection(bad, rules, of_opaque_token, now);
        REQUIRE_FALSE(found);
        CHECK(found.error().code.temporary());
    }
}
