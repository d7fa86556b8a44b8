#include "web/api.hpp"

#include <boost/json/array.hpp>

#include "base/numbers.hpp"
#include "control/json_memory.hpp"
#include "help/reader.hpp"
#include "web/api_call.hpp"
#include "web/assets.hpp"
#include "web/wording.hpp"

namespace postern::web {
namespace api {
namespace json = boost::json;
namespace {

constexpr std::size_t most_followers = 200, most_of_account = 4;

/// What stands at `{name}` in the path.
std::optional<http::response> read_path(call const& c, row const& what, json::object& arguments)
{
    for (auto const& [name, value] : c.parts) {
        if (what.number_in_path && name == "id") {
            auto const n = parse_number<std::uint64_t>(value, INT64_MAX);
            if (!n) return json_error(rules::web_not_found, c.request);
            arguments[name] = *n;
        } else {
            arguments[name] = value;
        }
    }
    return std::nullopt;
}

/// The command for on or for off, and its arguments without the switch.
std::string choose_command(row const& what, json::object& arguments)
{
    if (what.when_off.empty()) return std::string{what.command};
    bool const on = arguments.at("on").as_bool();
    arguments.erase("on");
    return std::string{on ? what.command : what.when_off};
}

http::response show(row const& what, control::outcome done, http::request const& asked)
{
    if (!done) return refusal(done.error(), what.fault, asked);
    if (what.status == 204) {
        http::response r;
        r.status = 204;
        return r;
    }
    put_into_language(*done, help::language_of(asked));
    if (what.wrap.empty()) {
        auto r = json_answer(what.status, *done);
        r.holds_secret = what.secret_answer;
        return r;
    }
    json::object o;
    o[what.wrap] = *done;
    return json_answer(what.status, json::value(std::move(o)));
}

net::awaitable<http::response> perform(row const* what, call const& c)
{
    auto const who = find_visitor(c.request);
    if (what->method == http::method::get) {
        if (who.token.empty()) co_return json_error(rules::web_signed_out, c.request);
    } else if (auto refused = why_not_change(c.request, who)) {
        co_return std::move(*refused);
    }
    json::object arguments{control::wiping_storage()};
    if (what->method != http::method::get) {
        auto given = read_body(c.request, what->body);
        if (!given) co_return std::move(given.error());
        if (what->any_of_body && given->empty())
            co_return json_error(rules::api_unacceptable, c.request,
                                 "Nothing says which messages are meant: name a destination, a domain, an account, a "
                                 "sender, a state or an age");
        arguments = std::move(*given);
    }
    if (auto refused = read_query(c.request, what->query, arguments)) co_return std::move(*refused);
    if (auto refused = read_path(c, *what, arguments)) co_return std::move(*refused);
    auto command = choose_command(*what, arguments);
    auto done = co_await c.server.ask(std::move(command), std::move(arguments), who.token, c.request.client);
    co_return show(*what, std::move(done), c.request);
}

}  // namespace
}  // namespace api

void add_api(router& table)
{
    constexpr route_options options{.body = api::longest_body};
    std::string const root = "/api/v1";
    for (auto const& r : api::rows()) {
        auto const* const what = &r;
        asking_handler handler = [what](call const& c) { return api::perform(what, c); };
        table.add(r.method, root + std::string{r.path}, std::move(handler), options);
    }
    add_assets(table, embedded::api_description());
    table.add(http::method::post, root + "/session", asking_handler{api::sign_in}, options);
    table.add(http::method::get, root + "/session", asking_handler{api::show_visit});
    table.add(http::method::remove, root + "/session", asking_handler{api::sign_out}, options);
    table.add(http::method::put, root + "/account/password", asking_handler{api::change_password}, options);
    auto const all = api::make_audience(api::most_followers, api::most_of_account);
    table.add_stream(root + "/events",
                     [all](call const& c, event_sink& out) { return api::follow_events(all, c, out); });
}

}  // namespace postern::web
