#include "web/help_pages.hpp"

#include <cstdint>
#include <memory>

#include "base/json.hpp"
#include "catalogue/catalogue.hpp"
#include "help/centre.hpp"
#include "http/gzip.hpp"
#include "web/assets.hpp"
#include "web/problem.hpp"

namespace postern::web {
namespace json = boost::json;
namespace {

/// Which of the domains a reader belongs to: that of the address in question, of who is signed in, of the host that was
/// asked; else the one that our own name is in.
std::string domain_for(http::request const& r, porter::facts const& all, std::string_view of_address,
                       std::string_view account)
{
    for (auto const& domain : {std::string{of_address}, porter::domain_of(account)})
        if (all.serves(domain)) return domain;
    for (std::string_view host = r.host; !host.empty();) {
        if (all.serves(host)) return std::string{host};
        auto const dot = host.find('.');
        host.remove_prefix(dot == std::string_view::npos ? host.size() : dot + 1);
    }
    return all.domains.size() == 1 ? all.domains.front() : all.base;
}

/// While nothing is known of the installation, those who have trouble can still read.
help::facts facts_for(http::request const& r, shared_facts const& told, std::string_view account)
{
    auto const s = told ? told->now : porter::services{};
    auto const first = [](std::vector<porter::place> const& list) {
        return list.empty() ? std::string{} : list.front().host + ':' + std::to_string(list.front().port);
    };
    help::facts f;
    f.imap = first(s.imap);
    f.pop3 = first(s.pop3);
    f.server = s.smtp.empty() ? r.host : s.smtp.front().host;
    for (auto const& p : s.smtp) (p.how == porter::wrapping::implicit_tls ? f.implicit_port : f.starttls_port) = p.port;
    if (told) {
        auto const of_address = porter::domain_of(http::parameter(r.query, "address").value_or(""));
        f.domain = domain_for(r, *told, of_address, account);
        if (!of_address.empty() && !told->serves(of_address)) f.foreign = of_address;
    }
    auto const& known_as = f.domain.empty() ? f.server : f.domain;
    f.name = porter::name_for(s, known_as, SIZE_MAX);
    f.contact = porter::contact_for(s, known_as);
    return f;
}

/// Who is signed in; empty: nobody, or nobody can tell now.
net::awaitable<std::string> account_of(call const& c)
{
    auto const token = http::cookie(c.request.fields, "__Host-postern");
    if (token.empty()) co_return std::string{};
    json::object nothing;
    auto const told = co_await c.server.ask("web session", std::move(nothing), token, c.request.client);
    if (!told || !told->is_object()) co_return std::string{};
    co_return std::string{text_in(told->as_object(), "account")};
}

/// What is made for each reader is coded on its way; nothing that holds who is signed in, since its length would tell of it.
http::response coded(http::response r, http::request const& asked)
{
    constexpr std::size_t worth_it = 1400;  // less fits into one packet anyway
    for (auto& [name, value] : r.fields)
        if (name == "vary") value += ", accept-encoding";
    if (r.body.size() < worth_it || http::find(r.fields, "cache-control") == "no-store" ||
        preferred_coding(http::find(asked.fields, "accept-encoding"), true, false).empty())
        return r;
    r.body = http::gzip(r.body, http::effort::quick);
    r.fields.emplace_back("content-encoding", "gzip");
    return r;
}

class help_desk {
public:
    explicit help_desk(shared_desk desk) : desk_(std::move(desk)) {}

    net::awaitable<http::response> page(call const& c)
    {
        auto const told = co_await facts_not_older(desk_, c.server, c.request.client);
        auto const account = co_await account_of(c);
        auto const facts = facts_for(c.request, told, account);
        auto found = help::answer(c.request, facts, account);
        if (!found) co_return answer_for(rules::web_not_found, c.request);
        co_return coded(std::move(*found), c.request);
    }

    net::awaitable<http::response> refusal(call const& c)
    {
        auto const told = co_await facts_not_older(desk_, c.server, c.request.client);
        auto const facts = facts_for(c.request, told, {});
        auto const id = c["id"];
        json::object arguments;
        arguments["id"] = id.substr(0, 64);
        auto const found = co_await c.server.ask("why public", std::move(arguments), {}, c.request.client);
        using kind = control::failure::kind;
        if (!found && (found.error().why == kind::unavailable || found.error().why == kind::put_off))
            co_return answer_for(found.error(), c.request);
        auto const rule = found && found->is_object() ? text_in(found->as_object(), "rule") : std::string_view{};
        co_return coded(help::explain_refusal(c.request, facts, id, rule.empty() ? nullptr : catalogue::find(rule)),
                        c.request);
    }

private:
    shared_desk desk_;
};

}  // namespace

void add_help_pages(router& table, shared_desk const& desk)
{
    auto const help = std::make_shared<help_desk>(desk);
    for (auto const* path :
         {"/", "/setup", "/setup/{program}", "/help", "/help/{rule}", "/what-is-smtp-auth", "/profile/{token}"})
        table.add(http::method::get, path, asking_handler{[help](call const& c) { return help->page(c); }});
    table.add(http::method::get, "/why/{id}", asking_handler{[help](call const& c) { return help->refusal(c); }});
    add_assets(table, embedded::help_files());
}

}  // namespace postern::web
