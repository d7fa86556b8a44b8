#include "web/wording.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include "catalogue/verdict.hpp"
#include "help/wording.hpp"

namespace postern::web {
namespace {

namespace json = boost::json;
namespace rules = catalogue::rules;

json::value in_german(json::value v)
{
    put_into_language(v, "de");
    return v;
}

}  // namespace

TEST_CASE("a row's texts and the sentences beside them are put into the reader's language, wherever they stand")
{
    auto const& why = rules::auth_failed;
    auto const german = help::wording_of(why, "de");
    json::value const logins =
        json::array{json::object{{"rule", why.name},
                                 {"meaning", "The password is wrong."},
                                 {"remedy", why.user},
                                 {"hello", why.user},
                                 {"device", {{"name", "Outlook or a scanner"}, {"probably", true}}}},
                    json::object{{"rule", ""}, {"meaning", ""}, {"remedy", ""}}};
    CHECK(in_german(logins) ==
          json::value(json::array{json::object{{"rule", why.name},
                                               {"meaning", "Das Passwort ist falsch."},
                                               {"remedy", german.user},
                                               {"hello", why.user},
                                               {"device", {{"name", "Outlook oder ein Scanner"}, {"probably", true}}}},
                                  json::object{{"rule", ""}, {"meaning", ""}, {"remedy", ""}}}));
    // The remedies of an event are those of the rule around them.
    json::value const event{{"rule", why.name},
                            {"remedy", {{"id", why.id}, {"what", why.what}, {"operator", why.operator_remedy}}}};
    CHECK(in_german(event).at("remedy") ==
          json::value{{"id", why.id}, {"what", german.what}, {"operator", german.operator_remedy}});
}

TEST_CASE("values stay right where a text was filled with them")
{
    auto const& why = rules::acme_refused;
    std::vector<catalogue::evidence> const values{{"name", "mail.example.com"}, {"problem", "not today"}};
    json::value const failure{{"rule", why.name}, {"text", catalogue::fill(why.reply, values)}};
    CHECK(in_german(failure).at("text").as_string() ==
          catalogue::fill(help::wording_of(why, "de").reply, values).c_str());
}

TEST_CASE("replies of servers, facts of the log and names that strangers chose stay as they are")
{
    auto const v = json::parse(R"({"rule": "auth-failed", "reply": {"text": "The password is wrong."},
        "facts": {"text": "The password is wrong."}, "cause": "wrong_password"})");
    CHECK(in_german(v) == v);
    // As an account's name that somebody tried: no rule is near.
    auto const held =
        json::parse(R"({"held_against": [{"what": "there is no such account", "name": "a mail program"}]})");
    CHECK(in_german(held) == held);
}

TEST_CASE("in English nothing is touched")
{
    json::value v{{"rule", "auth-failed"}, {"meaning", "The password is wrong."}};
    auto const before = v;
    put_into_language(v, "en");
    CHECK(v == before);
}

}  // namespace postern::web
