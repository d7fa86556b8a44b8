// A disk that is full or failing: everybody is told, nothing is lost, and it goes on when
// the disk is well again. The system calls that SQLite and we write with are replaced here.
#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include "support/faulty_disk.hpp"
#include "support/run_sql.hpp"
#include "support/spool_fixture.hpp"

namespace postern::spool {
namespace {

using namespace std::chrono_literals;
using namespace postern::testing;

// As a client that tries again later.
bool accepted_in_the_end(spool& s, std::string const& id, std::string const& content)
{
    for (int i = 0; i < 50; ++i) {
        if (accept(s, some_message(id), content)) return true;
        std::this_thread::sleep_for(100ms);
    }
    return false;
}

TEST_CASE("a full or failing disk refuses messages, and takes them when it is well again")
{
    struct {
        std::atomic<int>* call;
        int number;
        status told;
    } const cases[] = {
        {&write_error, ENOSPC, {4, 3, 1}},
        {&write_error, EDQUOT, {4, 3, 1}},
        {&write_error, EIO, {4, 3, 0}},
        {&sync_error, EIO, {4, 3, 0}},
    };
    for (auto const& c : cases) {
        CAPTURE(c.number);
        CAPTURE((c.call == &sync_error));
        throw_away_folder folder;
        faulty_disk const disk;
        {
            arrivals got;
            auto s = open(options_in(folder.path()));
            REQUIRE(s);
            (*s)->on_arrival(got.handler());
            REQUIRE(accept(**s, some_message("Q000000000001"), "one"));
            REQUIRE(accept(**s, some_message("Q000000000002"), "two"));
            REQUIRE((*s)->room_for(1000));

            *c.call = c.number;
            answer settled;
            (*s)->settle(fate_of("Q000000000001", 0, recipient_state::delivered), std::nullopt, settled.handler());
            for (int i = 0; i < 3; ++i) {
                auto const refused = accept(**s, some_message("Q00000000000X"), "refused");
                REQUIRE_FALSE(refused);
                CHECK(refused.error().code == c.told);
                CHECK(refused.error().told.view().size() > 0);
                CHECK(refused.error().logged.size() > 0);
                auto const room = (*s)->room_for(1000);
                REQUIRE_FALSE(room);
                CHECK(room.error().code == c.told);
            }
            CHECK(content_files_in(folder.path()) == 0);
            *c.call = 0;
            CHECK(accepted_in_the_end(**s, "Q000000000003", "three"));
            CHECK(settled.wait());
            CHECK((*s)->room_for(1000));
            CHECK(*(*s)->count() == 2);
        }
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        auto const all = (*s)->list({});
        REQUIRE(all);
        REQUIRE(all->size() == 2);
        CHECK((*all)[0].what.queue_id == "Q000000000002");
        CHECK((*all)[1].what.queue_id == "Q000000000003");
    }
}

TEST_CASE("a settlement that can't be stored is stored later, without anybody's help")
{
    throw_away_folder folder;
    faulty_disk const disk;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    REQUIRE(accept(**s, some_message("Q000000000001"), "one"));
    SUBCASE("writing fails") { write_error = EIO; }
    SUBCASE("no room") { write_error = ENOSPC; }
    answer settled;
    (*s)->settle(fate_of("Q000000000001", 0, recipient_state::delivered), std::nullopt, settled.handler());
    std::this_thread::sleep_for(100ms);
    write_error = 0;
    CHECK(settled.wait());
    CHECK(*(*s)->count() == 0);
}

TEST_CASE("a big message whose file can't be synced is refused and leaves nothing")
{
    throw_away_folder folder;
    faulty_disk const disk;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    sync_error = EIO;
    auto const refused = accept(**s, some_message("Q000000000001"), std::string(300'000, 'x'));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == status{4, 3, 0});
    CHECK(content_files_in(folder.path()) == 0);
    sync_error = 0;
    CHECK(accept(**s, some_message("Q000000000002"), std::string(300'000, 'x')));
    CHECK(content_files_in(folder.path()) == 1);
}

TEST_CASE("below the floor there is no room")
{
    throw_away_folder folder;
    options o = options_in(folder.path());
    o.free_space_floor = 1ull << 62;
    auto s = open(o);
    REQUIRE(s);
    auto const room = (*s)->room_for(1);
    REQUIRE_FALSE(room);
    CHECK(room.error().code == status{4, 3, 1});
    // Whoever did not ask is refused all the same, before there is no room for settlements either.
    for (std::size_t size : {10u, 300'000u}) {
        auto const refused = accept(**s, some_message("Q000000000001"), std::string(size, 'x'));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == status{4, 3, 1});
    }
    CHECK(content_files_in(folder.path()) == 0);
}

TEST_CASE("a message with a size that no disk has is refused before it comes")
{
    throw_away_folder folder;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    CHECK((*s)->room_for(1000));
    auto const room = (*s)->room_for(1ull << 62);
    REQUIRE_FALSE(room);
    CHECK(room.error().code == status{4, 3, 1});
}

TEST_CASE("while somebody else holds the database's lock, messages are refused, and later taken")
{
    throw_away_folder folder;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    sqlite3* other = nullptr;
    REQUIRE(sqlite3_open((folder.path() / "spool.db").c_str(), &other) == SQLITE_OK);
    REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
    auto const refused = accept(**s, some_message("Q000000000001"), "one");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == status{4, 3, 0});
    CHECK(refused.error().logged.find("locked") != std::string::npos);
    REQUIRE(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK);
    CHECK(accept(**s, some_message("Q000000000002"), "two"));
    sqlite3_close(other);
}

TEST_CASE("what can't be stored at the end is said to whoever waits")
{
    throw_away_folder folder;
    faulty_disk const disk;
    answer settled;
    {
        arrivals got;
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        (*s)->on_arrival(got.handler());
        REQUIRE(accept(**s, some_message("Q000000000001"), "one"));
        write_error = EIO;
        (*s)->settle(fate_of("Q000000000001", 0, recipient_state::delivered), std::nullopt, settled.handler());
    }
    write_error = 0;
    CHECK_FALSE(settled.wait());
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    CHECK((*s)->take_due(wall_clock::now(), 10)->size() == 1);
}

// What `holds` says becomes true by itself.
template <class Condition>
bool in_the_end(Condition holds)
{
    for (int i = 0; i < 200; ++i) {
        if (holds()) return true;
        std::this_thread::sleep_for(50ms);
    }
    return false;
}

TEST_CASE("when the disk is well again, so is a spool that nobody asks for anything")
{
    throw_away_folder folder;
    faulty_disk const disk;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    REQUIRE(accept(**s, some_message("Q000000000001"), "one"));
    write_error = EIO;
    REQUIRE_FALSE(accept(**s, some_message("Q000000000002"), "two"));
    REQUIRE_FALSE((*s)->list({}));
    auto const before = got.nudges();
    write_error = 0;
    CHECK(in_the_end([&] { return (*s)->list({}).has_value(); }));
    CHECK(in_the_end([&] { return got.nudges() > before; }));
    CHECK((*s)->room_for(1000));
}

TEST_CASE("a disk is not well again because there was nothing to write")
{
    throw_away_folder folder;
    faulty_disk const disk;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    REQUIRE(accept(**s, some_message("Q000000000001"), "one"));
    write_error = ENOSPC;
    bool in_time = false;  // trouble is remembered for a second
    for (int i = 0; i < 20 && !in_time; ++i) {
        auto const before = steady_clock::now();
        REQUIRE_FALSE(accept(**s, some_message("Q000000000002"), "two"));
        auto const nudges = got.nudges();
        static_cast<void>((*s)->retry_now(""));
        REQUIRE(in_the_end([&] { return got.nudges() > nudges; }));
        static_cast<void>((*s)->retry_now(""));
        bool const room = (*s)->room_for(1000).has_value();
        in_time = steady_clock::now() - before < 900ms;
        if (in_time) CHECK_FALSE(room);
    }
    REQUIRE(in_time);
    write_error = 0;
    CHECK(accepted_in_the_end(**s, "Q000000000003", "three"));
    CHECK(in_the_end([&] { return (*s)->room_for(1000).has_value(); }));
}

TEST_CASE("what can't be set aside for want of room is looked at again")
{
    throw_away_folder folder;
    {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        REQUIRE(accept(**s, some_message("Q000000000001"), "one"));
        REQUIRE(accept(**s, some_message("Q000000000002"), "two"));
    }
    run_sql(folder.path() / "spool.db",
            "UPDATE message SET content = cast('eno' AS BLOB) WHERE queue_id = 'Q000000000001';"
            "INSERT INTO schedule (message, queue_id, next_attempt, held) VALUES (4711, 'Q00000000000X', 0, 0)");

    faulty_disk const disk;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    arrivals got;
    (*s)->on_arrival(got.handler());
    write_error = ENOSPC;
    auto const due = (*s)->take_due(wall_clock::now(), 10);
    REQUIRE(due);
    REQUIRE(due->size() == 1);
    CHECK(due->front().what->queue_id == "Q000000000002");
    // Not at once, but whoever delivers learns when.
    CHECK(in_the_end([&] {
        auto const next = (*s)->next_due();
        return next && *next && **next <= wall_clock::now() + 1min;
    }));
    CHECK(in_the_end([&] { return got.nudges() > 0; }));
    CHECK((*s)->take_due(wall_clock::now(), 10)->empty());
    write_error = 0;
    // The operator need not wait.
    std::size_t left = 0;
    SUBCASE("one")
    {
        REQUIRE((*s)->retry_now("Q000000000001"));
        left = 2;
    }
    SUBCASE("all")
    {
        REQUIRE((*s)->retry_now(""));
        left = 1;
    }
    CHECK((*s)->take_due(wall_clock::now(), 10)->empty());
    REQUIRE((*s)->hold("Q000000000002", false));  // behind what was set aside
    auto const all = (*s)->list({});
    REQUIRE(all);
    REQUIRE(all->size() == 2);
    CHECK((*all)[0].unreadable.find("content") != std::string::npos);
    CHECK((*all)[1].unreadable.empty());
    CHECK(*(*s)->count() == left);
}

TEST_CASE("a content file outlives the row that names it, until the disk has forgotten the row")
{
    throw_away_folder folder;
    faulty_disk const disk;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    REQUIRE(accept(**s, some_message("Q000000000001"), std::string(300'000, 'x')));
    REQUIRE(got.next().what != nullptr);
    auto const before = data_syncs.load();
    sync_error = EIO;
    answer settled;
    (*s)->settle(fate_of("Q000000000001", 0, recipient_state::delivered), std::nullopt, settled.handler());
    REQUIRE(in_the_end([&] { return data_syncs > before; }));
    std::this_thread::sleep_for(100ms);
    CHECK(content_files_in(folder.path()) == 1);
    sync_error = 0;
    CHECK(settled.wait());
    CHECK(in_the_end([&] { return content_files_in(folder.path()) == 0; }));
}

TEST_CASE("a content folder that somebody else has just made is synced, too")
{
    throw_away_folder folder;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    auto const content = std::filesystem::canonical(folder.path()) / "content";
    for (int i = 0; i < 256; ++i) {
        std::string const digits = "0123456789abcdef";
        std::filesystem::create_directory(
            content / std::string{digits[static_cast<std::size_t>(i / 16)], digits[static_cast<std::size_t>(i % 16)]});
    }
    {
        std::scoped_lock lock{synced_mutex};
        synced_by_name.clear();
    }
    REQUIRE(accept(**s, some_message("Q000000000001"), std::string(300'000, 'x')));
    std::scoped_lock lock{synced_mutex};
    CHECK(synced_by_name.contains(content.string()));
}

// Opened again, the log is another file; the old one's descriptor would sync nothing.
TEST_CASE("after the database was opened again, no removed log stays open")
{
    throw_away_folder folder;
    faulty_disk const disk;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    for (char const* id : {"Q000000000001", "Q000000000002", "Q000000000003"})
        REQUIRE(accept(**s, some_message(id), "text"));

    // The thread that syncs is kept busy by what it calls, with more to sync after that, ...
    std::promise<void> busy, go_on;
    auto going_on = go_on.get_future().share();
    (*s)->settle(fate_of("Q000000000001", 0, recipient_state::delivered), std::nullopt,
                 [&busy, going_on](result<> const&) {
                     busy.set_value();
                     going_on.wait();
                 });
    busy.get_future().wait();
    answer second;
    (*s)->settle(fate_of("Q000000000002", 0, recipient_state::delivered), std::nullopt, second.handler());
    REQUIRE(in_the_end([&] { return *(*s)->count() == 1; }));
    // ... which it does just before the database's last connection removes the log.
    std::atomic<bool> once = false;
    {
        std::scoped_lock lock{synced_mutex};
        before_unlink = [&] {
            if (once.exchange(true)) return;
            auto const before = data_syncs.load();
            go_on.set_value();
            for (int i = 0; i < 100 && data_syncs == before; ++i) std::this_thread::sleep_for(10ms);
        };
    }
    one_write = true;
    write_error = EIO;
    REQUIRE_FALSE(accept(**s, some_message("Q000000000004"), "refused"));
    {
        std::scoped_lock lock{synced_mutex};
        before_unlink = nullptr;
    }
    REQUIRE(once);
    CHECK(second.wait());
    REQUIRE(accepted_in_the_end(**s, "Q000000000005", "five"));
    CHECK(settle(**s, fate_of("Q000000000003", 0, recipient_state::delivered)));
    for (auto const& each : std::filesystem::directory_iterator("/proc/self/fd")) {
        auto const name = name_of(std::stoi(each.path().filename().string()));
        CHECK_FALSE_MESSAGE((name.starts_with(folder.path().string()) && name.ends_with("(deleted)")), name);
    }
}

// Refuses one message by a rule of the database itself, as a bug or a damaged file would.
void forbid(std::filesystem::path const& folder, std::string const& queue_id)
{
    run_sql(folder / "spool.db", "CREATE TRIGGER forbid BEFORE INSERT ON message WHEN NEW.queue_id = '" + queue_id +
                                     "' BEGIN SELECT RAISE(ABORT, 'forbidden'); END");
}

TEST_CASE("one message that can't be stored is refused alone")
{
    throw_away_folder folder;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    REQUIRE(accept(**s, some_message("Q000000000000"), "zero"));
    forbid(folder.path(), "Q0000000000XX");
    std::promise<void> busy, go_on;
    std::atomic<bool> once = false;
    (*s)->on_arrival([&](std::vector<queued_message> const&) {
        if (once.exchange(true)) return;
        busy.set_value();
        go_on.get_future().wait();
    });
    // The writer is kept busy, so that the others come in one batch.
    REQUIRE(accept(**s, some_message("Q000000000001"), "one"));
    busy.get_future().wait();
    std::deque<answer> answers(8);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        auto body = (*s)->new_content();
        REQUIRE(body->append("text"));
        (*s)->accept(some_message(i == 3 ? "Q0000000000XX" : "Q00000000010" + std::to_string(i)), std::move(body),
                     answers[i].handler());
    }
    answer settled;
    (*s)->settle(fate_of("Q000000000001", 0, recipient_state::delivered), std::nullopt, settled.handler());
    go_on.set_value();
    for (std::size_t i = 0; i < answers.size(); ++i) {
        CAPTURE(i);
        CHECK(answers[i].wait().has_value() == (i != 3));
    }
    CHECK(settled.wait());
    CHECK((*s)->room_for(1000));
    CHECK(*(*s)->count() == 8);
    auto const all = (*s)->list({});
    REQUIRE(all);
    CHECK(all->size() == 8);
    s->reset();
    // Nobody waits for an id that was given back.
    run_sql(folder.path() / "spool.db",
            "CREATE TEMP TABLE t (n CHECK (n = 9)); INSERT INTO t SELECT max(id) FROM message");
}

}  // namespace
}  // namespace postern::spool
