#include "web/problem.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include "help/wording.hpp"
#include "web/fixture.hpp"

namespace postern::web {
namespace {

namespace json = boost::json;

http::request asked(std::string_view target, std::string language = {})
{
    http::fields fields;
    if (!language.empty()) fields.emplace_back("accept-language", std::move(language));
    return request_for(http::method::get, target, {}, std::move(fields));
}

/// The build writes an apostrophe in another way than the server.
bool has(http::response const& r, std::string_view text)
{
    auto body = r.body;
    for (auto at = body.find("&#x27;"); at != body.npos; at = body.find("&#x27;")) body.replace(at, 6, "&#39;");
    return body.find(text) != std::string::npos;
}

struct row {
    catalogue::rule const& why;
    unsigned status;
};
row const rows[]{
    {rules::web_malformed, 400},       {rules::web_unknown_host, 400}, {rules::web_not_found, 404},
    {rules::web_wrong_method, 405},    {rules::web_too_slow, 408},     {rules::web_too_large, 413},
    {rules::web_head_too_large, 431},  {rules::web_failed, 500},       {rules::web_not_done, 400},
    {rules::web_signed_out, 401},      {rules::web_not_allowed, 403},  {rules::web_put_off, 429},
    {rules::web_server_away, 503},     {rules::api_bad_request, 400},  {rules::api_csrf, 403},
    {rules::api_not_json, 415},        {rules::api_unacceptable, 422}, {rules::api_old_password, 422},
    {rules::api_password_unsure, 503},
};

}  // namespace

TEST_CASE("each row has its status and its words, as a page and as JSON, in the reader's language")
{
    for (auto const& [why, status] : rows) {
        CAPTURE(why.name);
        for (std::string const language : {"en", "de"}) {
            auto const own = help::wording_of(why, language);
            auto const page = answer_for(why, asked("/somewhere", language));
            CHECK(page.status == status);
            CHECK(has(page, "<html lang=\"" + language + "\">"));
            CHECK(has(page, "<h1>" + http::escaped(own.reply) + "</h1>"));
            CHECK(has(page, http::escaped(own.what)));
            CHECK(has(page, "href=\"/help/" + std::string{why.name} + "?lang=" + language));
            CHECK(has(page, "class=\"skip\""));
            CHECK(http::find(page.fields, "content-language") == language);
            CHECK(http::find(page.fields, "cache-control") == "no-store");

            auto const told = answer_for(why, asked("/api/v1/somewhere", language));
            CHECK(told.status == status);
            CHECK(json::parse(told.body) ==
                  json::value{{"error", {{"rule", why.name}, {"text", own.reply}, {"remedy", own.user}}}});
            CHECK(http::find(told.fields, "retry-after").empty() == (status != 429 && status != 503));
        }
        CHECK(help::wording_of(why, "de").reply != why.reply);
    }
}

TEST_CASE("nothing of a request comes back in the page that refuses it")
{
    auto r = asked("/<script>alert(1)</script>?lang=xx%22%3E&address=planted%40example.com", "planted, de;q=0.5");
    r.host = "planted.example";
    auto const page = answer_for(rules::web_not_found, r);
    CHECK(has(page, "<html lang=\"de\">"));
    for (auto const* text : {"alert(1)", "planted", "xx"}) CHECK_FALSE(has(page, text));
    CHECK(answer_for(rules::web_malformed, http::request{}).body == answer_for(rules::web_malformed, asked("/x")).body);
}

TEST_CASE("what the mail process would not do is said in its own words, as text")
{
    using kind = control::failure::kind;
    auto const of = [](kind why, std::string text, std::string language) {
        return answer_for(control::failure{why, std::move(text), {}}, asked("/profile/x", std::move(language)));
    };
    auto const link =
        of(kind::usage, "this link was opened before, or is older than ten minutes: make a new one", "de");
    CHECK(link.status == 400);
    CHECK(has(link, "dieser Link wurde schon geöffnet"));
    CHECK(has(of(kind::problem, "<b>no</b>", "en"), "&lt;b&gt;no&lt;/b&gt;"));
    CHECK(of(kind::signed_out, "no", "").status == 401);
    CHECK(of(kind::forbidden, "no", "").status == 403);
    CHECK(of(kind::put_off, "no", "").status == 429);
    auto const away = of(kind::unavailable, "the socket /run/x is gone", "");
    CHECK(away.status == 503);
    CHECK_FALSE(has(away, "/run/x"));
}

}  // namespace postern::web
