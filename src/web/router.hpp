// Who answers what: from the method and the path of a request to its handler. A table that is made once, at the start
// (web/site.cpp), and then only read. It knows no sockets: what was not asked for properly has not come this far.
//
//     table.add(http::method::get, "/why/{id}", show_refusal);             // a function of the request alone
//     table.add(http::method::post, "/api/v1/session", sign_in, {.body = 4096});   // a coroutine, which may ask
//     table.add_stream("/api/v1/events", follow_events);                    // goes on until one end has enough
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "http/message.hpp"
#include "net/stream.hpp"
#include "web/server_link.hpp"

namespace postern::web {

/// One request on its way. It stays where it is until the handler has ended, so a coroutine may take it by reference.
struct call {
    call(http::request r, server_link& s) : request(std::move(r)), server(s) {}

    http::request request;
    /// What stands in the path at `{name}`; not empty, decoded. Empty: the pattern has no such name.
    std::string_view operator[](std::string_view name) const noexcept;

    server_link& server;
    std::vector<std::pair<std::string, std::string>> parts{};
};

/// Where the events of a stream go: what is written is sent at once.
class event_sink {
public:
    virtual ~event_sink() = default;
    /// The status and the fields; once, before the first write(). Its body is sent too.
    virtual net::awaitable<bool> begin(http::response head) = 0;
    /// False: the client has gone, or is too slow; the handler ends then. `octets` stay valid until it returns.
    virtual net::awaitable<bool> write(std::string_view octets) = 0;
    /// False: the client has gone meanwhile, or the process ends.
    virtual net::awaitable<bool> pause(std::chrono::milliseconds time) = 0;
};

using plain_handler = std::function<http::response(call const&)>;
/// Name what it awaits with first (docs: "Compilers" in architecture.md); no capturing lambda coroutines.
using asking_handler = std::function<net::awaitable<http::response>(call const&)>;
using stream_handler = std::function<net::awaitable<void>(call const&, event_sink&)>;

struct route_options {
    std::size_t body = 64u << 10;  // the longest that is taken; more gets a 413
    bool any_case = false;         // letters of the path, not of what stands at `{name}`
    bool without_tls = false;      // answered at plain HTTP too; all else leads to HTTPS from there
};

struct route {
    http::method method;
    std::string pattern;
    std::variant<plain_handler, asking_handler, stream_handler> handler;
    route_options options;
};

class router {
public:
    /// Patterns begin with '/'. `{name}` is one segment; `{name...}`, the last one, is all that follows. A segment of
    /// the pattern that is no name goes before one that is. A route for GET answers HEAD as well. A slash at the end
    /// means nothing. Adding the same twice is a bug.
    void add(http::method m, std::string pattern, plain_handler h, route_options o = {});
    void add(http::method m, std::string pattern, asking_handler h, route_options o = {});
    void add_stream(std::string pattern, stream_handler h, route_options o = {});

    struct found {
        route const* to = nullptr;  // null: nobody answers this
        std::vector<std::pair<std::string, std::string>> parts{};
        std::string allowed{};  // no route but for other methods: which, as the Allow field wants them
    };
    /// `path` as in http::request.
    found find(http::method m, std::string_view path) const;

    /// For those who hold a description against it.
    std::vector<route> const& routes() const noexcept { return routes_; }

private:
    void put(route r);
    std::vector<route> routes_;
};

/// "GET"; empty for `other`.
std::string_view name_of(http::method m) noexcept;

}  // namespace postern::web
