// For the unit tests of the API: its table, requests of people who are signed in, and a mail process whose answers are set.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>

#include "visits/token.hpp"
#include "web/api.hpp"
#include "web/fixture.hpp"

namespace postern::web::testing {

namespace json = boost::json;
using http::method;
using kind = control::failure::kind;

inline router const& table()
{
    static router const one = [] {
        router t;
        add_api(t);
        return t;
    }();
    return one;
}

inline constexpr std::string_view token = "a-token-of-a-session";

inline http::fields with_bearer() { return {{"authorization", "Bearer " + std::string{token}}}; }
inline http::fields with_json(http::fields f = with_bearer())
{
    f.emplace_back("content-type", "application/json");
    return f;
}
inline http::fields with_cookie(bool csrf)
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

inline json::value parsed(http::response const& r) { return json::parse(r.body); }
inline std::string rule_of(http::response const& r)
{
    return std::string{parsed(r).at("error").at("rule").as_string()};
}

inline control::outcome visit_opened(std::string_view with_token)
{
    return json::value(json::object{{"session", with_token},
                                    {"csrf", "c"},
                                    {"account", "ann@example.com"},
                                    {"login", "ann"},
                                    {"role", "none"},
                                    {"id", "i"}});
}

}  // namespace postern::web::testing
