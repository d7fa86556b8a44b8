// What goes over the control socket and over the web socket: a request and its response, each one
// line of JSON that ends in LF. The control socket takes one request a connection, the web socket any number,
// one after another; there the request says who asks.
//
//     {"command":"account show","arguments":{"address":"ann@example.com"},"terminal":"pts/3"}
//     {"command":"account show","arguments":{},"client":"192.0.2.7","session":"TOKEN"}
//     {"ok":true,"value":{...}}
//     {"ok":false,"kind":"usage","text":"...","details":["line 3: ..."],"rule":"web-not-allowed"}
//
// `terminal`, `session`, `details` and `rule` may be absent. Both ends are ours, and the sockets are open to few;
// the parsers are bounded and strict all the same.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace postern::control {

/// Why a command did not do what was asked.
struct failure {
    enum class kind {
        usage,        // the call was wrong: unknown account, bad address (exit 2)
        problem,      // what was asked found a problem (exit 1)
        unavailable,  // a file, a database, the server (exit 2)
        // By way of the web pages only:
        signed_out,  // that needs somebody who is signed in
        forbidden,   // whoever is signed in may not
        put_off,     // the guard did not let it be looked at
    };
    failure::kind why = kind::unavailable;
    std::string text;                  // one line that says what is wrong and what to do
    std::vector<std::string> details;  // further lines
    std::string rule{};                // of the catalogue, where one says more
};
/// `rule` of what was asked for and is not there, and of what is there already: the web pages tell the two apart.
inline constexpr std::string_view not_there_rule = "not-there", already_there_rule = "already-there";
using outcome = basic_result<boost::json::value, failure>;

struct request {
    std::string command;
    boost::json::object arguments;  // in wiping memory: may hold a password
    std::string terminal{};         // where the person sits, as the program says that asks
    std::string client{};           // web socket: the browser's address
    secret session{};               // web socket: the token; empty: nobody is signed in
};

/// A file of accounts to import is the longest request.
inline constexpr std::size_t longest_request = 32u << 20;
inline constexpr std::size_t longest_response = 256u << 20;
/// Over the web socket, where requests come from people's forms.
inline constexpr std::size_t longest_web_request = 256u << 10;
/// A sign-in that was refused is told of within that time, however slow the guard wants it: browsers wait no longer.
inline constexpr std::chrono::seconds longest_sign_in{22};

/// With the line's end. Wiped when the secret goes.
secret print_request(std::string_view command, boost::json::object const& arguments, std::string_view terminal = {});
/// Without the line's end. Nothing when it isn't exactly a request.
std::optional<request> parse_request(std::string_view line);
/// The same for the web socket: `client` is there.
secret print_web_request(request const& r);
std::optional<request> parse_web_request(std::string_view line);

/// Wiped too: an app password is shown in it.
secret print_response(outcome const& o);
/// What isn't a response is a failure too. The value is in wiping memory.
outcome parse_response(std::string_view line);

}  // namespace postern::control
