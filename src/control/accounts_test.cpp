// The commands around app passwords and basic passwords, and `account test`.
#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

#include "control/fixture.hpp"
#include "guard/keeper.hpp"

using namespace postern;
using namespace postern::control;
using namespace postern::control::testing;
namespace json = boost::json;

namespace {

constexpr char const* ann = "ann@configured.example";

json::object about(json::object more = {})
{
    more["address"] = ann;
    return more;
}

void add_ann(world& w) { w.must("account add", about({{"password", "correct horse"}})); }

/// The findings of a test with this state, as "check: text".
std::string findings(json::value const& answer, std::string_view state)
{
    std::string all;
    for (auto const& f : answer.at("findings").as_array())
        if (f.at("state").as_string() == state)
            all += std::string{f.at("check").as_string()} + ": " + std::string{f.at("text").as_string()} + '\n';
    return all;
}

}  // namespace

TEST_CASE("an app password is made, listed without its text, and revoked")
{
    world w;
    add_ann(w);
    auto const made = w.must("account app-password add", about({{"label", "phone"},
                                                                {"networks", {"192.0.2.0/24"}},
                                                                {"senders", {"Ann@configured.example"}},
                                                                {"recipients", {"@example.com"}},
                                                                {"expires", "90d"}}));
    std::string const text{made.at("password").as_string()};
    CHECK(text.size() == 19);  // four groups of four
    CHECK(made.at("id").as_int64() == 1);
    auto const listed = w.must("account app-password list", about());
    CHECK(json::serialize(listed).find(text) == std::string::npos);
    auto const& one = listed.at(0);
    CHECK(one.at("label").as_string() == "phone");
    CHECK(one.at("state").as_string() == "works");
    CHECK(json::serialize(one.at("networks")) == R"(["192.0.2.0/24"])");
    CHECK(json::serialize(one.at("senders")) == R"(["ann@configured.example"])");
    CHECK(json::serialize(one.at("recipients")) == R"(["@example.com"])");
    CHECK(one.at("expires").is_string());
    CHECK(one.at("last_used").is_null());
    CHECK(w.must("account show", about()).at("app_passwords").as_int64() == 1);
    w.must("account app-password revoke", about({{"id", 1}}));
    CHECK(w.must("account app-password list", about()).at(0).at("state").as_string() == "revoked");
    CHECK(w.must("account show", about()).at("app_passwords").as_int64() == 0);

    struct {
        json::object given;
        std::string_view says;
    } const wrong[] = {
        {{}, "label is missing"},
        {{{"label", "x"}, {"expires", "soon"}}, "neither a date"},
        {{{"label", "x"}, {"networks", {"here"}}}, "is not a network"},
        {{{"label", "x"}, {"networks", "192.0.2.1"}}, "must be a list"},
        {{{"label", "x"}, {"senders", {"a b"}}}, "neither an address"},
    };
    for (auto const& row : wrong) {
        auto const done = w.run("account app-password add", about(row.given));
        REQUIRE_FALSE(done);
        CHECK(done.error().text.find(row.says) != std::string::npos);
    }
    CHECK_FALSE(w.run("account app-password revoke", about({{"id", 1}})));
    CHECK_FALSE(w.run("account app-password revoke", about()));
}

TEST_CASE("account show says whether basic passwords are on, who said so and since when")
{
    world w;
    add_ann(w);
    auto const shown = [&] { return w.must("account show", about()).at("basic_passwords"); };
    CHECK(json::serialize(shown()) == R"({"allowed":true,"set_for":null,"by":null,"since":null})");
    w.must("domain basic-passwords", {{"domain", "configured.example"}, {"state", "off"}});
    CHECK_FALSE(shown().at("allowed").as_bool());
    CHECK(shown().at("set_for").as_string() == "domain");
    CHECK(shown().at("since").is_string());
    CHECK_FALSE(w.must("domain list").at(0).at("basic_passwords").at("allowed").as_bool());
    w.must("account basic-passwords", about({{"state", "on"}}));
    CHECK(shown().at("allowed").as_bool());
    CHECK(shown().at("set_for").as_string() == "account");
    CHECK(shown().at("by").as_string() == "operator");
    w.must("account basic-passwords", about({{"state", "inherit"}}));
    w.must("domain basic-passwords", {{"domain", "configured.example"}, {"state", "inherit"}});
    CHECK(shown().at("set_for").is_null());
    CHECK_FALSE(w.run("account basic-passwords", about({{"state", "maybe"}})));
    CHECK_FALSE(w.run("domain basic-passwords", {{"domain", "no domain"}, {"state", "on"}}));
}

TEST_CASE("a test of an account says what stands in the way of a log-in")
{
    world w;
    add_ann(w);
    w.settings->auth.mechanisms = {"SCRAM-SHA-256", "CRAM-MD5", "PLAIN"};
    auto answer = w.must("account test", about());
    CHECK(answer.at("works").as_bool());
    CHECK(findings(answer, "obstacle").empty());
    CHECK(findings(answer, "ok").find("On :587: SCRAM-SHA-256, PLAIN.") != std::string::npos);

    struct {
        char const* command;
        json::object change;
        json::object question;
        std::string_view obstacle;
        json::object undo;
    } const rows[] = {
        {"account smtp-auth", {{"on", false}}, {}, "smtp auth: SMTP AUTH is off", {{"on", true}}},
        {"account basic-passwords", {{"state", "off"}}, {}, "no app password that works", {{"state", "on"}}},
        {"account smtp-auth", {{"on", true}}, {{"mechanism", "cram-md5"}}, "CRAM-MD5 can't work", {{"on", true}}},
        {"account smtp-auth", {{"on", true}}, {{"mechanism", "LOGIN"}}, "LOGIN is not offered", {{"on", true}}},
        {"account smtp-auth", {{"on", true}}, {{"password", "guess"}}, "password is wrong", {{"on", true}}},
        {"account smtp-auth", {{"on", false}}, {{"password", "correct horse"}}, "SMTP AUTH is off", {{"on", true}}},
    };
    for (auto const& row : rows) {
        CAPTURE(row.obstacle);
        w.must(row.command, about(row.change));
        answer = w.must("account test", about(row.question));
        CHECK_FALSE(answer.at("works").as_bool());
        CHECK(findings(answer, "obstacle").find(row.obstacle) != std::string::npos);
        for (auto const& f : answer.at("findings").as_array())
            if (f.at("state").as_string() != "ok") CHECK_FALSE(f.at("remedy").as_string().empty());
        w.must(row.command, about(row.undo));
    }
    w.must("account disable", about());
    CHECK(findings(w.must("account test", about()), "obstacle").starts_with("account: "));
    w.must("account enable", about());
    CHECK(w.must("account test", about({{"password", "correct horse"}})).at("works").as_bool());

    answer = w.must("account test", {{"address", "nobody@configured.example"}});
    CHECK_FALSE(answer.at("works").as_bool());
    CHECK(findings(answer, "obstacle").find("There is no account") != std::string::npos);

    CHECK_FALSE(w.run("account test", about({{"client", "here"}})));
    CHECK_FALSE(w.run("account test", about({{"listener", "9"}})));
    CHECK_FALSE(w.run("account test", about({{"mechanism", "MAGIC"}})));
    CHECK_FALSE(w.run("account test", {{"address", "ann"}}));
    CHECK(w.run("account test", about({{"listener", "587"}})));
}

TEST_CASE("a test of an account knows its app passwords, its domain and the guard")
{
    world w;
    guard::keeper keeper{steady_clock::now()};
    w.context.guard = &keeper;
    add_ann(w);
    auto const made = w.must("account app-password add",
                             about({{"label", "phone"}, {"expires", "2d"}, {"networks", {"192.0.2.0/24"}}}));
    w.must("account basic-passwords", about({{"state", "off"}}));
    auto answer = w.must("account test", about({{"client", "198.51.100.1"}, {"password", made.at("password")}}));
    CHECK_FALSE(answer.at("works").as_bool());
    CHECK(findings(answer, "obstacle").find("may not be used from 198.51.100.1") != std::string::npos);
    CHECK(findings(answer, "warning").find("expires on") != std::string::npos);
    answer = w.must("account test", about({{"client", "192.0.2.1"}, {"password", made.at("password")}}));
    CHECK(answer.at("works").as_bool());
    CHECK(w.must("account app-password list", about()).at(0).at("last_used").is_null());
    answer = w.must("account test", about({{"password", "correct horse"}}));
    CHECK(findings(answer, "obstacle").find("an app password is needed") != std::string::npos);

    w.settings->guard.deny = {*network::parse("192.0.2.0/24")};
    answer = w.must("account test", about({{"client", "192.0.2.1"}}));
    CHECK(findings(answer, "obstacle").starts_with("guard: "));

    w.must("account add", {{"address", "far@elsewhere.example"}, {"password", "correct horse"}});
    answer = w.must("account test", {{"address", "far@elsewhere.example"}});
    CHECK(answer.at("works").as_bool());
    CHECK(findings(answer, "warning").find("is not a local domain") != std::string::npos);
}
