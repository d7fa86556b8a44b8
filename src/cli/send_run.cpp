#include <algorithm>
#include <cassert>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "cli/send.hpp"

namespace postern::cli {
namespace {

namespace asio = boost::asio;
using net::awaitable;

client::outgoing_mail outgoing(prepared_mail const& m, std::string_view content)
{
    client::outgoing_mail out;
    out.envelope = m.envelope;
    out.content = content;
    out.utf8 = m.utf8;
    return out;
}

void describe(send_result& r, client::sender const& s, bool wanted_login)
{
    r.around = client::circumstances_of(s, wanted_login);
    r.mechanism = s.mechanism();
    r.route = s.route();
    if (auto const there = s.talk().remote()) r.server_address = there->to_string();
    if (auto const* const tls = s.talk().tls()) r.tls = *tls;
    r.extensions = s.talk().announced().lines;
}

awaitable<void> perform(send_plan const& p, client::sender& s, send_result& r)
{
    r.trouble = co_await s.open();
    describe(r, s, p.how.who.wants_login());
    if (!r.trouble) {
        auto const mail = outgoing(p.mail, p.mail.content);
        r.report = co_await s.send(mail);
        r.trouble = r.report.why;
    }
    co_await s.quit();
    r.verdict = r.trouble ? client::judge(*r.trouble) : client::verdict::sent;
}

// What the connections of send_many() share; all of them are on one thread.
struct campaign {
    campaign(send_plan const& p, std::function<void(unsigned)> told) : plan(p), progress(std::move(told)) {}
    send_plan const& plan;
    std::function<void(unsigned)> progress;
    unsigned begun = 0;
    unsigned broken = 0;  // connections that came to nothing, in a row
    repeat_result result;

    static constexpr unsigned most_broken = 3;
    static constexpr std::size_t most_kinds = 20;

    bool over() const noexcept { return begun >= plan.repeat || broken >= most_broken; }
    void count(client::trouble const& t, client::sender const& s, unsigned times = 1)
    {
        result.failed += times;
        auto const& rule = client::explain(t, client::circumstances_of(s, plan.how.who.wants_login()));
        auto& all = result.failures;
        auto const same = std::find_if(all.begin(), all.end(), [&](auto const& f) { return f.rule == &rule; });
        if (same != all.end()) {
            same->times += times;
        } else if (all.size() < most_kinds) {
            all.push_back({t.text, &rule, times});
        }
        tell();
    }
    void tell() const
    {
        if (progress) progress(result.sent + result.failed);
    }
};

/// Sent, but not to all: who was refused first, and how.
std::optional<client::trouble> not_taken(client::delivery_report const& report)
{
    for (auto const& one : report.recipients) {
        if (one.said.ok()) continue;
        client::trouble t;
        t.where = client::stage::rcpt;
        t.how = one.said;
        t.text = "sent, but not to " + one.to.to_string() + ": " + one.said.to_string();
        return t;
    }
    return std::nullopt;
}

awaitable<void> use_connection(campaign& c, client::sender& s)
{
    while (s.usable() && c.begun < c.plan.repeat) {
        ++c.begun;
        auto const content = renewed(c.plan.mail);
        auto const mail = outgoing(c.plan.mail, content);
        auto const report = co_await s.send(mail);
        if (report.why) {
            c.count(*report.why, s);
            continue;
        }
        if (auto const refused = not_taken(report)) {
            c.count(*refused, s);
            continue;
        }
        ++c.result.sent;
        c.result.milliseconds.push_back(std::chrono::duration<double, std::milli>(report.took).count());
        c.tell();
    }
}

awaitable<void> connections(campaign& c)
{
    auto const executor = co_await asio::this_coro::executor;
    while (!c.over()) {
        client::sender s{executor, c.plan.how, c.plan.tls};
        auto const bad = co_await s.open();
        if (bad) {
            ++c.broken;
            // The message that this one was for; the others may have had the last of them meanwhile.
            if (c.begun < c.plan.repeat) {
                ++c.begun;
                c.count(*bad, s);
            }
            continue;
        }
        c.broken = 0;
        ++c.result.connections;
        co_await use_connection(c, s);
        co_await s.quit();
    }
}

// Runs coroutines to their end, and not until the timers of their streams have run out.
class runner {
public:
    void start(awaitable<void> what)
    {
        ++left_;
        asio::co_spawn(io_, std::move(what), [this](std::exception_ptr failure) {
            if (--left_ == 0) io_.stop();
            if (failure) std::rethrow_exception(failure);
        });
    }
    void run() { io_.run(); }
    asio::any_io_executor executor() { return io_.get_executor(); }

private:
    asio::io_context io_{1};
    unsigned left_ = 0;
};

}  // namespace

send_result send_once(send_plan const& p, std::function<void(client::transcript_line const&)> watcher)
{
    runner all;
    send_result r;
    client::transcript log;
    log.watch(std::move(watcher));
    client::sender s{all.executor(), p.how, p.tls, std::move(log)};
    all.start(perform(p, s, r));
    all.run();
    r.log = std::move(s.talk().log());
    return r;
}

repeat_result send_many(send_plan const& p, std::function<void(unsigned done)> progress)
{
    runner all;
    campaign c{p, std::move(progress)};
    auto const begun = steady_clock::now();
    for (unsigned i = 0; i < std::min(p.connections, p.repeat); ++i) all.start(connections(c));
    all.run();
    c.result.seconds = std::chrono::duration<double>(steady_clock::now() - begun).count();
    // With those that no connection was left for.
    c.result.failed = p.repeat - c.result.sent;
    return std::move(c.result);
}

}  // namespace postern::cli
