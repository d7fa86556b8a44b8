// A disk that is full or failing: everybody is told, nothing is lost, and it goes on when
// the disk is well again. The system calls that SQLite and we write with are replaced here.
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "support/spool_fixture.hpp"

namespace {

std::atomic<int> sync_error = 0;   // errno of fdatasync
std::atomic<int> write_error = 0;  // errno of the database's writes

ssize_t database_write(int descriptor, void const* octets, std::size_t size, off64_t at)
{
    if (int const failing = write_error; failing != 0) {
        errno = failing;
        return -1;
    }
    return ::pwrite64(descriptor, octets, size, at);
}

// Takes the place of SQLite's writes, and gives them back.
class faulty_disk {
public:
    faulty_disk()
    {
        sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
        vfs->xSetSystemCall(vfs, "pwrite64", reinterpret_cast<sqlite3_syscall_ptr>(&database_write));
    }
    ~faulty_disk()
    {
        sync_error = write_error = 0;
        sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
        vfs->xSetSystemCall(vfs, "pwrite64", nullptr);
    }
    faulty_disk(faulty_disk const&) = delete;
    faulty_disk& operator=(faulty_disk const&) = delete;
};

}  // namespace

// The program's own fdatasync goes before the C library's, for SQLite too.
extern "C" int fdatasync(int descriptor)
{
    if (int const failing = sync_error; failing != 0) {
        errno = failing;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}

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

}  // namespace
}  // namespace postern::spool
