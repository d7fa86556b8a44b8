#include "web/router.hpp"

#include <doctest/doctest.h>

#include "web/fixture.hpp"
#include "web/site.hpp"

namespace postern::web {
namespace {

plain_handler says(std::string text)
{
    return [text](call const&) { return http::answer(200, "text/plain", text); };
}

net::awaitable<http::response> ask_who(call const& c)
{
    boost::json::object arguments;
    arguments["address"] = c["address"];
    auto const answered = co_await c.server.ask("account show", std::move(arguments), "token", c.request.client);
    if (!answered) co_return http::answer(503, "text/plain", answered.error().text);
    co_return http::answer(200, "text/plain", std::string{answered->as_string()});
}

}  // namespace

TEST_CASE("The closest pattern answers")
{
    router table;
    table.add(http::method::get, "/", says("start"));
    table.add(http::method::get, "/setup/{program}", says("guide"));
    table.add(http::method::get, "/setup/thunderbird", says("thunderbird"));
    table.add(http::method::get, "/help/", says("list"));
    table.add(http::method::get, "/assets/{rest...}", says("asset"));
    table.add(http::method::get, "/assets/postern.css", says("style"));
    table.add(http::method::get, "/Autodiscover/Autodiscover.xml", says("autodiscover"), {.any_case = true});
    scripted_link nobody{[](auto&&...) { return control::failure{}; }};

    struct row {
        char const* path;
        unsigned status;
        char const* body;
    };
    row const rows[] = {
        {"/", 200, "start"},
        {"/setup/thunderbird", 200, "thunderbird"},
        {"/setup/outlook", 200, "guide"},
        {"/setup/outlook/", 200, "guide"},
        {"/setup", 404, nullptr},
        {"/setup/a/b", 404, nullptr},
        {"/help", 200, "list"},
        {"/help/", 200, "list"},
        {"/assets/a/b.js", 200, "asset"},
        {"/assets/postern.css", 200, "style"},
        {"/assets", 404, nullptr},
        {"/assets/", 404, nullptr},
        {"/AUTODISCOVER/autodiscover.XML", 200, "autodiscover"},
        {"/Setup/thunderbird", 404, nullptr},
    };
    for (auto const& r : rows) {
        CAPTURE(r.path);
        auto const got = perform(table, request_for(http::method::get, r.path), nobody);
        CHECK(got.status == r.status);
        if (r.body) CHECK(got.body == r.body);
    }
}

TEST_CASE("Another method is refused, and told which there are")
{
    router table;
    table.add(http::method::get, "/thing", says("it"));
    table.add(http::method::remove, "/thing", says("gone"));
    scripted_link nobody{[](auto&&...) { return control::failure{}; }};
    auto const refused = perform(table, request_for(http::method::post, "/thing"), nobody);
    CHECK(refused.status == 405);
    CHECK(http::find(refused.fields, "allow") == "GET, HEAD, DELETE");
    CHECK(perform(table, request_for(http::method::head, "/thing"), nobody).status == 200);
    CHECK(perform(table, request_for(http::method::options, "/thing"), nobody).status == 204);
}

TEST_CASE("A handler may ask the mail process")
{
    router table;
    table.add(http::method::get, "/accounts/{address}", ask_who);
    scripted_link server{[](std::string const& command, boost::json::object const& a, std::string_view session) {
        CHECK(command == "account show");
        CHECK(session == "token");
        return control::outcome{a.at("address")};
    }};
    CHECK(perform(table, request_for(http::method::get, "/accounts/ann@example.com"), server).body ==
          "ann@example.com");
}

TEST_CASE("A handler that fails is an answer, and programs get JSON")
{
    router table;
    table.add(http::method::get, "/api/v1/broken",
              [](call const&) -> http::response { throw std::runtime_error{"no"}; });
    scripted_link nobody{[](auto&&...) { return control::failure{}; }};
    auto const got = perform(table, request_for(http::method::get, "/api/v1/broken"), nobody);
    CHECK(got.status == 500);
    CHECK(http::find(got.fields, "content-type") == "application/json");
}

TEST_CASE("The site has a start page") { CHECK(make_site().find(http::method::get, "/").to != nullptr); }

}  // namespace postern::web
