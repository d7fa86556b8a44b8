#include "spool/schema.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "spool/failures.hpp"
#include "spool/reader.hpp"

namespace postern::spool {
namespace {

constexpr std::int64_t version = 2;
// "Post", so that file(1) and we can tell it from somebody else's database.
constexpr std::int64_t application = 0x506f7374;

// A row of `message` never changes: it is written once and deleted when the last recipient
// is settled, most of them without ever being touched in between. What changes is in the
// other tables, which only know the messages that were not done with at the first attempt.
constexpr char const* tables = R"(
CREATE TABLE message (
    id           INTEGER PRIMARY KEY,  -- order of arrival
    queue_id     TEXT NOT NULL,
    accepted_at  INTEGER NOT NULL,     -- microseconds since 1970-01-01 UTC, as all times
    size         INTEGER NOT NULL,     -- octets of the content
    reverse_path TEXT NOT NULL,        -- for people; the program reads `envelope`
    envelope     BLOB NOT NULL,        -- envelope, recipients, origin (record.cpp)
    file         TEXT,                 -- content/xx/NAME, or NULL: it is in the next column
    content      BLOB
);
CREATE TABLE schedule (
    message      INTEGER PRIMARY KEY,
    queue_id     TEXT NOT NULL,
    next_attempt INTEGER NOT NULL,     -- the earliest of its queued recipients
    held         INTEGER NOT NULL DEFAULT 0,
    accepted_at  INTEGER NOT NULL DEFAULT 0,
    reverse_path TEXT NOT NULL DEFAULT '',
    account      TEXT                  -- who had logged in
);
CREATE INDEX schedule_queue_id ON schedule (queue_id);
CREATE INDEX schedule_due ON schedule (next_attempt) WHERE held = 0;
CREATE TABLE recipient (
    message      INTEGER NOT NULL,
    number       INTEGER NOT NULL,     -- within the envelope, from 0
    state        INTEGER NOT NULL,     -- recipient_state: 0 queued, 1 delivered, 2 bounced, 3 expired, 4 removed
    attempts     INTEGER NOT NULL,
    next_attempt INTEGER NOT NULL,
    last_reply   TEXT NOT NULL,
    domain       TEXT NOT NULL DEFAULT '',
    next_hop     TEXT NOT NULL DEFAULT '',  -- the destination of the last attempt
    PRIMARY KEY (message, number)
) WITHOUT ROWID;
CREATE TABLE file (                    -- all content files, so that the sweep need not read `message`
    name         TEXT PRIMARY KEY,
    message      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE damaged (                 -- rows of `message` that could not be read, for the operator
    id           INTEGER PRIMARY KEY,
    queue_id, accepted_at, size, reverse_path, envelope, file, content,
    found_at     INTEGER NOT NULL,
    reason       TEXT NOT NULL
);
CREATE TABLE state (
    name         TEXT PRIMARY KEY,
    value        INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO state VALUES ('first_attempts_from', 0);
)";

// What version 2 added, for who looks into the queue and for fairness between senders. The state is in the
// indexes so that counting needs nothing else.
constexpr char const* indexes_of_2 = R"(
CREATE INDEX schedule_sender ON schedule (ifnull(account, reverse_path), next_attempt) WHERE held = 0;
CREATE INDEX schedule_held ON schedule (message) WHERE held <> 0;
CREATE INDEX recipient_domain ON recipient (domain, state) WHERE state = 0;
CREATE INDEX recipient_next_hop ON recipient (next_hop, state) WHERE state = 0;
)";
constexpr char const* columns_of_2 = R"(
ALTER TABLE schedule ADD COLUMN accepted_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE schedule ADD COLUMN reverse_path TEXT NOT NULL DEFAULT '';
ALTER TABLE schedule ADD COLUMN account TEXT;
ALTER TABLE recipient ADD COLUMN domain TEXT NOT NULL DEFAULT '';
ALTER TABLE recipient ADD COLUMN next_hop TEXT NOT NULL DEFAULT '';
)";

error not_ours(std::filesystem::path const& file, std::string_view why)
{
    return error{status{4, 3, 0}, "The message could not be stored", file.string() + ' ' + std::string{why}};
}

result<> create_tables(store::connection& db)
{
    std::string const sql = "BEGIN IMMEDIATE;" + std::string{tables} + indexes_of_2 +
                            "PRAGMA application_id = " + std::to_string(application) +
                            "; PRAGMA user_version = " + std::to_string(version) + "; COMMIT";
    return db.execute(sql.c_str());
}

// Version 1 knew less of what waits than the message's row says.
result<> fill_columns_of_2(store::connection& db)
{
    auto waiting =
        db.prepare("SELECT " + std::string{row_columns} + " FROM schedule AS s JOIN message AS m ON m.id = s.message");
    if (!waiting) return waiting.error();
    auto message =
        db.prepare("UPDATE schedule SET accepted_at = ?2, reverse_path = ?3, account = ?4 WHERE message = ?1");
    if (!message) return message.error();
    auto recipient = db.prepare(
        "INSERT INTO recipient (message, number, state, attempts, next_attempt, last_reply, domain)"
        " VALUES (?1, ?2, 0, 0, ?3, '', ?4) ON CONFLICT (message, number) DO UPDATE SET domain = excluded.domain");
    if (!recipient) return recipient.error();
    for (;;) {
        auto const now = waiting->step();
        // Where they were sent was not kept; the next attempt puts right what is wrong here.
        if (now == store::step_result::finished)
            return db.execute("UPDATE recipient SET next_hop = 'mx:' || domain WHERE attempts > 0 AND domain > ''");
        if (now == store::step_result::failed) return db.failure("bringing the spool up to date");
        stored_message const m = decode_row(*waiting);
        std::string const reverse_path = m.what.env.reverse_path.to_string();
        message->bind(1, m.id).bind(2, to_microseconds(m.what.accepted_at)).bind_text(3, reverse_path);
        if (m.what.account.empty()) {
            message->bind_null(4);
        } else {
            message->bind_text(4, m.what.account);
        }
        if (!message->run()) return db.failure("bringing the spool up to date");
        if (!m.damage.empty()) continue;
        for (stored_recipient const& r : m.what.recipients) {
            recipient->bind(1, m.id).bind(2, r.number).bind(3, to_microseconds(r.next_attempt));
            if (!recipient->bind_text(4, r.to.forward_path.domain).run())
                return db.failure("bringing the spool up to date");
        }
    }
}

result<> upgrade_from_1(store::connection& db)
{
    if (auto begun = db.execute("BEGIN IMMEDIATE"); !begun) return begun;
    auto upgraded = db.execute(columns_of_2);
    if (upgraded) upgraded = fill_columns_of_2(db);
    if (upgraded) upgraded = db.execute((std::string{indexes_of_2} + "PRAGMA user_version = 2; COMMIT").c_str());
    if (!upgraded) static_cast<void>(db.execute("ROLLBACK"));
    return upgraded;
}

result<> check_version(store::connection& db, std::filesystem::path const& file)
{
    auto const found = db.number("PRAGMA user_version");
    if (!found) return found.error();
    auto const objects = db.number("SELECT count(*) FROM sqlite_schema");
    if (!objects) return objects.error();
    auto const whose = db.number("PRAGMA application_id");
    if (!whose) return whose.error();
    if (*found == 0 && *objects == 0) return create_tables(db);
    if (*whose != application)
        return not_ours(file, "is a database, but not a spool; move it away or set another data_dir");
    if (*found > version)
        return not_ours(file, "was written by a newer version of Postern (format " + std::to_string(*found) +
                                  ", this program knows " + std::to_string(version) +
                                  "); run that version, or move the file away. It was left untouched");
    if (*found < 1) return not_ours(file, "has no version that this program knows; it was left untouched");
    if (*found == 1) return upgrade_from_1(db);
    return done{};
}

result<> configure(store::connection& db)
{
    // Grown in big steps, the file seldom changes its size, and has some room when the disk has none.
    db.grow_by(4 << 20);
    // Freed pages hold nothing that the live ones next to them don't: no need to overwrite them.
    return db.execute(
        "PRAGMA secure_delete = OFF; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0;"
        "PRAGMA cell_size_check = ON");
}

}  // namespace

result<store::connection> open_for_writing(std::filesystem::path const& file, std::uint64_t log_size)
{
    if (auto const empty = store::trouble_with_empty(file); !empty.empty())
        return error{status{4, 3, 0}, "The message could not be stored", empty};
    // SQLite gives its other files the mode of this one.
    int const descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return file_failure("opening", file, errno);
    ::close(descriptor);

    auto db = store::connection::open(file, store::access::create, failure_texts);
    if (!db) return db;
    std::string const sizes = "PRAGMA page_size = " + std::to_string(page_size) + "; PRAGMA auto_vacuum = NONE";
    if (auto set = db->execute(sizes.c_str()); !set) return set.error();
    if (auto known = check_version(*db, file); !known) return known.error();
    std::string const journal =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;"
        "PRAGMA journal_size_limit = " +
        std::to_string(log_size);
    if (auto set = db->execute(journal.c_str()); !set) return set.error();
    if (auto set = configure(*db); !set) return set.error();
    return db;
}

result<store::connection> open_for_reading(std::filesystem::path const& file)
{
    auto db = store::connection::open(file, store::access::existing, failure_texts);
    if (!db) return db;
    if (auto set = db->execute("PRAGMA synchronous = FULL; PRAGMA cache_size = -4096"); !set) return set.error();
    if (auto set = configure(*db); !set) return set.error();
    return db;
}

result<> renew_log(store::connection& writer, std::filesystem::path const& file, std::uint64_t log_size)
{
    auto const busy = writer.number("PRAGMA wal_checkpoint(TRUNCATE)");
    if (!busy) return busy.error();
    std::filesystem::path const wal = file.string() + "-wal";
    int const descriptor = ::open(wal.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    // No log yet, or somebody reads it: then it just is not as quick.
    if (descriptor < 0) return done{};
    struct stat found {};
    bool filled = true;
    if (*busy == 0 && ::fstat(descriptor, &found) == 0 && found.st_size == 0) {
        // In small pieces: ext4 keeps each in the cache as one unit, and walks through all blocks of a
        // big one for every frame that is written into it later (a fifth of a message's CPU time).
        std::vector<char> const zeros(16u << 10);
        for (std::uint64_t at = 0; at < log_size && filled;) {
            ssize_t const n = ::pwrite(descriptor, zeros.data(), zeros.size(), static_cast<off_t>(at));
            if (n > 0) at += static_cast<std::uint64_t>(n);
            filled = n > 0 || errno == EINTR;
        }
        filled = filled && ::fsync(descriptor) == 0;
        // Room that is short already is better left to messages; then it just is slower.
        if (!filled && ::ftruncate(descriptor, 0) != 0) filled = false;
    }
    ::close(descriptor);
    return done{};
}

}  // namespace postern::spool
