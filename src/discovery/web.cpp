#include "discovery/web.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>

#include "base/text.hpp"
#include "directory/web_client.hpp"
#include "discovery/discovery.hpp"
#include "discovery/documents.hpp"
#include "net/awaiting.hpp"

namespace postern::discovery {

namespace {

constexpr std::size_t threads = 8;
constexpr int most_redirects = 3;

struct place {
    std::string host, port;
    bool encrypted = false;
};

// Of an URL with http or https and no user.
std::optional<place> parse_place(std::string_view url)
{
    place p;
    if (url.starts_with("https://")) {
        p.encrypted = true;
        url.remove_prefix(8);
    } else if (url.starts_with("http://")) {
        url.remove_prefix(7);
    } else {
        return std::nullopt;
    }
    auto const authority = url.substr(0, url.find_first_of("/?#"));
    auto const colon = authority.find(':');
    p.host = to_lower(authority.substr(0, colon));
    p.port = p.encrypted ? "443" : "80";
    if (colon != std::string_view::npos) p.port = authority.substr(colon + 1);
    auto const is_host = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    };
    auto const is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (p.host.empty() || !std::all_of(p.host.begin(), p.host.end(), is_host)) return std::nullopt;
    if (p.port.empty() || !std::all_of(p.port.begin(), p.port.end(), is_digit)) return std::nullopt;
    return p;
}

std::string for_curl(place const& p, dns::address_answer const& found)
{
    std::string out;
    for (auto const& a : found.v4) out += (out.empty() ? "" : ",") + a.to_string();
    for (auto const& a : found.v6) out += (out.empty() ? "[" : ",[") + a.to_string() + ']';
    return p.host + ':' + p.port + ':' + out;
}

using answer = result<directory::web_client::answer>;

struct fetched {
    page what;
    std::string next;  // a redirection
};

class real_web final : public web {
public:
    real_web(dns::resolver& names, options const& o, steady_time deadline)
        : names_(names), authorities_(o.authorities), deadline_(deadline)
    {
    }
    ~real_web() override
    {
        *alive_ = false;
        stop_ = true;
        pool_.join();
    }

    boost::asio::awaitable<page> ask(std::string url, std::string body) override
    {
        page p;
        bool encrypted = false;
        for (int hop = 0; hop <= most_redirects; ++hop) {
            auto const where = parse_place(url);
            if (!where || (encrypted && !where->encrypted)) {
                p = {};
                p.problem = "it leads to " + printable(url, 200);
                co_return p;
            }
            encrypted = encrypted || where->encrypted;
            // The resolver may be gone when nobody waits any more.
            if (steady_clock::now() >= deadline_) {
                p.problem = "no time was left for it";
                co_return p;
            }
            auto const alive = alive_;
            auto const found = co_await names_.addresses(where->host);
            if (!*alive) co_return p;
            if (found.v4.empty() && found.v6.empty()) {
                p.problem = found.problem;
                co_return p;
            }
            auto came = co_await fetch(url, body, for_curl(*where, found));
            p = std::move(came.what);
            if (!*alive || p.status / 100 != 3 || came.next.empty()) co_return p;
            url = std::move(came.next);
        }
        p.problem = "it goes round in redirections";
        p.status = 0;
        co_return p;
    }

private:
    boost::asio::awaitable<fetched> fetch(std::string url, std::string body, std::string resolved)
    {
        fetched f;
        page& p = f.what;
        p.url = url;
        auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - steady_clock::now());
        if (left.count() <= 0) {
            p.problem = "no time was left for it";
            co_return f;
        }
        directory::web_client::request r;
        r.url = std::move(url);
        r.may_be_plain = true;
        r.authorities = authorities_;
        r.resolved = std::move(resolved);
        r.timeout = left;
        r.longest = longest_document;
        if (!body.empty()) {
            r.body = std::move(body);
            r.body_type = "text/xml; charset=utf-8";
        }
        auto const request = std::make_shared<directory::web_client::request>(std::move(r));
        auto const executor = co_await boost::asio::this_coro::executor;
        auto const alive = alive_;
        auto const begin = [this, request](std::function<void(std::shared_ptr<answer>)> done) {
            boost::asio::post(pool_, [this, request, done = std::move(done)] {
                directory::web_client client;
                done(std::make_shared<answer>(client.ask(*request, stop_)));
            });
        };
        auto const came = co_await net::await_handler<std::shared_ptr<answer>>(executor, begin);
        if (!*alive) co_return f;
        if (!*came) {
            p.problem = printable(came->error().logged, 200);
            p.untrusted = came->error().code == status{4, 7, 5};
            co_return f;
        }
        p.status = (*came)->status;
        p.body = (*came)->body;
        p.type = printable((*came)->type, 100);
        f.next = (*came)->redirect;
        co_return f;
    }

    dns::resolver& names_;
    std::filesystem::path authorities_;
    steady_time deadline_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::atomic<bool> stop_ = false;
    boost::asio::thread_pool pool_{threads};
};

}  // namespace

std::unique_ptr<web> make_web(dns::resolver& names, options const& o, steady_time deadline)
{
    return std::make_unique<real_web>(names, o, deadline);
}

}  // namespace postern::discovery
