// For the unit tests of handlers: requests by hand, the mail process as a function.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "web/dispatch.hpp"

namespace postern::web {

/// Answers with what the function gives. `session`: the token that was shown.
class scripted_link final : public server_link {
public:
    using script = std::function<control::outcome(std::string const& command, boost::json::object const& arguments,
                                                  std::string_view session)>;
    explicit scripted_link(script s) : script_(std::move(s)) {}

    net::awaitable<control::outcome> ask(std::string command, boost::json::object arguments, std::string_view session,
                                         ip_address) override
    {
        co_return script_(command, arguments, session);
    }

private:
    script script_;
};

/// A request for "/path?query".
inline http::request request_for(http::method m, std::string_view target, std::string_view body = {},
                                 http::fields fields = {})
{
    http::request r;
    r.method = m;
    r.host = "mail.example.com";
    r.path = target.substr(0, target.find('?'));
    if (r.path.size() < target.size()) r.query = target.substr(r.path.size() + 1);
    r.body = secret{body};
    r.fields = std::move(fields);
    return r;
}

/// What the table answers.
inline http::response perform(router const& table, http::request r, server_link& server)
{
    boost::asio::io_context context;
    auto const to = table.find(r.method, r.path);
    call c{std::move(r), server};
    std::optional<http::response> out;
    boost::asio::co_spawn(context, answer(to, c), [&](std::exception_ptr failed, http::response got) {
        if (failed) std::rethrow_exception(failed);
        out = std::move(got);
    });
    context.run();
    return std::move(*out);
}

}  // namespace postern::web
