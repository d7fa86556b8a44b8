#include "discovery/discovery.hpp"

#include <chrono>
#include <functional>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/clock.hpp"
#include "discovery/sources.hpp"

namespace postern::discovery {

namespace {

namespace asio = boost::asio;

// The questions under way. Each keeps it alive until it is answered.
struct search {
    search(asio::any_io_executor const& executor, std::chrono::milliseconds limit) : done(executor, limit) {}
    std::vector<reports> said;
    std::vector<bool> answered;
    std::size_t open = 0;
    asio::steady_timer done;
};

using question = std::function<awaitable<reports>(subject_ptr)>;

struct asked {
    source from;
    std::string where;
    question ask;
};

std::vector<asked> questions(options const& o, std::string const& domain)
{
    std::vector<asked> all;
    auto const add = [&](source from, std::string where, question q) {
        all.push_back({from, std::move(where), std::move(q)});
    };
    for (int way = 0; way < (o.http ? 4 : 2); ++way)
        add(source::autoconfig, "autoconfig of " + domain, [way](subject_ptr s) { return ask_autoconfig(s, way); });
    add(source::pacc, "_ua-auto-config." + domain, ask_pacc);
    add(source::srv, "_submissions._tcp." + domain, [](subject_ptr s) { return ask_srv(s, true); });
    add(source::srv, "_submission._tcp." + domain, [](subject_ptr s) { return ask_srv(s, false); });
    if (!o.ispdb.empty()) add(source::ispdb, o.ispdb, ask_ispdb);
    for (int way = 0; way < (o.http ? 4 : 3); ++way)
        add(source::autodiscover, "Autodiscover of " + domain,
            [way](subject_ptr s) { return ask_autodiscover(s, way); });
    add(source::mx_provider, "MX of " + domain, ask_exchangers);
    if (o.guess) add(source::guess, "usual names of " + domain, ask_guesses);
    return all;
}

awaitable<void> ask_one(std::shared_ptr<search> all, subject_ptr s, question q, std::size_t at)
{
    auto said = co_await q(s);
    all->said[at] = std::move(said);
    all->answered[at] = true;
    if (--all->open == 0) all->done.cancel();
}

report unanswered(asked const& q, std::chrono::milliseconds limit)
{
    report r;
    r.about.from = q.from;
    r.about.where = q.where;
    r.about.what = outcome::failed;
    r.about.detail = "no answer in time";
    r.about.took = limit;
    return r;
}

}  // namespace

std::string_view to_words(source s) noexcept
{
    switch (s) {
        case source::provider_list: return "list of known providers";
        case source::autoconfig: return "autoconfig of the domain";
        case source::pacc: return "PACC of the domain";
        case source::srv: return "SRV records";
        case source::ispdb: return "Thunderbird's list of providers";
        case source::autodiscover: return "Autodiscover of the domain";
        case source::mx_provider: return "mail exchangers";
        case source::mx_autoconfig: return "autoconfig of the mail exchanger's domain";
        case source::guess: break;
    }
    return "usual names";
}

awaitable<findings> find_settings(std::string address, dns::resolver& names, std::shared_ptr<web> pages, options o)
{
    auto found = examine_address(address);
    if (found.domain.empty()) co_return found;
    auto const s = std::make_shared<subject>();
    s->address = found.address;
    s->local_part = found.address.substr(0, found.address.rfind('@'));
    s->domain = found.domain;
    s->names = &names;
    s->pages = std::move(pages);
    s->o = o;
    auto const executor = co_await asio::this_coro::executor;
    auto const all = std::make_shared<search>(executor, o.limit);
    auto const list = questions(o, s->domain);
    all->said.resize(list.size());
    all->answered.resize(list.size());
    all->open = list.size();
    for (std::size_t i = 0; i < list.size(); ++i)
        asio::co_spawn(executor, ask_one(all, s, list[i].ask, i), asio::detached);
    boost::system::error_code cancelled;
    // Answers that were at hand have come by now.
    if (all->open != 0) co_await all->done.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    s->over = true;
    reports said;
    said.push_back(ask_provider_list(*s));
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (!all->answered[i]) said.push_back(unanswered(list[i], o.limit));
        for (auto& r : all->said[i]) said.push_back(std::move(r));
    }
    merge(found, said);
    co_return found;
}

awaitable<findings> find_settings(std::string address, dns::resolver& names, options o)
{
    // A moment less, so that what was not answered says why.
    auto const margin = o.limit / 20;
    std::shared_ptr<web> pages = make_web(names, o, steady_clock::now() + o.limit - margin);
    auto found = co_await find_settings(std::move(address), names, std::move(pages), std::move(o));
    co_return found;
}

}  // namespace postern::discovery
