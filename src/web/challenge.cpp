#include "web/challenge.hpp"

#include "web/problem.hpp"

namespace postern::web {
namespace {

net::awaitable<http::response> show_proof(call const& c)
{
    boost::json::object arguments;
    arguments["token"] = c["token"];
    auto const told = co_await c.server.ask("acme challenge", std::move(arguments), {}, c.request.client);
    if (!told) {
        bool const away = told.error().why == control::failure::kind::unavailable;
        co_return answer_for(away ? rules::web_server_away : rules::web_not_found, c.request);
    }
    auto const* proof = told->is_object() ? told->as_object().if_contains("key_authorization") : nullptr;
    if (!proof || !proof->is_string()) co_return answer_for(rules::web_not_found, c.request);
    co_return http::answer(200, "application/octet-stream", std::string{proof->as_string()});
}

}  // namespace

void add_challenge(router& table)
{
    table.add(http::method::get, "/.well-known/acme-challenge/{token}", show_proof, {.without_tls = true});
}

}  // namespace postern::web
