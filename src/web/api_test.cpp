#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "web/api_call.hpp"
#include "web/api_fixture.hpp"
#include "web/assets.hpp"

namespace postern::web {
namespace {

using namespace testing;

/// A path of the table with something in its places.
std::string filled(std::string_view path)
{
    std::string out = "/api/v1";
    for (std::size_t at = 0; at < path.size(); ++at) {
        if (path[at] != '{') {
            out += path[at];
            continue;
        }
        auto const end = path.find('}', at);
        out += path.substr(at + 1, end - at - 1) == "id" ? "7" : "x@example.com";
        at = end;
    }
    return out;
}

json::value value_for(api::field const& f)
{
    switch (f.type) {
        case api::type::text: return "x";
        case api::type::flag: return true;
        case api::type::number: return 5;
        case api::type::texts:
        case api::type::list: break;
    }
    return json::array{"x"};
}

json::object body_for(api::row const& r)
{
    json::object o;
    for (auto const& f : r.body) o[f.name] = value_for(f);
    return o;
}

std::string text_of_body(api::row const& r) { return r.body.empty() ? std::string{} : json::serialize(body_for(r)); }

bool changes(api::row const& r) { return r.method != method::get; }

TEST_CASE("the description and the table name the same routes, roles and values")
{
    auto const doc = json::parse(embedded::api_description().front().plain);
    std::set<std::string> described, answered;
    for (auto const& [path, methods] : doc.at("paths").as_object())
        for (auto const& [verb, what] : methods.as_object()) {
            std::string upper{verb};
            std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) { return static_cast<char>(c - 32); });
            described.insert(upper + ' ' + std::string{path});
        }
    for (auto const& r : table().routes()) answered.insert(std::string{name_of(r.method)} + ' ' + r.pattern);
    CHECK(described == answered);

    auto const resolve = [&](json::value const& v) -> json::value const& {
        auto const* const to = v.is_object() ? v.as_object().if_contains("$ref") : nullptr;
        if (!to) return v;
        std::string const name{to->as_string()};
        return doc.at("components").at("schemas").at(name.substr(name.rfind('/') + 1));
    };
    for (auto const& r : api::rows()) {
        CAPTURE(r.path);
        std::string verb{name_of(r.method)};
        std::transform(verb.begin(), verb.end(), verb.begin(), [](char c) { return static_cast<char>(c + 32); });
        auto const& what = doc.at("paths").at("/api/v1" + std::string{r.path}).at(verb);
        CHECK(what.at("x-role").as_string() == r.role);
        // What the command may say besides, only a test with the command itself can know.
        std::set<std::string> const of_the_command{"404", "409", "422", "429"};
        std::set<std::string> answers{std::to_string(r.status), "401", "503"}, named;
        if (changes(r)) answers.insert({"400", "403", "413", "415"});
        if (!r.query.empty()) answers.insert("400");
        if (r.role != "account") answers.insert("403");
        if (r.fault == api::fault::not_there) answers.insert("404");
        if (r.any_of_body) answers.insert("422");
        for (auto const& [status, answer] : what.at("responses").as_object()) {
            named.insert(std::string{status});
            if (of_the_command.contains(std::string{status})) answers.insert(std::string{status});
        }
        CHECK(named == answers);
        std::set<std::string> in_query, in_body;
        if (auto const* const parameters = what.as_object().if_contains("parameters"))
            for (auto const& p : parameters->as_array())
                if (auto const* const in = p.as_object().if_contains("in"); in && *in == "query")
                    in_query.insert(std::string{p.at("name").as_string()});
        std::set<std::string> query, body, required, needed;
        for (auto const& f : r.query) query.insert(std::string{f.name});
        CHECK(in_query == query);
        for (auto const& f : r.body) {
            body.insert(std::string{f.name});
            if (f.required) required.insert(std::string{f.name});
        }
        if (auto const* const given = what.as_object().if_contains("requestBody")) {
            auto const& schema = resolve(given->at("content").at("application/json").at("schema"));
            for (auto const& [name, type] : schema.at("properties").as_object()) in_body.insert(std::string{name});
            if (auto const* const names = schema.as_object().if_contains("required"))
                for (auto const& n : names->as_array()) needed.insert(std::string{n.as_string()});
            CHECK(schema.at("additionalProperties") == false);
        }
        CHECK(in_body == body);
        CHECK(needed == required);
        if (!r.wrap.empty()) {
            auto const& schema = what.at("responses").at("200").at("content").at("application/json").at("schema");
            CHECK(schema.at("properties").as_object().contains(r.wrap));
        }
    }
}

TEST_CASE("each route asks its command, with the token and what the request says")
{
    for (auto const& r : api::rows()) {
        CAPTURE(r.path);
        CAPTURE(r.command);
        mail_process server{r.wrap.empty() ? json::value(json::object{{"k", "v"}}) : json::value(json::array{1})};
        auto target = filled(r.path);
        char sign = '?';
        for (auto const& f : r.query) {
            target += sign + std::string{f.name} + "=5";
            sign = '&';
        }
        auto const answer = perform(table(), request_for(r.method, target, text_of_body(r), with_json()), server);
        CHECK(answer.status == r.status);
        REQUIRE(server.questions.size() == 1);
        auto const& q = server.questions[0];
        CHECK(q.command == r.command);
        CHECK(q.session == token);
        for (auto const& f : r.query) CHECK(q.arguments.contains(f.name));
        for (auto const& f : r.body) CHECK(q.arguments.contains(f.name) == (r.when_off.empty() || f.name != "on"));
        CHECK(q.arguments.contains("address") ==
              ((r.path.find("{address}") != std::string_view::npos) || (r.path == "/accounts" && changes(r))));
        CHECK(http::find(answer.fields, "cache-control") == (r.status == 204 ? "" : "no-store"));
        CHECK(answer.holds_secret == r.secret_answer);
        if (r.status == 204) {
            CHECK(answer.body.empty());
        } else if (r.wrap.empty()) {
            CHECK(parsed(answer) == json::value(json::object{{"k", "v"}}));
        } else {
            CHECK(parsed(answer).at(r.wrap) == json::value(json::array{1}));
        }
    }
}

TEST_CASE("whoever shows no token is asked to sign in, and nothing reaches the mail process")
{
    for (auto const& r : api::rows()) {
        CAPTURE(r.path);
        mail_process server;
        auto const answer =
            perform(table(), request_for(r.method, filled(r.path), text_of_body(r), with_json({})), server);
        CHECK(answer.status == 401);
        CHECK(rule_of(answer) == "web-signed-out");
        CHECK(server.questions.empty());
    }
}

TEST_CASE("with a cookie, what changes anything needs the CSRF token; what looks does not")
{
    for (auto const& r : api::rows()) {
        CAPTURE(r.path);
        mail_process server{r.wrap.empty() ? json::value(json::object{}) : json::value(json::array{})};
        auto const without =
            perform(table(), request_for(r.method, filled(r.path), text_of_body(r), with_cookie(false)), server);
        CHECK(without.status == (changes(r) ? 403 : r.status));
        if (changes(r)) {
            CHECK(rule_of(without) == "api-csrf");
            CHECK(server.questions.empty());
        }
        auto with = with_cookie(true);
        CHECK(perform(table(), request_for(r.method, filled(r.path), text_of_body(r), with), server).status ==
              r.status);
        with.back().second.back() = with.back().second.back() == 'x' ? 'y' : 'x';
        if (changes(r))
            CHECK(perform(table(), request_for(r.method, filled(r.path), text_of_body(r), with), server).status == 403);
    }
}

TEST_CASE("what the mail process would not do has a proper status")
{
    struct row {
        kind why;
        method how;
        char const *target, *body;
        unsigned status;
    };
    constexpr row rows[] = {
        {kind::signed_out, method::get, "/api/v1/account", "", 401},
        {kind::forbidden, method::get, "/api/v1/accounts", "", 403},
        {kind::usage, method::get, "/api/v1/accounts/nobody@example.com", "", 404},
        {kind::usage, method::post, "/api/v1/accounts", R"({"address":"x","password":"y"})", 422},
        {kind::problem, method::post, "/api/v1/guard/lift", R"({"what":"192.0.2.1"})", 409},
        {kind::put_off, method::post, "/api/v1/account/test-mail", "{}", 429},
        {kind::unavailable, method::get, "/api/v1/status", "", 503},
    };
    for (auto const& r : rows) {
        CAPTURE(r.target);
        mail_process server{control::failure{r.why, "<b>why</b>", {"line 3"}, {}}};
        auto const answer = perform(table(), request_for(r.how, r.target, r.body, with_json()), server);
        CHECK(answer.status == r.status);
        CHECK(parsed(answer).at("error").at("text") == "<b>why</b>");
        CHECK(parsed(answer).at("error").at("details").at(0) == "line 3");
        CHECK(http::find(answer.fields, "content-type") == "application/json");
        bool const waits = r.status == 429 || r.status == 503;
        CHECK(http::find(answer.fields, "retry-after").empty() != waits);
    }
    for (auto const& [rule, status] : {std::pair{control::not_there_rule, 404u}, {control::already_there_rule, 409u}}) {
        mail_process server{control::failure{kind::usage, "no", {}, std::string{rule}}};
        auto const body = R"({"address":"x","password":"y"})";
        auto const answer = perform(table(), request_for(method::post, "/api/v1/accounts", body, with_json()), server);
        CHECK(answer.status == status);
        CHECK(catalogue::find(rule_of(answer)) != nullptr);
    }
    mail_process named{control::failure{kind::forbidden, "no", {}, "auth-account-disabled"}};
    auto const answer = perform(table(), request_for(method::get, "/api/v1/account", {}, with_bearer()), named);
    CHECK(rule_of(answer) == "auth-account-disabled");
    CHECK_FALSE(parsed(answer).at("error").at("remedy").as_string().empty());
}

TEST_CASE("what a person reads comes in the language that the request asks for")
{
    mail_process server{
        json::value(json::array{json::object{{"rule", "auth-failed"}, {"meaning", "The password is wrong."}}})};
    auto const ask = [&](server_link& link, std::string language) {
        auto fields = with_bearer();
        fields.emplace_back("accept-language", std::move(language));
        return parsed(perform(table(), request_for(method::get, "/api/v1/account/logins", {}, fields), link));
    };
    CHECK(ask(server, "fr, de;q=0.8").at("logins").at(0).at("meaning") == "Das Passwort ist falsch.");
    CHECK(ask(server, "en").at("logins").at(0).at("meaning") == "The password is wrong.");
    mail_process named{control::failure{kind::forbidden, "Your account may not do that", {}, "web-not-allowed"}};
    CHECK(ask(named, "de").at("error").at("text") == "Ihr Konto darf das nicht");
    CHECK(ask(named, "de").at("error").at("remedy").as_string().starts_with("Fragen Sie"));
    mail_process free{control::failure{kind::usage, "there is no such account", {}, {}}};
    CHECK(ask(free, "de").at("error").at("text") == "dieses Konto gibt es nicht");
}

TEST_CASE("bodies are JSON objects of the form that was said, and nothing else")
{
    struct row {
        char const* body;
        char const* type;
        unsigned status;
    };
    constexpr row rows[] = {
        {R"({"label":"Phone"})", "application/json", 201},
        {R"({"label":"Phone"})", "Application/JSON ; charset=utf-8", 201},
        {R"({"label":"Phone","networks":["192.0.2.0/24"]})", "application/json", 201},
        {R"({"label":"Phone"})", "text/plain", 415},
        {R"({"label":"Phone"})", "application/x-www-form-urlencoded", 415},
        {R"({"label":"Phone"})", "", 415},
        {R"({"label":"Phone")", "application/json", 400},
        {R"(["Phone"])", "application/json", 400},
        {R"({})", "application/json", 400},
        {R"({"label":7})", "application/json", 400},
        {R"({"label":null})", "application/json", 400},
        {R"({"label":"Phone","address":"bob@example.com"})", "application/json", 400},
        {R"({"label":"Phone","networks":"192.0.2.0/24"})", "application/json", 400},
        {R"({"label":"Phone","networks":[1]})", "application/json", 400},
        {R"({"label":"Phone","networks":[[[[[[]]]]]]})", "application/json", 400},
        {"{\"label\":\"\xff\"}", "application/json", 400},
    };
    for (auto const& r : rows) {
        CAPTURE(r.body);
        CAPTURE(r.type);
        mail_process server;
        auto fields = with_bearer();
        fields.emplace_back("content-type", r.type);
        auto const answer =
            perform(table(), request_for(method::post, "/api/v1/account/devices", r.body, fields), server);
        CHECK(answer.status == r.status);
        CHECK(server.questions.size() == (r.status == 201 ? 1 : 0));
    }
    mail_process server;
    auto const long_label = R"({"label":")" + std::string(201, 'x') + "\"}";
    CHECK(perform(table(), request_for(method::post, "/api/v1/account/devices", long_label, with_json()), server)
              .status == 400);
    CHECK(perform(table(), request_for(method::post, "/api/v1/queue/retry", "{}", with_json()), server).status == 422);
    CHECK(perform(table(), request_for(method::get, "/api/v1/sessions?limit=1001", {}, with_bearer()), server).status ==
          400);
    CHECK(perform(table(), request_for(method::get, "/api/v1/sessions?limit=-1", {}, with_bearer()), server).status ==
          400);
    CHECK(
        perform(table(), request_for(method::remove, "/api/v1/account/devices/x", {}, with_bearer()), server).status ==
        404);
    CHECK(server.questions.empty());
}

TEST_CASE("a switch chooses its command")
{
    for (bool const on : {true, false}) {
        mail_process server;
        auto const body = json::serialize(json::object{{"on", on}});
        perform(table(), request_for(method::put, "/api/v1/accounts/x@example.com/enabled", body, with_json()), server);
        REQUIRE(server.questions.size() == 1);
        CHECK(server.questions[0].command == (on ? "account enable" : "account disable"));
    }
}

TEST_CASE("the description is served to anybody")
{
    mail_process server;
    auto const answer = perform(table(), request_for(method::get, "/api/v1/openapi.json", {}), server);
    CHECK(answer.status == 200);
    CHECK(parsed(answer).at("openapi") == "3.1.0");
}

}  // namespace
}  // namespace postern::web
