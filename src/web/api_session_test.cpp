#include <doctest/doctest.h>

#include "web/api_fixture.hpp"

namespace postern::web {
namespace {

using namespace testing;

TEST_CASE("a sign-in by a browser gives a cookie that scripts and other sites don't get")
{
    mail_process server{visit_opened("NEW")};
    auto const body = R"({"address":"ann@example.com","password":"secret"})";
    auto fields = with_json({{"user-agent", "Mozilla <script>"}});
    auto const answer = perform(table(), request_for(method::post, "/api/v1/session", body, fields), server);
    CHECK(answer.status == 200);
    CHECK(http::find(answer.fields, "set-cookie") == "__Host-postern=NEW; Path=/; Secure; HttpOnly; SameSite=Strict");
    auto const v = parsed(answer);
    CHECK(v.at("csrf").as_string() == visits::csrf_token("NEW"));
    CHECK_FALSE(v.as_object().contains("token"));
    CHECK(answer.holds_secret);
    REQUIRE(server.questions.size() == 1);
    CHECK(server.questions[0].session.empty());
    CHECK(server.questions[0].arguments.at("agent") == "Mozilla <script>");
}

TEST_CASE("a token that a browser comes with is never the one of the session that begins")
{
    mail_process server{visit_opened("NEW")};
    auto const body = R"({"address":"ann@example.com","password":"secret"})";
    auto const answer =
        perform(table(), request_for(method::post, "/api/v1/session", body, with_cookie(false)), server);
    CHECK(http::find(answer.fields, "set-cookie").starts_with("__Host-postern=NEW;"));
    REQUIRE(server.questions.size() == 2);
    CHECK(server.questions[1].command == "web sign-out");
    CHECK(server.questions[1].session == token);
}

TEST_CASE("a program gets a token and no cookie")
{
    mail_process server{visit_opened("NEW")};
    auto const body = R"({"address":"ann@example.com","password":"secret","token":true})";
    auto const answer = perform(table(), request_for(method::post, "/api/v1/session", body, with_json({})), server);
    CHECK(http::find(answer.fields, "set-cookie").empty());
    CHECK(parsed(answer).at("token") == "NEW");
    CHECK_FALSE(parsed(answer).as_object().contains("csrf"));
}

TEST_CASE("a refused sign-in is a 401 without a cookie, or a 429")
{
    auto const body = R"({"address":"ann@example.com","password":"wrong"})";
    for (auto const& [why, status] :
         {std::pair{kind::signed_out, 401u}, {kind::put_off, 429u}, {kind::unavailable, 503u}}) {
        mail_process server{control::failure{why, "no", {}, {}}};
        auto const answer = perform(table(), request_for(method::post, "/api/v1/session", body, with_json({})), server);
        CHECK(answer.status == status);
        CHECK(http::find(answer.fields, "set-cookie").empty());
    }
}

TEST_CASE("who is signed in, and the end of it")
{
    mail_process server{visit_opened("unused")};
    auto const shown = perform(table(), request_for(method::get, "/api/v1/session", {}, with_cookie(false)), server);
    CHECK(shown.status == 200);
    CHECK(parsed(shown).at("csrf").as_string() == visits::csrf_token(token));
    CHECK_FALSE(parsed(perform(table(), request_for(method::get, "/api/v1/session", {}, with_bearer()), server))
                    .as_object()
                    .contains("csrf"));
    auto const out = perform(table(), request_for(method::remove, "/api/v1/session", {}, with_cookie(true)), server);
    CHECK(out.status == 204);
    CHECK(http::find(out.fields, "set-cookie").ends_with("Max-Age=0"));
    CHECK(perform(table(), request_for(method::remove, "/api/v1/session", {}, with_cookie(false)), server).status ==
          403);
    mail_process over{control::failure{kind::signed_out, "over", {}, {}}};
    auto const gone = perform(table(), request_for(method::get, "/api/v1/session", {}, with_cookie(false)), over);
    CHECK(gone.status == 401);
    CHECK(http::find(gone.fields, "set-cookie").ends_with("Max-Age=0"));
}

TEST_CASE("a new password needs the old one, and goes through a sign-in of its own")
{
    auto const body = R"({"old_password":"old","new_password":"new"})";
    mail_process server{visit_opened("x")};
    server.answers.emplace("web sign-in", visit_opened("FRESH"));
    auto const answer =
        perform(table(), request_for(method::put, "/api/v1/account/password", body, with_cookie(true)), server);
    CHECK(answer.status == 200);
    REQUIRE(server.questions.size() == 4);
    CHECK(server.questions[1].command == "web sign-in");
    CHECK(server.questions[1].arguments.at("address") == "ann");
    CHECK(server.questions[1].arguments.at("password") == "old");
    CHECK(server.questions[2].command == "account own-password");
    CHECK(server.questions[2].session == "FRESH");
    CHECK(server.questions[2].arguments.at("password") == "new");
    CHECK(http::find(answer.fields, "set-cookie").starts_with("__Host-postern=FRESH;"));

    mail_process wrong{visit_opened("x")};
    wrong.answers.emplace("web sign-in", control::failure{kind::signed_out, "no", {}, {}});
    auto const refused =
        perform(table(), request_for(method::put, "/api/v1/account/password", body, with_cookie(true)), wrong);
    CHECK(refused.status == 422);
    CHECK(rule_of(refused) == "api-old-password");
    CHECK(wrong.questions.size() == 2);
    CHECK(perform(table(), request_for(method::put, "/api/v1/account/password", body, with_cookie(false)), wrong)
              .status == 403);
}

TEST_CASE("a password that was changed is not said to be the old one, whatever comes after")
{
    auto const body = R"({"old_password":"old","new_password":"new"})";
    control::failure const away{kind::unavailable, "away", {}, {}};
    auto const ask = [&](control::outcome const& changed, http::fields fields) {
        int sign_ins = 0;
        scripted_link server{
            [&](std::string const& command, json::object const&, std::string_view) -> control::outcome {
                if (command == "account own-password") return changed;
                if (command == "web sign-in" && ++sign_ins == 2) return away;
                return visit_opened("x");
            }};
        return perform(table(), request_for(method::put, "/api/v1/account/password", body, std::move(fields)), server);
    };
    auto const signed_out = ask(visit_opened("x"), with_cookie(true));
    CHECK(signed_out.status == 200);
    CHECK(parsed(signed_out) == json::value{{"account", "ann@example.com"}, {"role", "none"}});
    CHECK(http::find(signed_out.fields, "set-cookie").ends_with("Max-Age=0"));
    auto const program = ask(visit_opened("x"), with_json());
    CHECK(program.status == 200);
    CHECK_FALSE(parsed(program).as_object().contains("token"));
    CHECK(http::find(program.fields, "set-cookie").empty());
    auto const unknown = ask(away, with_cookie(true));
    CHECK(unknown.status == 503);
    CHECK(unknown.body.find("whether it has changed the password") != std::string::npos);
}

}  // namespace
}  // namespace postern::web
