#include "web/dispatch.hpp"

#include <exception>

#include "base/log.hpp"
#include "web/problem.hpp"

namespace postern::web {
namespace {

http::response nobody_answers(router::found const& to, call const& c)
{
    if (to.allowed.empty()) return answer_for(rules::web_not_found, c.request);
    // RFC 9110 section 9.3.7 and section 15.5.6.
    http::response r;
    if (c.request.method == http::method::options)
        r.status = 204;
    else
        r = answer_for(rules::web_wrong_method, c.request);
    r.fields.emplace_back("allow", to.allowed);
    return r;
}

net::awaitable<http::response> run(route const& to, call const& c)
{
    if (auto const* plain = std::get_if<plain_handler>(&to.handler)) co_return (*plain)(c);
    auto answered = co_await std::get<asking_handler>(to.handler)(c);
    co_return answered;
}

}  // namespace

net::awaitable<http::response> answer(router::found const& to, call& c)
{
    if (to.to == nullptr) co_return nobody_answers(to, c);
    c.parts = to.parts;
    std::string why;
    try {
        auto answered = co_await run(*to.to, c);
        co_return answered;
    } catch (std::exception const& e) {
        why = e.what();
    }
    log::event(log::level::error, "web_request_failed", {{"path", to.to->pattern}, {"reason", why}});
    co_return answer_for(rules::web_failed, c.request);
}

}  // namespace postern::web
