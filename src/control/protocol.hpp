// What goes over the control socket: one request and one response a connection, each
// one line of JSON that ends in LF.
//
//     {"command":"account show","arguments":{"address":"ann@example.com"}}
//     {"ok":true,"value":{...}}
//     {"ok":false,"kind":"usage","text":"...","details":["line 3: ..."]}
//
// Both ends are ours, and only the service's own user and root can open the socket;
// the parsers are bounded and strict all the same.
#pragma once

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
    };
    failure::kind why = kind::unavailable;
    std::string text;                  // one line that says what is wrong and what to do
    std::vector<std::string> details;  // further lines
};
using outcome = basic_result<boost::json::value, failure>;

struct request {
    std::string command;
    boost::json::object arguments;  // in wiping memory: may hold a password
};

/// A file of accounts to import is the longest request.
inline constexpr std::size_t longest_request = 32u << 20;
inline constexpr std::size_t longest_response = 256u << 20;

/// With the line's end. Wiped when the secret goes.
secret print_request(std::string_view command, boost::json::object const& arguments);
/// Without the line's end. Nothing when it isn't exactly a request.
std::optional<request> parse_request(std::string_view line);

/// Wiped too: an app password is shown in it.
secret print_response(outcome const& o);
/// What isn't a response is a failure too. The value is in wiping memory.
outcome parse_response(std::string_view line);

}  // namespace postern::control
