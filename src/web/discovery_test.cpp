#include "web/discovery.hpp"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

#include "base/base64.hpp"
#include "porter/fixture.hpp"
#include "porter/transfer.hpp"
#include "web/discovery_desk.hpp"
#include "web/fixture.hpp"

using namespace postern;
using namespace postern::web;
namespace json = boost::json;

namespace {

http::request question(std::string_view target, http::method m = http::method::get)
{
    auto r = request_for(m, target);
    r.host = "autoconfig.example.test";
    r.client = *ip_address::parse("192.0.2.9");
    return r;
}

router discovery_alone()
{
    router table;
    // The test's context ends when all is told.
    add_discovery(table, std::make_shared<discovery_desk>(std::chrono::milliseconds{1}));
    return table;
}

}  // namespace

TEST_CASE("what mail programs ask is answered from what the mail process tells, and told to it")
{
    auto const table = discovery_alone();
    int asked = 0;
    std::string noted;
    scripted_link mail{
        [&](std::string const& command, json::object const& a, std::string_view session) -> control::outcome {
            CHECK(session.empty());
            if (command == "discovery note") noted += json::serialize(a);
            if (command != "discovery facts") return json::value{};
            ++asked;
            return porter::to_json(porter::example_facts());
        }};
    for (auto const* const target :
         {"/mail/config-v1.1.xml?emailaddress=anna%40example.test", "/.well-known/autoconfig/mail/config-v1.1.xml",
          "/.well-known/mail-v1.xml", "/v1.1/other.test", "/autoconfig/v1.1/other.test",
          "/AutoDiscover/AUTODISCOVER.json", "/autodiscover/autodiscover.json/v1.0/anna@example.test",
          "/autodiscover/autodiscover.xml"}) {
        CAPTURE(target);
        CHECK(perform(table, question(target), mail).status == 200);
        CHECK(perform(table, question(target, http::method::options), mail).status == 204);
    }
    // One question to the mail process was enough for all of them.
    CHECK(asked == 1);
    CHECK(noted.find("\"kind\":\"autodiscover-json\"") != std::string::npos);
    CHECK(noted.find("anna") == std::string::npos);
}

TEST_CASE("while the mail process is away, what is known goes on being told")
{
    auto const table = discovery_alone();
    bool away = true;
    scripted_link mail{[&](std::string const& command, json::object const&, std::string_view) -> control::outcome {
        if (away || command != "discovery facts") return control::failure{};
        return porter::to_json(porter::example_facts());
    }};
    CHECK(perform(table, question("/mail/config-v1.1.xml"), mail).status == 503);
    away = false;
    CHECK(perform(table, question("/mail/config-v1.1.xml"), mail).status == 200);
    away = true;
    CHECK(perform(table, question("/mail/config-v1.1.xml"), mail).status == 200);
}

TEST_CASE("a turn that ends without a word is somebody else's next")
{
    discovery_desk desk{std::chrono::milliseconds{1}};
    auto const now = steady_clock::now();
    desk.take(porter::example_facts(), now);
    auto asking = desk.turn_to_ask(now + std::chrono::minutes{1}, desk.usual_age);
    CHECK(asking);
    CHECK_FALSE(desk.turn_to_ask(now + std::chrono::minutes{1}, desk.usual_age));
    asking.reset();
    CHECK(desk.turn_to_ask(now + std::chrono::minutes{1}, desk.usual_age));

    auto telling = desk.note({}, wall_clock::now());
    CHECK(telling);
    CHECK_FALSE(desk.note({}, wall_clock::now()));
    telling.reset();
    telling = desk.note({}, wall_clock::now());
    CHECK(telling);
    // Or when all is told.
    CHECK(desk.take_notes().size() == 3);
    CHECK_FALSE(desk.note({}, wall_clock::now()));
    CHECK(desk.take_notes().size() == 1);
    CHECK(desk.take_notes().empty());
    CHECK(desk.note({}, wall_clock::now()));
}

TEST_CASE("who asks too often is told so")
{
    auto const table = discovery_alone();
    scripted_link mail{[&](std::string const& command, json::object const&, std::string_view) -> control::outcome {
        if (command != "discovery facts") return json::value{};
        return porter::to_json(porter::example_facts());
    }};
    int refused = 0;
    for (int i = 0; i < 200; ++i) refused += perform(table, question("/v1.1/example.test"), mail).status == 429 ? 1 : 0;
    CHECK(refused > 50);
    auto other = question("/v1.1/example.test");
    other.client = *ip_address::parse("192.0.2.10");
    CHECK(perform(table, std::move(other), mail).status == 200);
}

TEST_CASE("a profile is given to who has the link, and not kept")
{
    auto const table = discovery_alone();
    int taken = 0;
    scripted_link mail{[&](std::string const& command, json::object const& a, std::string_view) -> control::outcome {
        if (command != "profile take") return json::value{};
        ++taken;
        if (a.at("token").as_string() != "0123abcd")
            return control::failure{control::failure::kind::usage, "this link was opened before", {}};
        return json::value{{"address", "anna@example.test"}, {"profile", base64_encode("signed")}};
    }};
    auto const take = [&](std::string_view target) {
        return perform(table, question(target, http::method::post), mail);
    };
    // A GET is the help centre's to answer, with a page that takes nothing.
    CHECK(perform(table, question("/profile/0123abcd"), mail).status == 405);
    CHECK(taken == 0);
    auto const r = take("/profile/0123abcd");
    CHECK(r.status == 200);
    CHECK(r.body == "signed");
    CHECK(r.holds_secret);
    CHECK(http::find(r.fields, "content-type") == "application/x-apple-aspen-config");
    CHECK(http::find(r.fields, "cache-control") == "no-store");
    CHECK(taken == 1);
    CHECK(take("/profile/another").status == 400);
}
