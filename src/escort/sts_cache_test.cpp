// Domains' policies: had once, kept as long as they say, whatever happens to where they came from.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "escort/sts_cache.hpp"

#include "support/fake_resolver.hpp"
#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace postern::escort;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;

constexpr char const* domain = "b.example";

std::string policy(std::string const& mode, int age = 1000)
{
    return "version: STSv1\nmode: " + mode + "\nmx: mx.b.example\nmax_age: " + std::to_string(age) + "\n";
}

struct world {
    testing::throw_away_folder scratch;
    std::shared_ptr<testing::names> dns = std::make_shared<testing::names>();
    testing::fake_resolver names{dns};
    std::mutex lock;
    std::string page = policy("enforce");  // empty: it can't be fetched
    std::atomic<int> fetches = 0;
    std::atomic<long> ahead = 0;         // seconds
    std::chrono::seconds lasts = 10min;  // what is announced
    asio::io_context context;
    std::unique_ptr<database> kept;
    std::unique_ptr<sts_cache> cache;

    world()
    {
        announce("1");
        start();
    }
    ~world() { cache->stop(); }

    void start(std::size_t most = 100'000)
    {
        cache.reset();
        kept.reset();
        auto made = open_database(scratch.path());
        REQUIRE(made);
        kept = std::move(*made);
        auto const source = [this](std::string const&, std::atomic<bool> const&) {
            ++fetches;
            std::lock_guard const hold{lock};
            fetched f;
            f.text = page;
            f.policy = mail::parse_sts_policy(page, f.problem);
            if (!f.policy) f.result = "sts-policy-fetch-error";
            return f;
        };
        cache = std::make_unique<sts_cache>(
            *kept, source, [this] { return wall_clock::now() + std::chrono::seconds{ahead}; }, most);
    }
    void announce(std::string const& id, std::string const& by = domain)
    {
        std::lock_guard const hold{dns->mutex};
        auto& a = dns->txt["_mta-sts." + by];
        a.what = id.empty() ? dns::finding::no_data : dns::finding::found;
        a.records = {"v=STSv1; id=" + id + ";"};
        if (id.empty()) a.records.clear();
        a.lasts = lasts;
    }
    void serve(std::string text)
    {
        std::lock_guard const hold{lock};
        page = std::move(text);
    }

    static dns::awaitable<void> keep(std::shared_ptr<sts_question> q, sts_finding* out, bool* over)
    {
        *out = co_await q->wait(q);
        *over = true;
    }
    sts_finding ask(std::string const& about = domain)
    {
        sts_finding out;
        bool over = false;
        asio::co_spawn(context, keep(cache->begin(context.get_executor(), names, about), &out, &over), asio::detached);
        auto const work = asio::make_work_guard(context);
        context.restart();
        while (!over) context.run_one();
        return out;
    }
    std::string mode()
    {
        auto const f = ask();
        return f.policy ? std::string{mail::to_string(f.policy->mode)} : "nothing";
    }
};

}  // namespace

TEST_CASE("a policy is fetched once, and kept over a restart")
{
    world w;
    CHECK(w.mode() == "enforce");
    CHECK(w.mode() == "enforce");
    CHECK(w.fetches == 1);
    w.start();
    CHECK(w.mode() == "enforce");
    CHECK(w.fetches == 1);
}

TEST_CASE("a new id brings a new policy; where that can't be had, the old one holds until its end")
{
    world w;
    CHECK(w.mode() == "enforce");
    w.announce("2");
    w.serve(policy("testing"));
    w.start();
    CHECK(w.mode() == "testing");
    w.announce("3");
    w.serve("");
    w.start();
    auto const f = w.ask();
    REQUIRE(f.policy);
    CHECK(f.policy->mode == mail::sts_mode::testing);
    CHECK(f.result == "sts-policy-fetch-error");
    w.ahead = 1001;
    CHECK(w.mode() == "nothing");
}

TEST_CASE("the record's absence ends no policy before its time")
{
    world w;
    CHECK(w.mode() == "enforce");
    w.announce("");
    w.start();
    CHECK(w.mode() == "enforce");
    w.ahead = 1001;
    CHECK(w.mode() == "nothing");
    CHECK(w.fetches == 1);
}

TEST_CASE("what the record says holds for its time to live, within bounds")
{
    struct row {
        std::chrono::seconds lasts, still, not_any_more;
    };
    for (auto const& r : {row{10min, 590s, 610s}, {0s, 50s, 70s}, {48h, 86'300s, 86'500s}}) {
        CAPTURE(r.lasts.count());
        world w;
        w.lasts = r.lasts;
        w.announce("1");
        w.serve(policy("enforce", 1'000'000));
        CHECK(w.mode() == "enforce");
        w.announce("2");
        w.serve(policy("testing", 1'000'000));
        w.ahead = r.still.count();
        CHECK(w.mode() == "enforce");
        w.ahead = r.not_any_more.count();
        CHECK(w.mode() == "testing");
        // So does that there is none.
        w.announce("", "none.example");
        w.ahead = 0;
        CHECK_FALSE(w.ask("none.example").policy);
        w.announce("1", "none.example");
        w.ahead = r.still.count();
        CHECK_FALSE(w.ask("none.example").policy);
        w.ahead = r.not_any_more.count();
        CHECK(w.ask("none.example").policy);
    }
}

TEST_CASE("a long time to live keeps nobody from a policy that could not be had, or has ended")
{
    world w;
    w.lasts = 12h;
    w.announce("1");
    w.serve("");
    CHECK(w.mode() == "nothing");
    w.serve(policy("enforce"));
    w.ahead = 290;
    CHECK(w.mode() == "nothing");
    w.ahead = 310;
    CHECK(w.mode() == "enforce");
    w.ahead = 310 + 1001;
    CHECK(w.mode() == "enforce");
    CHECK(w.fetches == 3);
}

TEST_CASE("without a record nobody is asked for a policy, and a fetch that failed is not repeated at once")
{
    world w;
    w.announce("");
    CHECK(w.mode() == "nothing");
    CHECK(w.fetches == 0);
    w.announce("1");
    w.serve("");
    w.start();
    CHECK(w.mode() == "nothing");
    CHECK(w.ask().result == "sts-policy-fetch-error");
    CHECK(w.fetches == 1);
}

TEST_CASE("name servers that don't answer leave what is known")
{
    world w;
    CHECK(w.mode() == "enforce");
    {
        std::lock_guard const hold{w.dns->mutex};
        w.dns->txt["_mta-sts.b.example"] = {};
    }
    w.start();
    CHECK(w.mode() == "enforce");
}

TEST_CASE("who waits when delivery ends is forgotten")
{
    world w;
    std::unique_lock hold{w.lock};  // the fetch hangs
    sts_finding out;
    bool over = false;
    {
        asio::io_context gone;
        asio::co_spawn(gone, world::keep(w.cache->begin(gone.get_executor(), w.names, domain), &out, &over),
                       asio::detached);
        gone.poll();
        while (w.fetches == 0) std::this_thread::yield();
        w.cache->forget_waiters();
    }
    hold.unlock();
    CHECK(w.mode() == "enforce");
    CHECK_FALSE(over);
}

TEST_CASE("strangers' policies without end: those go first that end first, and the number has a bound")
{
    world w;
    w.start(20);
    auto const ask = [&](std::string const& name, int age) {
        w.announce("1", name);
        w.serve(policy("enforce", age));
        auto const f = w.ask(name);
        CHECK(f.policy.has_value());
    };
    ask("lasting.example", 30'000'000);
    for (int i = 0; i < 100; ++i) {
        ask("d" + std::to_string(i) + ".example", 1000 + i);
        CHECK(w.cache->size() <= 20);
    }
    int const before = w.fetches;
    CHECK(w.ask("lasting.example").policy.has_value());
    CHECK(w.ask("d99.example").policy.has_value());
    CHECK(w.fetches == before);
    // What was read at the start has the same bound.
    w.start(20);
    CHECK(w.cache->size() <= 20);
    CHECK(w.ask("lasting.example").policy.has_value());
    CHECK(w.fetches == before);
}
