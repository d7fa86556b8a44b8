#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "visits/token.hpp"
#include "web/api.hpp"
#include "web/api_call.hpp"
#include "web/assets.hpp"
#include "web/fixture.hpp"

namespace postern::web {
namespace {

namespace json = boost::json;
using http::method;
using kind = control::failure::kind;

router const& table()
{
    static router const one = [] {
        router t;
        add_api(t);
        return t;
    }();
    return one;
}

constexpr std::string_view token = "a-token-of-a-session";

http::fields with_bearer() { return {{"authorization", "Bearer " + std::string{token}}}; }
http::fields with_json(http::fields f = with_bearer())
{
    f.emplace_back("content-type", "application/json");
    return f;
}
http::fields with_cookie(bool csrf)
{
    http::fields f{{"cookie", "a=b; __Host-postern=" + std::string{token}}, {"content-type", "application/json"}};
    if (csrf) f.emplace_back("x-csrf-token", visits::csrf_token(token));
    return f;
}

/// What the mail process was asked.
struct asked {
    std::string command;
    json::object arguments;
    std::string session;
};

class mail_process final : public server_link {
public:
    explicit mail_process(control::outcome answer = json::value(json::object{})) : answer_(std::move(answer)) {}

    net::awaitable<control::outcome> ask(std::string command, json::object arguments, std::string_view session,
                                         ip_address) override
    {
        questions.push_back({std::move(command), std::move(arguments), std::string{session}});
        auto const at = answers.find(questions.back().command);
        co_return at == answers.end() ? answer_ : at->second;
    }

    std::vector<asked> questions;
    std::map<std::string, control::outcome> answers;

private:
    control::outcome answer_;
};

json::value parsed(http::response const& r) { return json::parse(r.body); }
std::string rule_of(http::response const& r) { return std::string{parsed(r).at("error").at("rule").as_string()}; }

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
        CHECK(perform(table(), request_for(method::post, "/api/v1/accounts", body, with_json()), server).status ==
              status);
    }
    mail_process named{control::failure{kind::forbidden, "no", {}, "auth-account-disabled"}};
    auto const answer = perform(table(), request_for(method::get, "/api/v1/account", {}, with_bearer()), named);
    CHECK(rule_of(answer) == "auth-account-disabled");
    CHECK_FALSE(parsed(answer).at("error").at("remedy").as_string().empty());
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

control::outcome visit_opened(std::string_view with_token)
{
    return json::value(json::object{{"session", with_token},
                                    {"csrf", "c"},
                                    {"account", "ann@example.com"},
                                    {"login", "ann"},
                                    {"role", "none"},
                                    {"id", "i"}});
}

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

TEST_CASE("the description is served to anybody")
{
    mail_process server;
    auto const answer = perform(table(), request_for(method::get, "/api/v1/openapi.json", {}), server);
    CHECK(answer.status == 200);
    CHECK(parsed(answer).at("openapi") == "3.1.0");
}

/// Keeps what is written; the client goes after so many pauses.
class kept_stream final : public event_sink {
public:
    explicit kept_stream(int pauses) : pauses_(pauses) {}
    net::awaitable<bool> begin(http::response r) override
    {
        head = std::move(r);
        co_return true;
    }
    net::awaitable<bool> write(std::string_view octets) override
    {
        text += octets;
        co_return true;
    }
    net::awaitable<bool> pause(std::chrono::milliseconds) override { co_return pauses_-- > 0; }

    http::response head;
    std::string text;

private:
    int pauses_;
};

void follow(std::shared_ptr<api::audience> all, std::string_view target, http::fields fields, server_link& server,
            kept_stream& out)
{
    boost::asio::io_context context;
    call c{request_for(method::get, target, {}, std::move(fields)), server};
    boost::asio::co_spawn(context, api::follow_events(std::move(all), c, out), [](std::exception_ptr failed) {
        if (failed) std::rethrow_exception(failed);
    });
    context.run();
}

TEST_CASE("events come as a stream, with their numbers, and what a stranger chose in one line")
{
    mail_process server{visit_opened("x")};
    json::object login{{"number", 8}, {"time", "t"}, {"event", "login"}, {"ehlo", "<script>\n\nevent: x"}};
    server.answers.emplace("account events",
                           json::value(json::object{{"events", json::array{login}}, {"last", 9}, {"gap", true}}));
    kept_stream out{1};
    auto fields = with_bearer();
    fields.emplace_back("last-event-id", "7");
    follow(api::make_audience(9, 9), "/api/v1/events?event=login,refused", fields, server, out);
    CHECK(out.head.status == 200);
    CHECK(http::find(out.head.fields, "content-type") == "text/event-stream");
    std::string const frame =
        "event: gap\ndata: {}\n\nid: 8\nevent: login\ndata: "
        R"({"number":8,"time":"t","event":"login","ehlo":"<script>\n\nevent: x"})"
        "\n\n";
    CHECK(out.text == frame + frame);
    REQUIRE(server.questions.size() == 3);
    CHECK(server.questions[1].arguments.at("since") == 7);
    CHECK(server.questions[1].arguments.at("event") == json::value(json::array{"login", "refused"}));
    CHECK(server.questions[2].arguments.at("since") == 9);
}

TEST_CASE("all events are another command; a stream that may not be is refused before it begins")
{
    mail_process server{visit_opened("x")};
    server.answers.emplace("events", control::failure{kind::forbidden, "no", {}, {}});
    kept_stream out{5};
    follow(api::make_audience(9, 9), "/api/v1/events?scope=all", with_bearer(), server, out);
    CHECK(out.head.status == 403);
    CHECK(out.text.empty());
    kept_stream bad{5};
    follow(api::make_audience(9, 9), "/api/v1/events?scope=everything", with_bearer(), server, bad);
    CHECK(bad.head.status == 400);
    mail_process nobody{control::failure{kind::signed_out, "no", {}, {}}};
    kept_stream unknown{5};
    follow(api::make_audience(9, 9), "/api/v1/events", {}, nobody, unknown);
    CHECK(unknown.head.status == 401);
}

TEST_CASE("there are so many streams and no more")
{
    mail_process server{visit_opened("x")};
    kept_stream out{5};
    follow(api::make_audience(0, 9), "/api/v1/events", with_bearer(), server, out);
    CHECK(out.head.status == 429);
    kept_stream own{5};
    follow(api::make_audience(9, 0), "/api/v1/events", with_bearer(), server, own);
    CHECK(own.head.status == 429);
    // Who leaves makes room.
    auto const one = api::make_audience(1, 1);
    server.answers.emplace("account events",
                           json::value(json::object{{"events", json::array{}}, {"last", 1}, {"gap", false}}));
    for (int i = 0; i < 2; ++i) {
        kept_stream again{1};
        follow(one, "/api/v1/events", with_bearer(), server, again);
        CHECK(again.head.status == 200);
    }
}

}  // namespace
}  // namespace postern::web
