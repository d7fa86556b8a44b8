// Many messages, many threads.
#include <set>
#include <thread>

#include "spool/fixture.hpp"
#include "support/run_sql.hpp"

namespace postern::spool {
namespace {

using namespace std::chrono_literals;
using namespace postern::testing;
using namespace testing;

TEST_CASE("a long queue is listed in order, however many portions that takes")
{
    throw_away_folder folder;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    constexpr std::size_t count = 450;
    std::deque<answer> answers(count);
    for (std::size_t i = 0; i < count; ++i) {
        auto body = (*s)->new_content();
        REQUIRE(body->append("text"));
        (*s)->accept(some_message("Q" + std::to_string(100'000 + i)), std::move(body), answers[i].handler());
    }
    for (auto& a : answers) REQUIRE(a.wait());
    for (std::size_t const limit : {1u, 199u, 200u, 201u, 400u, 450u, 1000u}) {
        filter f;
        f.limit = limit;
        auto const all = (*s)->list(f);
        REQUIRE(all);
        REQUIRE(all->size() == std::min(limit, count));
        for (std::size_t i = 0; i < all->size(); ++i)
            CHECK((*all)[i].what.queue_id == "Q" + std::to_string(100'000 + i));
    }
}

TEST_CASE("a log of no size is none that stays")
{
    throw_away_folder folder;
    options o = options_in(folder.path());
    o.log_size = 0;
    auto s = open(o);
    REQUIRE(s);
    REQUIRE(accept(**s, some_message("Q000000000001"), std::string{some_text}));
    CHECK(std::filesystem::file_size(folder.path() / "spool.db-wal") < 256u << 10);
}

TEST_CASE("a hundred thousand deferred messages are no burden")
{
    throw_away_folder folder;
    {
        REQUIRE(open(options_in(folder.path())));
    }
    {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        REQUIRE(accept(**s, some_message("Q000000000000"), std::string{some_text}));
    }
    // As if all had been deferred: the checksum holds for this queue_id only, so what is taken is damaged,
    // but finding what is due is what is measured.
    run_sql(folder.path() / "spool.db",
            "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= 100000)"
            "INSERT INTO schedule (message, queue_id, next_attempt, held) SELECT i, 'Q' || i, 4102444800000000 + i, 0 "
            "FROM n");
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    CHECK(*(*s)->count() == 100'001);
    auto const begin = steady_clock::now();
    for (int i = 0; i < 100; ++i) {
        auto const due = (*s)->take_due(wall_clock::now(), 1000);
        REQUIRE(due);
        CHECK(due->size() == (i == 0 ? 1 : 0));
        CHECK(*(*s)->next_due() == from_microseconds(4'102'444'800'000'002));
    }
    CHECK(steady_clock::now() - begin < 2s);
    CHECK((*s)->find("Q000000000000"));
}

TEST_CASE("many threads at once: each message arrives once, and all are settled")
{
    throw_away_folder folder;
    constexpr int threads = 8, each = 100;
    {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        std::mutex mutex;
        std::set<std::string> seen;
        std::atomic<int> twice = 0, settled = 0, failed = 0;
        (*s)->on_arrival([&](std::vector<queued_message> const& all) {
            for (auto const& m : all) {
                {
                    std::scoped_lock lock{mutex};
                    if (!seen.insert(m.what->queue_id).second) ++twice;
                }
                (*s)->settle(fate_of(m.what->queue_id, 0, recipient_state::delivered), std::nullopt,
                             [&](result<> const& r) {
                                 if (!r) ++failed;
                                 ++settled;
                             });
            }
        });
        std::vector<std::thread> senders;
        senders.reserve(threads);
        for (int t = 0; t < threads; ++t)
            senders.emplace_back([&, t] {
                for (int i = 0; i < each; ++i) {
                    std::string const text(i % 10 == 0 ? 150'000 : 2000, 'x');
                    if (!accept(**s, some_message("Q" + std::to_string(t) + "-" + std::to_string(i)), text)) ++failed;
                    if (i % 7 == 0) static_cast<void>((*s)->take_due(wall_clock::now(), 5));
                    if (i % 11 == 0) static_cast<void>((*s)->list({}));
                    if (i % 13 == 0) static_cast<void>((*s)->room_for(1000));
                }
            });
        for (auto& t : senders) t.join();
        for (int i = 0; i < 1000 && settled < threads * each; ++i) std::this_thread::sleep_for(10ms);
        CHECK(settled == threads * each);
        CHECK(failed == 0);
        CHECK(twice == 0);
        CHECK(seen.size() == threads * each);
        CHECK(*(*s)->count() == 0);
    }
    CHECK(content_files_in(folder.path()) == 0);
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    CHECK((*s)->list({})->empty());
}

TEST_CASE("the write-ahead log begins anew, however long the load lasts")
{
    throw_away_folder folder;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival([&](std::vector<queued_message> const& all) {
        for (auto const& m : all)
            (*s)->settle(fate_of(m.what->queue_id, 0, recipient_state::delivered), std::nullopt, {});
    });
    std::string const text(100'000, 'x');
    for (int round = 0; round < 60; ++round) {
        std::deque<answer> answers(20);
        for (auto& a : answers) {
            auto body = (*s)->new_content();
            REQUIRE(body->append(text));
            (*s)->accept(some_message(make_queue_id()), std::move(body), a.handler());
        }
        for (auto& a : answers) REQUIRE(a.wait());
    }
    // 120 MB went through it.
    CHECK(std::filesystem::file_size(folder.path() / "spool.db-wal") < 16u << 20);
}

}  // namespace
}  // namespace postern::spool
