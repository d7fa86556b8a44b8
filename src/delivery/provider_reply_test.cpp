#include "delivery/provider_reply.hpp"

#include <doctest/doctest.h>

#include "delivery/pace.hpp"
#include "delivery/token_answer.hpp"

using namespace postern;
using namespace postern::delivery;
using namespace std::chrono_literals;

namespace {

smtp::reply said(std::string_view text)
{
    smtp::reply_parser parser;
    std::string const line = std::string{text} + "\r\n";
    std::string_view in = line;
    REQUIRE(parser.take(in) == smtp::reply_parser::state::complete);
    return parser.release();
}

}  // namespace

TEST_CASE("what providers say about the account is told from what they say about a message")
{
    struct row {
        char const* text;
        complaint about;
    };
    for (row const& r : {
             row{"550 5.4.5 Daily user sending limit exceeded.", complaint::too_much},
             row{"550-5.4.5 Daily SMTP relay limit exceeded\r\n550 5.4.5 see there", complaint::too_much},
             row{"421 4.7.28 Our system has detected an unusual rate of mail", complaint::too_fast},
             row{"432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", complaint::too_fast},
             row{"432 4.3.2 Concurrent connections limit exceeded", complaint::too_fast},
             row{"550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP",
                 complaint::too_much},
             row{"550 5.1.8 Access denied, bad outbound sender", complaint::too_much},
             row{"554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException", complaint::too_much},
             row{"550 5.4.6 Unusual sending activity detected.", complaint::too_much},
             row{"454 4.7.0 Throttling failure: Maximum sending rate exceeded.", complaint::too_fast},
             row{"454 Throttling failure: Daily message quota exceeded.", complaint::too_much},
             row{"451 Authentication failed: Maximum credits exceeded", complaint::too_much},
             row{"450 4.7.1 Rate limit exceeded", complaint::too_fast},
             row{"530 5.7.0 Authentication Required.", complaint::no_login},
             row{"550 5.7.57 Client not authenticated to send mail.", complaint::no_login},
             row{"550 5.1.1 no such user", complaint::none},
             row{"550 5.1.8 sender rejected", complaint::none},
             row{"552 5.2.2 mailbox quota exceeded", complaint::none},
             row{"452 4.5.3 too many recipients", complaint::none},
             row{"452 4.2.2 over quota", complaint::none},
             row{"450 4.2.0 greylisted", complaint::none},
             row{"550 5.7.1 rate limit of spam exceeded, message refused", complaint::none},
             row{"552 5.3.4 message too big", complaint::none},
             row{"250 2.0.0 queued, daily sending limit exceeded soon", complaint::none},
         }) {
        CAPTURE(r.text);
        CHECK(complaint_of(said(r.text)) == r.about);
    }
}

TEST_CASE("a pace: evenly in a minute, and so many in a day")
{
    pace p;
    steady_time const start{1000h};
    CHECK_FALSE(p.limits());
    CHECK(p.next(start) == start);
    p.set_limits(30, 3);
    CHECK(p.limits());
    CHECK(p.gap() == 2s);
    CHECK(p.next(start) <= start);
    p.count(start);
    CHECK(p.next(start) == start + 2s);
    // Who was idle may not catch up in a burst.
    p.count(start + 60s);
    CHECK(p.next(start + 60s) == start + 62s);
    CHECK_FALSE(p.day_is_full(start + 62s));
    p.count(start + 62s);
    CHECK(p.day_is_full(start + 63s));
    CHECK(p.next(start + 63s) == start + 24h);
    CHECK(p.next(start + 24h) <= start + 24h);
    p.count(start + 24h);
    CHECK_FALSE(p.day_is_full(start + 24h + 1s));
}

TEST_CASE("answers of token endpoints")
{
    auto const good = parse_token_answer(
        200, R"({"access_token":"ya29.a","expires_in":3599,"refresh_token":"1//x","token_type":"Bearer"})");
    REQUIRE(good);
    CHECK(good->access_token.reveal() == "ya29.a");
    CHECK(good->refresh_token.reveal() == "1//x");
    CHECK(good->life == 3599s);
    CHECK(parse_token_answer(200, R"({"access_token":"a","expires_in":"60"})")->life == 60s);
    CHECK(parse_token_answer(200, R"({"access_token":"a"})")->life == 600s);
    CHECK(parse_token_answer(200, R"({"access_token":"a","expires_in":-5})")->life == 600s);
    CHECK(parse_token_answer(200, R"({"access_token":"a","expires_in":1e12})")->life == 600s);
    CHECK(parse_token_answer(200, R"({"access_token":"a","expires_in":999999999})")->life == 24h);

    struct row {
        long status;
        char const* body;
        bool for_good;
        char const* words;
    };
    for (row const& r :
         {row{400, R"({"error":"invalid_grant","error_description":"revoked\n"})", true, "invalid_grant: revoked\\x0a"},
          row{401, R"({"error":"invalid_client"})", true, "invalid_client"},
          row{503, R"({"error":"temporarily_unavailable"})", false, "temporarily_unavailable"},
          row{502, "<html>", false, "HTTP status 502"}, row{404, "{}", false, "HTTP status 404"},
          row{200, "{}", false, "no access_token"}, row{200, "[]", false, "no JSON object"},
          row{200, R"({"access_token":"a b"})", false, "no access_token"},
          row{200, R"({"access_token":17})", false, "no access_token"}}) {
        CAPTURE(r.body);
        auto const a = parse_token_answer(r.status, r.body);
        REQUIRE_FALSE(a);
        CHECK(a.error().code.temporary() != r.for_good);
        CHECK(a.error().logged.find(r.words) != std::string::npos);
    }
    CHECK_FALSE(parse_token_answer(200, std::string(100'000, ' ')));
}
