#include "ledger/ledger.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/log.hpp"
#include "store/stamped.hpp"

namespace postern::ledger {
namespace {

constexpr std::int64_t version = 1;
constexpr std::int64_t application = 0x50736775;  // "Psgu"
constexpr std::int64_t day = 86400;
// What nobody asked for in so long is forgotten at the start.
constexpr std::int64_t known_for = 400 * day, counted_for = 2 * day;
constexpr std::size_t key_size = 32;
constexpr store::texts told{"The counters are not available", "There is no room to count"};

constexpr char const* tables = R"(
CREATE TABLE key (value BLOB NOT NULL) STRICT;
CREATE TABLE counter (
    id              INTEGER PRIMARY KEY,  -- a keyed fingerprint of what is counted
    hour            INTEGER NOT NULL,     -- when the periods began, seconds since 1970
    day             INTEGER NOT NULL,
    messages_hour   INTEGER NOT NULL,
    messages_day    INTEGER NOT NULL,
    recipients_hour INTEGER NOT NULL,
    recipients_day  INTEGER NOT NULL,
    new_day         INTEGER NOT NULL,
    told            INTEGER NOT NULL
) STRICT;
CREATE TABLE known (
    id   INTEGER PRIMARY KEY,             -- of an account and a recipient
    last INTEGER NOT NULL
) STRICT;
CREATE TABLE conduct (
    account TEXT PRIMARY KEY,
    step    INTEGER NOT NULL,             -- 1 warned, 2 held, 3 off
    since   INTEGER NOT NULL              -- microseconds since 1970
) STRICT, WITHOUT ROWID;
)";

std::int64_t stored(std::uint64_t id) { return static_cast<std::int64_t>(id); }
std::uint64_t loaded(std::int64_t id) { return static_cast<std::uint64_t>(id); }
std::uint32_t count_of(store::statement const& s, int column)
{
    auto const n = s.integer(column);
    return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(n);
}

error unusable(std::string why) { return {{4, 3, 0}, "The counters are not available", std::move(why)}; }

struct opened {
    store::connection db;
    std::string key;
};

result<opened> open_file(std::filesystem::path const& file)
{
    auto db = store::open_stamped(file, told, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
                                  {application, version},
                                  tables + ("INSERT INTO key VALUES (x'" + to_hex(random_octets(key_size)) + "')"));
    if (!db) return std::move(db.error());
    opened o;
    {
        auto read = db->prepare("SELECT value FROM key");
        if (!read) return std::move(read.error());
        if (read->step() != store::step_result::row) return unusable(file.string() + " has no key");
        o.key = std::string{read->blob(0)};
    }
    if (o.key.size() != key_size) return unusable(file.string() + " has a key of the wrong size");
    o.db = std::move(*db);
    return o;
}

std::int64_t now_seconds()
{
    return std::chrono::duration_cast<std::chrono::seconds>(wall_clock::now().time_since_epoch()).count();
}

result<> read_all(store::connection& db, guard::sending_book& book, guard::conduct_book& conduct)
{
    auto const now = now_seconds();
    auto const forget = "DELETE FROM known WHERE last < " + std::to_string(now - known_for) +
                        "; DELETE FROM counter WHERE day < " + std::to_string(now - counted_for);
    if (auto r = db.execute(forget.c_str()); !r) return r;
    auto counters = db.prepare(
        "SELECT id, hour, day, messages_hour, messages_day, recipients_hour, recipients_day, new_day, told FROM "
        "counter");
    if (!counters) return std::move(counters.error());
    store::step_result step{};
    while ((step = counters->step()) == store::step_result::row) {
        guard::counter_row r;
        r.id = loaded(counters->integer(0));
        r.hour = counters->integer(1);
        r.day = counters->integer(2);
        r.messages_hour = count_of(*counters, 3);
        r.messages_day = count_of(*counters, 4);
        r.recipients_hour = count_of(*counters, 5);
        r.recipients_day = count_of(*counters, 6);
        r.new_day = count_of(*counters, 7);
        r.told = count_of(*counters, 8);
        if (r.id != 0) book.put_in(r);
    }
    if (step == store::step_result::failed) return db.failure("reading guard.db");
    auto steps = db.prepare("SELECT account, step, since FROM conduct");
    if (!steps) return std::move(steps.error());
    while ((step = steps->step()) == store::step_result::row) {
        guard::conduct_report r;
        r.account = std::string{steps->text(0)};
        auto const n = steps->integer(1);
        if (n < 1 || n > 3) continue;
        r.now = static_cast<guard::conduct>(n);
        r.since = from_microseconds(steps->integer(2));
        conduct.put_in(r);
    }
    if (step == store::step_result::failed) return db.failure("reading guard.db");
    auto known = db.prepare("SELECT id, last FROM known");
    if (!known) return std::move(known.error());
    while ((step = known->step()) == store::step_result::row) {
        guard::known_row const r{loaded(known->integer(0)), std::max<std::int64_t>(known->integer(1), 3600)};
        if (r.id != 0) book.put_in(r);
    }
    if (step == store::step_result::failed) return db.failure("reading guard.db");
    return {};
}

class sqlite_ledger final : public ledger {
public:
    sqlite_ledger(options o, opened file) : options_(std::move(o)), db_(std::move(file.db)), book_(std::move(file.key))
    {
    }

    ~sqlite_ledger() override
    {
        {
            std::lock_guard const hold{wake_lock_};
            ending_ = true;
        }
        wake_.notify_all();
        if (thread_.joinable()) thread_.join();
        if (auto r = flush(); !r) complain(r.error());
        upsert_counter_ = {};
        upsert_known_ = {};
        upsert_conduct_ = {};
        erase_conduct_ = {};
    }

    result<> begin()
    {
        if (auto r = read_all(db_, book_, conduct_); !r) return r;
        auto c = db_.prepare("INSERT OR REPLACE INTO counter VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
        if (!c) return std::move(c.error());
        upsert_counter_ = std::move(*c);
        auto k = db_.prepare("INSERT OR REPLACE INTO known VALUES (?1, ?2)");
        if (!k) return std::move(k.error());
        upsert_known_ = std::move(*k);
        auto u = db_.prepare("INSERT OR REPLACE INTO conduct VALUES (?1, ?2, ?3)");
        if (!u) return std::move(u.error());
        upsert_conduct_ = std::move(*u);
        auto e = db_.prepare("DELETE FROM conduct WHERE account = ?1");
        if (!e) return std::move(e.error());
        erase_conduct_ = std::move(*e);
        thread_ = std::thread{[this] { work(); }};
        return {};
    }

    guard::sending_book& sending() override { return book_; }
    guard::conduct_book& conduct() override { return conduct_; }

    result<> flush() override
    {
        std::lock_guard const hold{db_lock_};
        for (;;) {
            if (auto r = store_some(); !r)
                return std::move(r.error());
            else if (!*r)
                return {};
        }
    }

private:
    void work()
    {
        std::unique_lock hold{wake_lock_};
        while (!wake_.wait_for(hold, options_.interval, [this] { return ending_; })) {
            hold.unlock();
            {
                std::lock_guard const db{db_lock_};
                if (auto r = store_some(); !r) complain(r.error());
            }
            hold.lock();
        }
    }

    // Whether there was anything. What could not be stored is tried again with the next.
    result<bool> store_some()
    {
        if (waiting_.empty()) waiting_ = book_.take_changes(options_.rows_at_once);
        if (steps_.empty()) steps_ = conduct_.take_changes();
        if (waiting_.empty() && steps_.empty()) return false;
        auto t = store::transaction::begin(db_);
        if (!t) return std::move(t.error());
        for (auto const& r : waiting_.counters) {
            upsert_counter_.bind(1, stored(r.id)).bind(2, r.hour).bind(3, r.day);
            upsert_counter_.bind(4, r.messages_hour).bind(5, r.messages_day).bind(6, r.recipients_hour);
            upsert_counter_.bind(7, r.recipients_day).bind(8, r.new_day).bind(9, r.told);
            if (!upsert_counter_.run()) return db_.failure("writing guard.db");
        }
        for (auto const& r : waiting_.known)
            if (!upsert_known_.bind(1, stored(r.id)).bind(2, r.last).run()) return db_.failure("writing guard.db");
        for (auto const& r : steps_) {
            bool const gone = r.now == guard::conduct::fine;
            bool const ok = gone ? erase_conduct_.bind_text_copy(1, r.account).run()
                                 : upsert_conduct_.bind_text_copy(1, r.account)
                                       .bind(2, static_cast<std::int64_t>(r.now))
                                       .bind(3, to_microseconds(r.since))
                                       .run();
            if (!ok) return db_.failure("writing guard.db");
        }
        if (auto r = t->commit(); !r) return std::move(r.error());
        waiting_ = {};
        steps_.clear();
        said_ = false;
        return true;
    }

    void complain(error const& e)
    {
        if (said_) return;
        said_ = true;
        log::event(
            log::level::error, "guard_not_stored",
            {{"problem", e.logged}, {"text", "limits hold, but a restart would forget what was counted lately"}});
    }

    options options_;
    store::connection db_;
    guard::sending_book book_;
    std::mutex db_lock_;
    store::statement upsert_counter_, upsert_known_, upsert_conduct_, erase_conduct_;
    guard::conduct_book conduct_{steady_clock::now()};
    std::vector<guard::conduct_report> steps_;
    guard::sending_book::changes waiting_;
    bool said_ = false;
    std::mutex wake_lock_;
    std::condition_variable wake_;
    bool ending_ = false;
    std::thread thread_;
};

result<std::unique_ptr<ledger>> try_open(options const& o)
{
    auto file = open_file(o.folder / "guard.db");
    if (!file) return std::move(file.error());
    auto made = std::make_unique<sqlite_ledger>(o, std::move(*file));
    if (auto r = made->begin(); !r) return std::move(r.error());
    return std::unique_ptr<ledger>{std::move(made)};
}

}  // namespace

result<std::unique_ptr<ledger>> open(options o)
{
    auto made = try_open(o);
    if (made) return made;
    log::event(log::level::error, "guard_state_put_aside",
               {{"problem", made.error().logged}, {"text", "counting begins anew"}});
    auto const file = o.folder / "guard.db";
    std::error_code failed;
    std::filesystem::rename(file, o.folder / "guard.db.bad", failed);
    for (auto const* end : {"-wal", "-shm"}) std::filesystem::remove(file.string() + end, failed);
    return try_open(o);
}

}  // namespace postern::ledger
