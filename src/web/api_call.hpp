// What all of the API's handlers do: who is signed in, what the body holds, and what a failure of the mail process is
// over HTTP. Included by src/web/api*.cpp only.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "web/api.hpp"
#include "web/problem.hpp"

namespace postern::web::api {

inline constexpr std::string_view cookie_name = "__Host-postern";
inline constexpr std::size_t longest_body = 64u << 10;

/// What the mail process would not do.
http::response refusal(control::failure const& f, fault what, http::request const& r);

http::response json_answer(unsigned status, boost::json::value const& v);

struct visitor {
    std::string_view token;  // in the request; empty: nobody says to be signed in
    bool by_cookie = false;
};
/// The Authorization field goes before the cookie.
visitor find_visitor(http::request const& r) noexcept;

/// What forbids that this request changes anything: nobody is signed in, or another site may have sent it.
std::optional<http::response> why_not_change(http::request const& r, visitor const& who);

/// The body as an object, in memory that is wiped, with these fields and no others; or what is wrong with it.
basic_result<boost::json::object, http::response> read_body(http::request const& r, std::span<field const> fields);
/// The same of the query; numbers are read, lists are taken apart.
std::optional<http::response> read_query(http::request const& r, std::span<field const> fields,
                                         boost::json::object& arguments);

net::awaitable<http::response> sign_in(call const& c);
net::awaitable<http::response> show_visit(call const& c);
net::awaitable<http::response> sign_out(call const& c);
net::awaitable<http::response> change_password(call const& c);

/// How many follow events at the moment.
class audience;
std::shared_ptr<audience> make_audience(std::size_t most, std::size_t most_of_account);
net::awaitable<void> follow_events(std::shared_ptr<audience> all, call const& c, event_sink& out);

}  // namespace postern::web::api
