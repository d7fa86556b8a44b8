// The JSON API below /api/v1: a table of rows, each a command of the mail process with what it takes from a request and
// how its answer looks. src/web/openapi.json describes it for others; a test holds the two against each other. Who may
// do what is decided by the mail process; here it is only seen to that a request is one.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "web/router.hpp"

namespace postern::web {

void add_api(router& table);

namespace api {

enum class type : std::uint8_t { text, flag, number, texts, list };  // list: names with commas between them, in a query

/// Something that a request may carry, and the argument of the command that it becomes.
struct field {
    std::string_view name;
    api::type type = type::text;
    bool required = false;
    std::uint64_t most = 1024;  // octets, or the largest number
};

/// What it means that the command finds fault with its arguments, when they have the right form.
enum class fault : std::uint8_t { unacceptable, not_there };

struct row {
    http::method method;
    std::string_view path;  // behind /api/v1
    std::string_view role;  // the least that it takes: "account", "reader", "operator", "owner"
    std::string_view command;
    std::span<field const> query{};
    std::span<field const> body{};
    std::string_view wrap{};  // the key under which a list is given; empty: the answer is an object
    unsigned status = 200;    // 204: the answer is left out
    api::fault fault = fault::unacceptable;
    std::string_view when_off{};  // the command for {"on": false}; `command` is for true, and neither gets the flag
    bool number_in_path = false;  // {id} is one
    bool any_of_body = false;     // at least one of its fields has to be there
    bool secret_answer = false;
};

std::span<row const> rows();

}  // namespace api
}  // namespace postern::web
