#include "control/protocol.hpp"

#include <string>

#include <doctest/doctest.h>
#include <boost/json/parse.hpp>

#include "control/arguments.hpp"
#include "control/json_memory.hpp"

using namespace postern;
using namespace postern::control;
namespace json = boost::json;

namespace {

std::string_view without_end(std::string_view line)
{
    REQUIRE(line.ends_with('\n'));
    line.remove_suffix(1);
    // Else a reader would take it for several.
    REQUIRE(line.find('\n') == std::string_view::npos);
    return line;
}

}  // namespace

TEST_CASE("a request arrives as it was sent")
{
    json::object given{wiping_storage()};
    given["address"] = "ann@example.com";
    given["password"] = "line\nend \"quoted\" \\ p\xc3\xa4ss";
    given["on"] = true;
    auto const sent = print_request("account add", given);
    auto const asked = parse_request(without_end(sent.reveal()));
    REQUIRE(asked);
    CHECK(asked->command == "account add");
    CHECK(asked->arguments == given);
}

TEST_CASE("what isn't exactly a request is refused")
{
    for (std::string_view bad : {
             "",
             "{",
             "[]",
             "null",
             "\"status\"",
             R"({"command":"status"})",
             R"({"arguments":{}})",
             R"({"command":1,"arguments":{}})",
             R"({"command":"status","arguments":[]})",
             R"({"command":"status","arguments":{},"more":1})",
             R"({"command":"status","arguments":{}} x)",
             "{\"command\":\"st\xff\",\"arguments\":{}}",
             R"({"command":"status","arguments":{},})",
         }) {
        CAPTURE(bad);
        CHECK_FALSE(parse_request(bad));
    }
    CHECK(parse_request(R"({"command":"status","arguments":{}})"));
}

TEST_CASE("a request says from which terminal it comes, or nothing")
{
    auto const with = parse_request(without_end(print_request("status", {}, "pts/3").reveal()));
    REQUIRE(with);
    CHECK(with->terminal == "pts/3");
    CHECK(parse_request(R"({"command":"status","arguments":{}})")->terminal.empty());
    for (std::string_view bad : {R"({"command":"status","arguments":{},"terminal":3})",
                                 R"({"command":"status","arguments":{},"client":"192.0.2.1"})",
                                 R"({"command":"status","arguments":{},"session":"x"})"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_request(bad));
    }
    CHECK_FALSE(parse_request(R"({"command":"status","arguments":{},"terminal":")" + std::string(300, 'x') + "\"}"));
}

TEST_CASE("a request over the web socket says which client it is for")
{
    request r;
    r.command = "account show";
    r.arguments["a"] = 1;
    r.client = "192.0.2.1";
    r.session = secret{"token"};
    auto const read = parse_web_request(without_end(print_web_request(r).reveal()));
    REQUIRE(read);
    CHECK(read->command == "account show");
    CHECK(read->arguments.at("a") == 1);
    CHECK(read->client == "192.0.2.1");
    CHECK(read->session.reveal() == "token");
    CHECK(parse_web_request(R"({"command":"x","arguments":{},"client":"192.0.2.1"})"));
    for (std::string_view bad : {R"({"command":"x","arguments":{}})", R"({"command":"x","arguments":{},"client":""})",
                                 R"({"command":"x","arguments":{},"client":7})",
                                 R"({"command":"x","arguments":{},"client":"192.0.2.1","session":7})",
                                 R"({"command":"x","arguments":{},"client":"192.0.2.1","terminal":"pts/3"})",
                                 R"({"command":"x","arguments":[],"client":"192.0.2.1"})"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_web_request(bad));
    }
    std::string long_one = R"({"command":"x","arguments":{},"client":"192.0.2.1"})";
    long_one.append(longest_web_request, ' ');
    CHECK_FALSE(parse_web_request(long_one));
}

TEST_CASE("a request may not be nested without end")
{
    auto const nested = [](std::size_t depth) {
        return R"({"command":"x","arguments":{"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}}";
    };
    CHECK(parse_request(nested(10)));
    CHECK_FALSE(parse_request(nested(100)));
    CHECK_FALSE(parse_request(nested(1'000'000)));
}

TEST_CASE("a request longer than the limit is refused before it is read")
{
    std::string line = R"({"command":"x","arguments":{}})";
    line.append(longest_request, ' ');
    CHECK_FALSE(parse_request(line));
}

TEST_CASE("a value arrives as it was answered")
{
    json::object value{{"a", 1}, {"b", json::array{"x", nullptr, true}}};
    auto const line = print_response(outcome{json::value(value)});
    auto const answer = parse_response(without_end(line.reveal()));
    REQUIRE(answer);
    CHECK(*answer == json::value(value));
}

TEST_CASE("a failure arrives as it was answered")
{
    for (auto kind : {failure::kind::usage, failure::kind::problem, failure::kind::unavailable,
                      failure::kind::signed_out, failure::kind::forbidden, failure::kind::put_off}) {
        auto const line =
            print_response(outcome{failure{kind, "two\nlines", {"line 3: no colon", "line 9: \t"}, "a-rule"}});
        auto const answer = parse_response(without_end(line.reveal()));
        REQUIRE_FALSE(answer);
        CHECK(answer.error().why == kind);
        CHECK(answer.error().text == "two\nlines");
        CHECK(answer.error().rule == "a-rule");
        CHECK(answer.error().details == std::vector<std::string>{"line 3: no colon", "line 9: \t"});
    }
}

TEST_CASE("an answer that makes no sense is a failure, not a value")
{
    for (std::string_view bad : {"", "[]", "{}", R"({"ok":1})", R"({"ok":true})", R"({"ok":false})", "{\"ok\":true,"}) {
        CAPTURE(bad);
        auto const answer = parse_response(bad);
        REQUIRE_FALSE(answer);
        CHECK(answer.error().why == failure::kind::unavailable);
    }
}

TEST_CASE("the first thing wrong with arguments is told")
{
    auto const given = json::parse(R"({"address":"ann@example.com","n":-1,"s":7,"long":"abcdef"})").as_object();
    SUBCASE("missing")
    {
        arguments a{given};
        a.text("alias");
        a.optional_number("n", 10);
        CHECK(a.problem()->text == "alias is missing");
    }
    SUBCASE("a negative number")
    {
        arguments a{given};
        a.optional_number("n", 10);
        CHECK(a.problem()->text == "n must be a number");
    }
    SUBCASE("a number over its limit")
    {
        arguments a{given};
        a.optional_number("s", 6);
        CHECK(a.problem()->text == "s must be at most 6");
    }
    SUBCASE("a number where text belongs")
    {
        arguments a{given};
        a.text("s");
        CHECK(a.problem()->text == "s must be text");
    }
    SUBCASE("text over its limit")
    {
        arguments a{given};
        a.text("long", 5);
        CHECK(a.problem()->text == "long is too long");
    }
    SUBCASE("arguments that nobody asked for")
    {
        arguments a{given};
        a.text("address");
        CHECK(a.problem()->text == "there are arguments that this command does not know");
    }
    SUBCASE("nothing wrong")
    {
        auto const fine = json::parse(R"({"address":"ann@example.com"})").as_object();
        arguments a{fine};
        CHECK(a.mailbox("address").key() == "ann@example.com");
        CHECK_FALSE(a.problem());
    }
    SUBCASE("an address that is none")
    {
        auto const bad = json::parse(R"({"address":"ann@@example.com\u001b"})").as_object();
        arguments a{bad};
        a.mailbox("address");
        REQUIRE(a.problem());
        // Foreign text never reaches the terminal raw.
        CHECK(a.problem()->text.find('\x1b') == std::string::npos);
    }
    SUBCASE("an empty password")
    {
        auto const bad = json::parse(R"({"password":""})").as_object();
        arguments a{bad};
        CHECK(a.secret(secrets::password).empty());
        CHECK(a.problem()->text == "the password is empty");
    }
}
