// Reports: after their day, once, to those who ask for them; and not for ever.
#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>

#include "escort/office.hpp"

#include "support/fake_resolver.hpp"
#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace postern::escort;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t day = 20000;

struct world {
    testing::throw_away_folder scratch;
    std::shared_ptr<testing::names> dns = std::make_shared<testing::names>();
    std::atomic<long> hours = 12;  // since the day began
    config::settings settings;
    std::unique_ptr<spool::spool> queue;
    signing::signer signer{1};
    std::mutex lock;
    std::condition_variable came;
    std::vector<std::string> mails;
    std::unique_ptr<office> running;

    world()
    {
        settings.hostname = "us.example";
        spool::options o;
        o.folder = scratch.path();
        o.free_space_floor = 0;
        auto opened = spool::open(o);
        REQUIRE(opened);
        queue = std::move(*opened);
        queue->on_arrival([this](std::vector<spool::queued_message> arrived) {
            std::lock_guard const hold{lock};
            for (auto const& m : arrived) mails.push_back(*m.body->read(0, 1u << 20));
            came.notify_all();
        });
    }
    ~world()
    {
        if (running) running->stop();
        queue->on_arrival({});
    }

    void start()
    {
        office_options o;
        o.folder = scratch.path();
        o.make_resolver = [n = dns](boost::asio::any_io_executor const&) -> result<std::unique_ptr<dns::resolver>> {
            std::unique_ptr<dns::resolver> r = std::make_unique<testing::fake_resolver>(n);
            return r;
        };
        o.now = [this] { return begin_of_day(day) + std::chrono::hours{hours}; };
        o.store_every = 1ms;
        o.look_every = 1ms;
        auto made = office::open(std::move(o), settings, *queue, signer);
        REQUIRE(made);
        running = std::move(*made);
    }
    void publish(std::string const& domain, std::string const& text, dns::finding what = dns::finding::found)
    {
        std::lock_guard const hold{dns->mutex};
        dns->txt["_smtp._tls." + domain].what = what;
        dns->txt["_smtp._tls." + domain].records = {text};
    }
    void count(std::string const& domain)
    {
        session_row r;
        r.day = day;
        r.domain = r.policy.domain = domain;
        running->sessions().add(std::move(r));
    }
    std::size_t open_days() { return running->days()->size(); }
    void wait_until_told()
    {
        while (open_days() != 0) std::this_thread::sleep_for(1ms);
    }
};

}  // namespace

TEST_CASE("a report goes out after its day, once, and only to who asks for it")
{
    world w;
    w.publish("b.example", "v=TLSRPTv1; rua=mailto:reports@b.example");
    w.start();
    w.count("b.example");
    w.count("c.example");
    CHECK(w.open_days() == 2);
    w.hours = 24 + 5;
    w.wait_until_told();
    std::unique_lock hold{w.lock};
    w.came.wait(hold, [&] { return !w.mails.empty(); });
    REQUIRE(w.mails.size() == 1);
    CHECK(w.mails[0].find("To: <reports@b.example>\r\n") != std::string::npos);
    CHECK(w.mails[0].find("TLS-Report-Domain: b.example\r\n") != std::string::npos);
}

TEST_CASE("what can't be told is kept over a restart, and in the end forgotten")
{
    world w;
    w.publish("b.example", "", dns::finding::temporary);
    w.start();
    w.count("b.example");
    CHECK(w.open_days() == 1);
    w.hours = 24 + 5;
    auto const tried = w.running->send_now(false);
    REQUIRE(tried);
    REQUIRE(tried->size() == 1);
    CHECK_FALSE(tried->front().problem.empty());
    w.running->stop();
    w.start();
    CHECK(w.open_days() == 1);
    w.hours = 24 * 5;
    w.wait_until_told();
    std::lock_guard const hold{w.lock};
    CHECK(w.mails.empty());
}

TEST_CASE("whoever wants no reports sent, sends none, and keeps nothing")
{
    world w;
    w.publish("b.example", "v=TLSRPTv1; rua=mailto:reports@b.example");
    w.settings.tlsrpt.send = false;
    w.start();
    w.count("b.example");
    CHECK(w.open_days() == 1);
    w.hours = 24 + 5;
    w.wait_until_told();
    std::lock_guard const hold{w.lock};
    CHECK(w.mails.empty());
}
