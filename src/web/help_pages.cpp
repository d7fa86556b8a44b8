#include "web/help_pages.hpp"

#include <chrono>
#include <memory>
#include <mutex>

#include "catalogue/catalogue.hpp"
#include "help/centre.hpp"
#include "web/assets.hpp"
#include "web/problem.hpp"

namespace postern::web {
namespace json = boost::json;
namespace {

constexpr std::chrono::seconds facts_life{10};

std::string text_of(json::object const& o, std::string_view key)
{
    auto const* v = o.if_contains(key);
    return v && v->is_string() ? std::string{v->as_string()} : std::string{};
}

std::uint16_t port_of(json::object const& o, std::string_view key)
{
    auto const* v = o.if_contains(key);
    if (!v || !v->is_number()) return 0;
    json::error_code wrong;
    auto const port = v->to_number<std::uint16_t>(wrong);
    return wrong ? std::uint16_t{0} : port;
}

/// What the mail process said of itself. It is asked again after some seconds; while it is away, what it said last holds,
/// so that those who have trouble can still read.
class known_facts {
public:
    net::awaitable<help::facts> get(call const& c)
    {
        auto const now = std::chrono::steady_clock::now();
        bool ask = false;
        {
            std::lock_guard const held{lock_};
            ask = now >= next_;
            // Others use what is known meanwhile.
            if (ask) next_ = now + facts_life;
        }
        if (ask) {
            json::object nothing;
            auto const told = co_await c.server.ask("help facts", std::move(nothing), {}, c.request.client);
            if (told && told->is_object()) {
                std::lock_guard const held{lock_};
                keep(told->as_object());
            }
        }
        help::facts f;
        {
            std::lock_guard const held{lock_};
            f = last_;
        }
        if (f.server.empty()) f.server = f.name = c.request.host;
        if (f.contact.empty()) f.contact = "postmaster@" + f.server;
        co_return f;
    }

private:
    void keep(json::object const& o)
    {
        last_.name = text_of(o, "name");
        last_.contact = text_of(o, "contact");
        last_.server = text_of(o, "server");
        last_.implicit_port = port_of(o, "implicit_port");
        last_.starttls_port = port_of(o, "starttls_port");
        last_.imap = text_of(o, "imap");
        last_.pop3 = text_of(o, "pop3");
        last_.domain = text_of(o, "domain");
    }

    std::mutex lock_;
    std::chrono::steady_clock::time_point next_{};
    help::facts last_;
};

class help_desk {
public:
    net::awaitable<http::response> page(call const& c)
    {
        auto const facts = co_await facts_.get(c);
        auto found = help::answer(c.request, facts);
        if (!found) co_return answer_for(problems::not_found, c.request.path);
        co_return std::move(*found);
    }

    net::awaitable<http::response> refusal(call const& c)
    {
        auto const facts = co_await facts_.get(c);
        auto const id = c["id"];
        json::object arguments;
        arguments["id"] = id.substr(0, 64);
        auto const told = co_await c.server.ask("why public", std::move(arguments), {}, c.request.client);
        if (!told && told.error().why == control::failure::kind::unavailable)
            co_return answer_for(told.error(), c.request.path);
        auto const rule = told && told->is_object() ? text_of(told->as_object(), "rule") : std::string{};
        co_return help::explain_refusal(c.request, facts, id, rule.empty() ? nullptr : catalogue::find(rule));
    }

private:
    known_facts facts_;
};

}  // namespace

void add_help_pages(router& table)
{
    auto const desk = std::make_shared<help_desk>();
    for (auto const* path : {"/", "/setup", "/setup/{program}", "/help", "/help/{rule}", "/what-is-smtp-auth"})
        table.add(http::method::get, path, asking_handler{[desk](call const& c) { return desk->page(c); }});
    table.add(http::method::get, "/why/{id}", asking_handler{[desk](call const& c) { return desk->refusal(c); }});
    add_assets(table, embedded::help_files());
}

}  // namespace postern::web
