#include "web/help_pages.hpp"

#include <doctest/doctest.h>

#include "web/fixture.hpp"
#include "web/site.hpp"

namespace postern::web {
namespace {

control::outcome mail_process(std::string const& command, boost::json::object const& arguments)
{
    if (command == "help facts")
        return boost::json::value{{"name", "Example Mail"}, {"server", "mail.example.com"},  {"implicit_port", 465},
                                  {"starttls_port", 587},   {"contact", "help@example.com"}, {"domain", "example.com"}};
    REQUIRE(command == "why public");
    if (arguments.at("id") == "K7Q2M9TX4WZD.1")
        return control::failure{control::failure::kind::unavailable, "too many", {}};
    return boost::json::value{{"rule", arguments.at("id") == "K7Q2M9TX4WZA.1" ? "message-too-big" : ""}};
}

control::outcome mail_process_of_anybody(std::string const& command, boost::json::object const& arguments,
                                         std::string_view)
{
    return mail_process(command, arguments);
}

http::response ask(std::string_view target, scripted_link::script s = mail_process_of_anybody)
{
    router table;
    add_help_pages(table);
    scripted_link server{std::move(s)};
    return perform(table, request_for(http::method::get, target), server);
}

}  // namespace

TEST_CASE("Pages are filled with what the mail process says of itself")
{
    auto const r = ask("/setup/thunderbird?address=ann%40example.com");
    CHECK(r.status == 200);
    CHECK(r.body.find(">mail.example.com<") != std::string::npos);
    CHECK(r.body.find(">ann@example.com<") != std::string::npos);
    CHECK(ask("/help/no-such-rule").status == 404);
    CHECK(ask("/assets/help.css").status == 200);
}

TEST_CASE("The first page is small: with all that it asks for, under 100 KiB")
{
    auto whole = ask("/").body.size();
    for (auto const* file : {"/assets/postern.css", "/assets/help.css", "/assets/help.js", "/favicon.svg"}) {
        router table = make_site();
        scripted_link server{mail_process_of_anybody};
        auto const r = perform(table, request_for(http::method::get, file), server);
        CHECK(r.status == 200);
        whole += r.body.size();
    }
    CHECK(whole < 100u << 10);
}

TEST_CASE("Pages are there while the mail process is away")
{
    auto const away = [](auto const&, auto const&, auto) {
        return control::outcome{control::failure{control::failure::kind::unavailable, "away", {}}};
    };
    CHECK(ask("/", away).status == 200);
    CHECK(ask("/help/auth-failed", away).status == 200);
    CHECK(ask("/why/K7Q2M9TX4WZA.1", away).status == 503);
}

TEST_CASE("A refusal that tells something, one that nobody knows, and what is no id have the same page")
{
    auto const told = ask("/why/K7Q2M9TX4WZA.1");
    CHECK(told.status == 200);
    auto page_without = [](std::string_view id) {
        auto r = ask("/why/" + std::string{id});
        CHECK(r.status == 200);
        for (auto at = r.body.find(id); at != std::string::npos; at = r.body.find(id))
            r.body.replace(at, id.size(), "ID");
        return r.body;
    };
    CHECK(page_without("K7Q2M9TX4WZB.1") == page_without("K7Q2M9TX4WZC.1"));
    CHECK(page_without("K7Q2M9TX4WZB.1") == page_without("nonsense"));
    CHECK(told.body.find("too big") != std::string::npos);
    CHECK(ask("/why/K7Q2M9TX4WZD.1").status == 503);
}

}  // namespace postern::web
