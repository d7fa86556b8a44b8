#include "web/discovery.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "porter/answer.hpp"
#include "porter/pacc.hpp"
#include "porter/qr.hpp"
#include "porter/transfer.hpp"
#include "web/problem.hpp"

namespace postern::web {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

/// Until there are no more. What can't be told is forgotten: it is a log of the last ones. The turn ends with it, also
/// where that is an exception.
net::awaitable<void> tell(shared_desk desk, server_link& server, [[maybe_unused]] discovery_desk::turn mine)
{
    asio::steady_timer timer{co_await asio::this_coro::executor};
    for (;;) {
        timer.expires_after(desk->gathering());
        co_await timer.async_wait(asio::use_awaitable);
        auto rows = desk->take_notes();
        if (rows.empty()) co_return;
        json::object arguments;
        arguments["requests"] = std::move(rows);
        (void)co_await server.ask("discovery note", std::move(arguments), std::string_view{}, ip_address{});
    }
}

net::awaitable<void> keep(shared_desk desk, server_link& server, porter::note const& n)
{
    auto turn = desk->note(n, wall_clock::now());
    if (!turn) co_return;
    auto const executor = co_await asio::this_coro::executor;
    asio::co_spawn(executor, tell(desk, server, std::move(turn)), asio::detached);
}

net::awaitable<http::response> discover(shared_desk desk, call const& c)
{
    auto const& r = c.request;
    auto facts = co_await facts_not_older(desk, c.server, r.client);
    if (!facts) co_return answer_for(rules::web_server_away, r);
    auto said = porter::answer(*facts, r, wall_clock::now());
    // The routes are those of the porter; and yet one of them may be nothing to it.
    if (!said) co_return answer_for(rules::web_not_found, r);
    if (said->note.answer == "unknown domain") {
        // It may have been added since.
        auto const again = co_await facts_not_older(desk, c.server, r.client, discovery_desk::age_for_strangers);
        if (again != facts) said = porter::answer(*again, r, wall_clock::now());
    }
    if (!desk->admit(r.client, steady_clock::now())) said = porter::too_often(std::move(*said));
    co_await keep(desk, c.server, said->note);
    co_return std::move(said->response);
}

/// A configuration profile for who has the link and pressed the button of its page: previews of links, and scanners of
/// mail, only GET. Only the mail process knows whether it is good.
net::awaitable<http::response> give_profile(shared_desk desk, call const& c)
{
    constexpr std::string_view media_type = "application/x-apple-aspen-config";
    porter::note n;
    n.kind = "profile";
    n.host = printable(c.request.host, 120);
    n.path = "/profile/";
    n.user_agent = printable(http::find(c.request.fields, "user-agent"), 120);
    n.client = c.request.client;
    http::response r;
    if (!desk->admit(c.request.client, steady_clock::now())) {
        porter::answered too_many;
        too_many.note = n;
        too_many = porter::too_often(std::move(too_many));
        co_await keep(desk, c.server, too_many.note);
        co_return std::move(too_many.response);
    }
    json::object arguments;
    arguments["token"] = c["token"];
    auto const told = co_await c.server.ask("profile take", std::move(arguments), std::string_view{}, c.request.client);
    auto const* const o = told ? told->if_object() : nullptr;
    auto const* const text = o != nullptr ? o->if_contains("profile") : nullptr;
    auto octets = text != nullptr && text->is_string() ? base64_decode(text->as_string()) : std::nullopt;
    if (octets) {
        r = http::answer(200, media_type, std::move(*octets));
        r.fields.emplace_back("content-disposition", "attachment; filename=\"mail.mobileconfig\"");
        r.fields.emplace_back("cache-control", "no-store");
        r.holds_secret = true;
        n.answer = "profile";
        if (auto const* const address = o->if_contains("address"); address != nullptr && address->is_string())
            n.domain = std::string{std::string_view{address->as_string()}.substr(address->as_string().rfind('@') + 1)};
    } else {
        r = told ? answer_for(rules::web_failed, c.request) : answer_for(told.error(), c.request);
        n.answer = "no profile: the link is used up, too old, or wrong";
    }
    n.status = r.status;
    co_await keep(desk, c.server, n);
    co_return r;
}

/// Where a phone's camera leads to the page that knows the phone.
net::awaitable<http::response> guide_code(shared_desk desk, call const& c)
{
    auto const facts = co_await facts_not_older(desk, c.server, c.request.client);
    auto svg = facts ? porter::qr_code(facts->now.url + "/setup", "Set up mail on this phone") : std::nullopt;
    if (!svg) co_return answer_for(rules::web_server_away, c.request);
    auto r = http::answer(200, "image/svg+xml", std::move(*svg));
    r.fields.emplace_back("cache-control", "max-age=3600");
    co_return r;
}

}  // namespace

net::awaitable<shared_facts> facts_not_older(shared_desk desk, server_link& server, ip_address client,
                                             std::chrono::seconds age)
{
    auto const turn = desk->turn_to_ask(steady_clock::now(), age);
    if (!turn) co_return desk->facts();
    json::object const nothing;
    auto const told = co_await server.ask("discovery facts", nothing, std::string_view{}, client);
    auto fresh = told ? porter::facts_from(*told) : std::nullopt;
    if (fresh)
        desk->take(std::move(*fresh), steady_clock::now());
    else
        desk->give_up(steady_clock::now());
    co_return desk->facts();
}

void add_discovery(router& table, shared_desk const& desk)
{
    asking_handler const ask = [desk](call const& c) { return discover(desk, c); };
    // Thunderbird takes the file over plain HTTP where there is no certificate yet; Outlook asks there to be led on.
    route_options const clear{.without_tls = true};
    route_options const any_case{.any_case = true, .without_tls = true};
    struct place {
        std::string_view pattern;
        route_options options;
    };
    place const places[] = {
        {"/mail/config-v1.1.xml", clear},
        {"/.well-known/autoconfig/mail/config-v1.1.xml", clear},
        {"/.well-known/mail-v1.xml", clear},
        {"/v1.1/{domain}", clear},
        {"/autoconfig/v1.1/{domain}", clear},
        {"/autodiscover/autodiscover.xml", any_case},
        {"/autodiscover/autodiscover.json", any_case},
        {"/autodiscover/autodiscover.json/{rest...}", any_case},
        {porter::pacc_path, {}},
    };
    for (auto const& p : places)
        for (auto const m : {http::method::get, http::method::post, http::method::options})
            table.add(m, std::string{p.pattern}, ask, p.options);
    table.add(http::method::post, "/profile/{token}", [desk](call const& c) { return give_profile(desk, c); });
    table.add(http::method::get, "/qr/setup.svg", [desk](call const& c) { return guide_code(desk, c); });
}

}  // namespace postern::web
