#include "web/help_pages.hpp"

#include <doctest/doctest.h>

#include "porter/fixture.hpp"
#include "porter/transfer.hpp"
#include "web/fixture.hpp"
#include "web/site.hpp"

namespace postern::web {
namespace {

control::outcome mail_process(std::string const& command, boost::json::object const& arguments,
                              std::string_view session)
{
    if (command == "web session") {
        if (session != "TOKEN") return control::failure{control::failure::kind::usage, "nobody is signed in", {}};
        return boost::json::value{{"account", "carol@example.com"}};
    }
    if (command == "discovery facts") {
        auto settings = porter::example_settings();
        settings.hostname = "mail.example.com";
        return porter::to_json(porter::facts_of(settings, {"example.com"}));
    }
    REQUIRE(command == "why public");
    if (arguments.at("id") == "K7Q2M9TX4WZD.1")
        return control::failure{control::failure::kind::put_off, "too many", {}};
    if (arguments.at("id") == "K7Q2M9TX4WZE.1")
        return control::failure{control::failure::kind::unavailable, "nobody there", {}};
    return boost::json::value{{"rule", arguments.at("id") == "K7Q2M9TX4WZA.1" ? "message-too-big" : ""}};
}

http::response ask(std::string_view target, scripted_link::script s = mail_process)
{
    router table;
    add_help_pages(table, std::make_shared<discovery_desk>(std::chrono::milliseconds{1}));
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
    CHECK(r.body.find("465") != std::string::npos);
    CHECK(ask("/").body.find("mailto:postmaster@example.com") != std::string::npos);
    CHECK(ask("/help/no-such-rule").status == 404);
    CHECK(ask("/assets/help.css").status == 200);
}

TEST_CASE("The first page is small: with all that it asks for, under 100 KiB")
{
    auto whole = ask("/").body.size();
    for (auto const* file : {"/assets/postern.css", "/assets/help.css", "/assets/help.js", "/favicon.svg"}) {
        router table = make_site();
        scripted_link server{mail_process};
        auto const r = perform(table, request_for(http::method::get, file), server);
        CHECK(r.status == 200);
        whole += r.body.size();
    }
    CHECK(whole < 100u << 10);
}

TEST_CASE("Pages go packed to who takes that, unless they show who is signed in")
{
    router table;
    add_help_pages(table, std::make_shared<discovery_desk>(std::chrono::milliseconds{1}));
    scripted_link server{mail_process};
    auto const with = [&](http::fields f) {
        return perform(table, request_for(http::method::get, "/setup/evolution", {}, std::move(f)), server);
    };
    auto const plain = with({}), packed = with({{"accept-encoding", "gzip, br"}}),
               own = with({{"accept-encoding", "gzip"}, {"cookie", "__Host-postern=TOKEN"}});
    CHECK(http::find(plain.fields, "content-encoding").empty());
    CHECK(http::find(plain.fields, "vary").ends_with(", accept-encoding"));
    CHECK(http::find(packed.fields, "content-encoding") == "gzip");
    CHECK(packed.body.starts_with("\x1f\x8b"));
    CHECK(packed.body.size() * 2 < plain.body.size());
    CHECK(http::find(own.fields, "content-encoding").empty());
}

TEST_CASE("Who is signed in finds the own address in the guide, and no cache keeps the page")
{
    router table;
    add_help_pages(table, std::make_shared<discovery_desk>(std::chrono::milliseconds{1}));
    scripted_link server{mail_process};
    auto const as = [&](std::string token) {
        http::fields f{{"cookie", "__Host-postern=" + std::move(token)}};
        return perform(table, request_for(http::method::get, "/setup/evolution", {}, std::move(f)), server);
    };
    auto const own = as("TOKEN");
    CHECK(own.body.find(">carol@example.com<") != std::string::npos);
    CHECK(http::find(own.fields, "cache-control") == "no-store");
    CHECK(as("another").body.find("carol") == std::string::npos);
    CHECK(http::find(ask("/setup/evolution").fields, "cache-control") != "no-store");
}

TEST_CASE("The page of a link to a profile takes nothing, whoever looks at it")
{
    // The mail process of this test would not know `profile take`.
    auto const r = ask("/profile/0123abcd");
    CHECK(r.status == 200);
    CHECK(http::find(r.fields, "content-type") == "text/html; charset=utf-8");
    CHECK(r.body.find("<form method=\"post\">") != std::string::npos);
    // The form leads to where the page is; nothing on it has the secret.
    CHECK(ask("/profile/another").body.find("0123abcd") == std::string::npos);
}

TEST_CASE("With many domains, each reader finds the own one, and nobody's that is first in the alphabet")
{
    auto const many = [](std::string const& command, boost::json::object const&, std::string_view session) {
        if (command == "web session" && session == "TOKEN")
            return control::outcome{boost::json::value{{"account", "ann@first.test"}}};
        if (command != "discovery facts")
            return control::outcome{control::failure{control::failure::kind::usage, "nobody is signed in", {}}};
        auto settings = porter::example_settings();
        settings.hostname = "mail.hoster.test";
        settings.setup.contact.clear();
        return control::outcome{
            porter::to_json(porter::facts_of(settings, {"another.test", "first.test", "second.test"}))};
    };
    auto const contact_of = [&](std::string_view target, std::string host, std::string token) {
        router table;
        add_help_pages(table, std::make_shared<discovery_desk>(std::chrono::milliseconds{1}));
        scripted_link server{many};
        auto r = request_for(http::method::get, target, {}, {{"cookie", "__Host-postern=" + std::move(token)}});
        r.host = std::move(host);
        auto const body = perform(table, std::move(r), server).body;
        auto const at = body.find("mailto:postmaster@");
        return at == std::string::npos ? body : body.substr(at + 18, body.find('"', at) - at - 18);
    };
    CHECK(contact_of("/", "mail.hoster.test", "") == "hoster.test");
    CHECK(contact_of("/", "autoconfig.second.test", "") == "second.test");
    CHECK(contact_of("/", "second.test", "") == "second.test");
    CHECK(contact_of("/", "mail.hoster.test", "TOKEN") == "first.test");
    CHECK(contact_of("/setup?address=a%40second.test", "first.test", "TOKEN") == "second.test");
    CHECK(contact_of("/setup?address=a%40gmail.com", "first.test", "") == "first.test");
}

TEST_CASE("An address of a domain that is not served is said so")
{
    CHECK(ask("/setup?address=bob%40gmail.com").body.find("does not send for") != std::string::npos);
    CHECK(ask("/setup?address=bob%40example.com").body.find("does not send for") == std::string::npos);
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
    CHECK(told.body.find("The message is larger than") != std::string::npos);
    CHECK(ask("/why/K7Q2M9TX4WZD.1").status == 429);
    CHECK(ask("/why/K7Q2M9TX4WZE.1").status == 503);
}

}  // namespace postern::web
