// A day of simulated time: the real dispatcher, its connections over loopback and all, sends to 500 destinations,
// of which some are dead, slow, silent, greylisting or rate-limiting. Time passes when there is nothing to do.
#include <doctest/doctest.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define POSTERN_NO_SIMULATED_TIME
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POSTERN_NO_SIMULATED_TIME
#endif

#ifndef POSTERN_NO_SIMULATED_TIME

#include <sys/resource.h>

#include <cstdio>
#include <map>
#include <random>
#include <set>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "delivery/day_spool.hpp"
#include "delivery/dispatcher.hpp"
#include "support/fake_directory.hpp"
#include "support/fake_resolver.hpp"
#include "support/simulated_time.hpp"

namespace postern::delivery {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using postern::delivery::testing::day_spool;
using postern::testing::simulated_time;
using state = spool::recipient_state;

enum class kind { good, slow, greylisting, limiting, dead, silent, away, refusing };

constexpr auto give_up_after = 8h;
constexpr auto notice_after = 2h;
constexpr auto away_until = 10h;           // from the beginning of the day
constexpr std::size_t most_a_minute = 30;  // that a rate-limiting one takes
constexpr unsigned most_connections = 3;   // that it likes
constexpr auto greylisted_for = 300s;

kind kind_of(std::size_t number)
{
    switch (number % 20) {
        case 3: return kind::slow;
        case 5:
        case 6: return kind::greylisting;
        case 8: return kind::limiting;
        case 10: return kind::dead;
        case 12: return kind::silent;
        case 14: return kind::away;
        case 16: return kind::refusing;
        default: return kind::good;
    }
}

std::string domain_of(std::size_t number) { return "d" + std::to_string(number) + ".example"; }

// One of the servers of the day.
struct remote {
    kind what = kind::good;
    steady_time begin;  // of the day
    std::unique_ptr<tcp::acceptor> door;
    unsigned connections = 0, most_at_once = 0, turned_away = 0, connects = 0;
    std::map<std::string, steady_time> first_seen;  // by recipient, for greylisting
    std::deque<steady_time> taken_at;
    std::map<std::string, unsigned> delivered;  // by recipient, each of which is one message

    bool is_away() const { return what == kind::away && steady_clock::now() < begin + away_until; }
    std::string reply_to_recipient(std::string const& to)
    {
        auto const now = steady_clock::now();
        if (what == kind::refusing) return "550 5.1.1 No such user here";
        if (what == kind::greylisting) {
            auto const first = first_seen.try_emplace(to, now).first->second;
            if (now - first < greylisted_for) return "450 4.7.1 Greylisted, try again in 300 seconds";
        }
        if (what == kind::limiting) {
            while (!taken_at.empty() && taken_at.front() <= now - 60s) taken_at.pop_front();
            if (taken_at.size() >= most_a_minute) return "452 4.3.1 Too much mail at the moment";
        }
        return "250 2.1.5 Ok";
    }
};

asio::awaitable<void> pause(asio::any_io_executor executor, std::chrono::milliseconds time)
{
    asio::steady_timer timer{executor, time};
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> say(tcp::socket& to, std::string text)
{
    boost::system::error_code failed;
    text += "\r\n";
    co_await asio::async_write(to, asio::buffer(text), asio::redirect_error(asio::use_awaitable, failed));
}

asio::awaitable<void> converse(remote& self, std::shared_ptr<tcp::socket> peer)
{
    auto const executor = peer->get_executor();
    if (self.what == kind::silent) {
        co_await pause(executor, 1h);
        co_return;
    }
    if (self.what == kind::limiting && self.connections > most_connections) {
        ++self.turned_away;
        co_await say(*peer, "421 4.7.0 Too many connections");
        co_return;
    }
    co_await say(*peer, "220 remote ESMTP");
    std::string input, recipient;
    bool in_data = false;
    for (;;) {
        boost::system::error_code failed;
        auto const size = co_await asio::async_read_until(*peer, asio::dynamic_buffer(input, 1 << 20), "\r\n",
                                                          asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return;
        std::string const line = input.substr(0, size - 2);
        input.erase(0, size);
        if (in_data) {
            if (line != ".") continue;
            in_data = false;
            if (self.what == kind::slow) co_await pause(executor, 3s);
            ++self.delivered[recipient];
            self.taken_at.push_back(steady_clock::now());
            co_await say(*peer, "250 2.0.0 Taken");
        } else if (line.starts_with("EHLO")) {
            co_await say(*peer, "250-remote\r\n250-PIPELINING\r\n250 8BITMIME");
        } else if (line.starts_with("RCPT")) {
            recipient = line.substr(9, line.find('>') - 9);
            std::string const reply = self.reply_to_recipient(recipient);
            co_await say(*peer, reply);
            if (!reply.starts_with("250")) recipient.clear();
        } else if (line.starts_with("DATA")) {
            in_data = !recipient.empty();
            if (in_data) {
                co_await say(*peer, "354 Go on");
            } else {
                co_await say(*peer, "503 5.5.1 No recipients");
            }
        } else if (line.starts_with("QUIT")) {
            co_await say(*peer, "221 2.0.0 Bye");
            co_return;
        } else {
            recipient.clear();
            co_await say(*peer, "250 2.0.0 Ok");
        }
    }
}

asio::awaitable<void> receive(remote& self, std::shared_ptr<tcp::socket> peer)
{
    ++self.connects;
    self.most_at_once = std::max(self.most_at_once, ++self.connections);
    // Not there: it breaks off at once.
    if (!self.is_away()) co_await converse(self, peer);
    --self.connections;
    boost::system::error_code ignored;
    peer->close(ignored);
}

asio::awaitable<void> listen(remote& self)
{
    for (;;) {
        boost::system::error_code failed;
        auto peer = co_await self.door->async_accept(asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return;
        // Else the kernel waits for its own clock before it sends the second of two replies.
        peer.set_option(tcp::no_delay{true});
        auto const shared = std::make_shared<tcp::socket>(std::move(peer));
        asio::co_spawn(self.door->get_executor(), receive(self, shared), asio::detached);
    }
}

struct letter_plan {
    std::chrono::milliseconds at;
    std::size_t destination;
    std::string sender;
    int priority = 0;
};

class day {
public:
    day(std::size_t destinations, unsigned seed) : destinations_(destinations), random_(seed), seed_(seed)
    {
        rlimit files{};
        ::getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
        ::setrlimit(RLIMIT_NOFILE, &files);
        begin_ = steady_clock::now();
        wall_begin_ = wall_clock::now();
        for (std::size_t i = 0; i < destinations; ++i) open_remote(i);
        world_.loopback_is_us = false;
        world_.mx_port = port_;
        world_.mailbox_threads = 1;
        world_.limits.idle = 5s;
        world_.tls = *net::make_client_tls();
        world_.random_seed = [this] { return ++seed_; };
        plan p;
        p.hostname = "us.example";
        p.local.how = transport::maildir;
        p.local.folder = "/nowhere/%d/%n";
        p.retry = {1min, 5min, 15min, 30min, 1h, 2h};
        p.give_up_after = give_up_after;
        p.delay_notice_after = notice_after;
        p.connections_per_host = 10;
        p.concurrency = 100;
        dispatcher_ =
            std::make_unique<dispatcher>(context_, std::make_shared<plan const>(p), world_,
                                         std::make_unique<postern::testing::fake_resolver>(names_), accounts_, queue);
        queue.on_arrival([this](std::vector<spool::queued_message> all) { dispatcher_->admit(std::move(all)); });
    }
    ~day()
    {
        dispatcher_->wind_down();
        dispatcher_->cut();
        for (auto& r : remotes) r->door.reset();
        for (int i = 0; i < 1000 && !dispatcher_->quiet(); ++i) {
            simulated_time::settle(context_);
            time_.advance(steady_clock::now() + 1min);
        }
        CHECK(dispatcher_->quiet());
        dispatcher_.reset();
    }

    void plan_letter(letter_plan l) { letters_.emplace(l.at, std::move(l)); }

    /// A message now and then to everybody, for so long.
    void plan_usual(std::size_t each, std::chrono::hours span)
    {
        for (std::size_t d = 0; d < destinations_; ++d)
            for (std::size_t i = 0; i < each; ++i)
                plan_letter({std::chrono::milliseconds{static_cast<long>(random_() % 1000) *
                                                           std::chrono::milliseconds{span}.count() / 1000 +
                                                       static_cast<long>(random_() % 1000)},
                             d, "user" + std::to_string(random_() % 40)});
    }

    void run(std::chrono::hours span)
    {
        auto const end = begin_ + span;
        auto const content = std::make_shared<postern::testing::memory_content>(
            "From: a@us.example\r\nSubject: day\r\nMessage-ID: <1@us.example>\r\n\r\nbody\r\n", false);
        for (;;) {
            simulated_time::settle(context_);
            auto const now = steady_clock::now();
            while (!letters_.empty() && begin_ + letters_.begin()->first <= now) {
                send(letters_.begin()->second, content);
                letters_.erase(letters_.begin());
            }
            simulated_time::settle(context_);
            if (now >= end) return;
            auto const next = letters_.empty() ? end : std::min(end, begin_ + letters_.begin()->first);
            time_.advance(next);
        }
    }

    /// All that happened, a line each.
    std::string story() const
    {
        std::string text;
        for (auto const& [id, e] : queue.all)
            for (auto const& h : e.history)
                text += id + ' ' + std::to_string(to_microseconds(h.at) - to_microseconds(wall_begin_)) + ' ' +
                        std::to_string(static_cast<int>(h.what)) + ' ' + e.what.recipients[0].to.forward_path.domain +
                        '\n';
        return text;
    }

    std::size_t number_of(day_spool::entry const& e) const
    {
        return std::stoul(e.what.recipients[0].to.forward_path.domain.substr(1));
    }
    remote& remote_of(day_spool::entry const& e) { return *remotes[number_of(e)]; }
    std::chrono::seconds age_at(day_spool::entry const& e, wall_time at) const
    {
        return std::chrono::duration_cast<std::chrono::seconds>(at - e.what.accepted_at);
    }
    wall_time wall_begin() const { return wall_begin_; }

private:
    void open_remote(std::size_t number)
    {
        auto r = std::make_unique<remote>();
        r->what = kind_of(number);
        r->begin = begin_;
        std::string const address =
            "127.3." + std::to_string(number / 200 + 1) + '.' + std::to_string(number % 200 + 1);
        names_->exchanger(domain_of(number), 10, "mx." + domain_of(number));
        names_->address("mx." + domain_of(number), address);
        r->door = std::make_unique<tcp::acceptor>(context_, tcp::v4());
        r->door->set_option(tcp::acceptor::reuse_address(true));
        r->door->bind({asio::ip::make_address(address), port_});
        port_ = r->door->local_endpoint().port();
        if (r->what != kind::dead) {
            r->door->listen();
            asio::co_spawn(context_, listen(*r), asio::detached);
        }
        remotes.push_back(std::move(r));
    }
    void send(letter_plan const& l, std::shared_ptr<spool::content const> const& content)
    {
        spool::message m;
        char id[16];
        std::snprintf(id, sizeof id, "Q%012zu", ++sent_);
        m.queue_id = id;
        m.account = l.sender + "@us.example";
        m.env.reverse_path.address = {l.sender, "us.example"};
        m.env.priority = static_cast<std::int8_t>(l.priority);
        m.accepted_at = wall_clock::now();
        m.size = content->size();
        spool::stored_recipient r;
        r.to.forward_path = {"r" + std::to_string(sent_), domain_of(l.destination)};
        r.next_attempt = m.accepted_at;
        m.recipients.push_back(std::move(r));
        queue.arrive(std::move(m), content);
    }

    simulated_time time_;  // first: all that follows sees it

public:
    std::vector<std::unique_ptr<remote>> remotes;
    day_spool queue{[] { return wall_clock::now(); }};

private:
    std::size_t destinations_;
    std::mt19937 random_;
    unsigned seed_;
    std::size_t sent_ = 0;
    std::uint16_t port_ = 0;
    steady_time begin_;
    wall_time wall_begin_;
    asio::io_context context_{1};
    postern::testing::fake_directory accounts_;
    std::shared_ptr<postern::testing::names> names_ = std::make_shared<postern::testing::names>();
    surroundings world_;
    std::multimap<std::chrono::milliseconds, letter_plan> letters_;
    std::unique_ptr<dispatcher> dispatcher_;
};

// What the model says of each message.
void check(day& d)
{
    std::map<std::string, std::vector<day_spool::report>> reports;
    for (auto const& r : d.queue.reports) reports[r.about].push_back(r);
    std::map<kind, std::size_t> count;
    for (auto& [id, e] : d.queue.all) {
        auto& r = d.remote_of(e);
        auto const to = e.what.recipients[0].to.forward_path.to_string();
        CAPTURE(id);
        CAPTURE(to);
        CAPTURE(static_cast<int>(r.what));
        ++count[r.what];
        REQUIRE_FALSE(e.history.empty());
        auto const& last = e.history.back();
        auto const age = d.age_at(e, last.at);
        auto const times = r.delivered.contains(to) ? r.delivered[to] : 0u;
        // Nobody is lost, and nobody gets anything twice.
        CHECK(last.what != state::queued);
        CHECK(times == (last.what == state::delivered ? 1 : 0));
        std::size_t failures = 0, delays = 0;
        for (auto const& report : reports[id]) {
            CHECK(report.to == e.what.env.reverse_path.to_string());
            failures += report.text.find("Action: failed") != std::string::npos ? 1 : 0;
            delays += report.text.find("Action: delayed") != std::string::npos ? 1 : 0;
        }
        CHECK(failures == (last.what == state::delivered ? 0 : 1));
        CHECK(delays == (age > notice_after ? 1 : 0));
        switch (r.what) {
            case kind::good:
                CHECK(last.what == state::delivered);
                CHECK(e.history.size() == 1);
                break;
            case kind::slow:
            case kind::limiting: CHECK(last.what == state::delivered); break;
            case kind::greylisting:
                CHECK(last.what == state::delivered);
                CHECK(e.history.size() == 2);
                CHECK(age >= greylisted_for);
                CHECK(age <= greylisted_for + 30s);
                break;
            case kind::dead:
            case kind::silent:
                CHECK(last.what == state::expired);
                CHECK(age >= give_up_after);
                CHECK(age <= give_up_after + 15min);
                // Backs off: 1, 5, 15, 30 and 60 minutes and then two hours apart, and now and then to look
                // whether it works again.
                CHECK(e.history.size() >= 7);
                CHECK(e.history.size() <= 40);
                break;
            case kind::away: {
                auto const back = d.wall_begin() + away_until;
                if (last.what == state::expired) {
                    // Its time was over before anybody could know that it works again.
                    CHECK(age >= give_up_after);
                    CHECK(last.at <= back + 65min);
                } else {
                    CHECK(last.what == state::delivered);
                    CHECK(last.at >= back);
                    // Not at the next of its own attempts, but when it works again.
                    auto const waited = last.at - std::max(back, e.what.accepted_at);
                    CHECK(waited <= 65min);
                }
                break;
            }
            case kind::refusing:
                CHECK(last.what == state::bounced);
                CHECK(e.history.size() == 1);
                break;
        }
    }
    for (auto const& r : d.remotes) {
        // What is dead is looked at, but not hammered: every five minutes in the long run.
        if (r->what == kind::silent) CHECK(r->connects <= 33 * 6);
        if (r->what == kind::limiting) CHECK(r->turned_away <= r->connects / 2 + 5);
    }
    CHECK(count.size() == 8);
}

TEST_CASE("a day with 500 destinations: nothing lost, nobody hammered, reports in time")
{
    day d{500, 1};
    d.plan_usual(12, 24h);
    // A mailing to one destination, in which others write there, too; and one that is limited.
    constexpr std::size_t popular = 43, limited = 48;
    for (int i = 0; i < 1500; ++i) d.plan_letter({6h, popular, "mailing"});
    for (int i = 0; i < 300; ++i) d.plan_letter({7h, limited, "mailing"});
    for (int i = 0; i < 20; ++i)
        d.plan_letter({6h + 1ms + std::chrono::milliseconds{i}, popular, "person" + std::to_string(i)});
    d.run(24h + give_up_after + 1h);
    check(d);
    std::size_t people = 0;
    std::chrono::seconds longest_person{}, longest_of_mailing{};
    for (auto const& [id, e] : d.queue.all) {
        if (d.number_of(e) != popular) continue;
        auto const age = d.age_at(e, e.history.back().at);
        if (e.what.account.starts_with("person")) longest_person = std::max(longest_person, age), ++people;
        if (e.what.account == "mailing@us.example") longest_of_mailing = std::max(longest_of_mailing, age);
    }
    // Each takes three seconds there, on ten connections: the mailing seven minutes, the others a few turns.
    CHECK(people == 20);
    CHECK(longest_of_mailing >= 400s);
    CHECK(longest_person <= 60s);
}

TEST_CASE("the same seed makes the same day")
{
    auto const once = [](unsigned seed) {
        day d{60, seed};
        d.plan_usual(6, 3h);
        d.run(12h);
        return d.story();
    };
    auto const first = once(7);
    CHECK(first == once(7));
    CHECK(first != once(8));
}

}  // namespace
}  // namespace postern::delivery

#endif
