#include "audit/book.hpp"

#include "store/stamped.hpp"

namespace postern::audit {
namespace {

constexpr std::int64_t application = 0x50736175;  // "Psau"
constexpr std::int64_t version = 1;
constexpr store::texts told{"The audit log is not available", "There is no room for the audit log"};

// `number` counts the rows of its kind without gaps, so the triggers know the oldest by it.
std::string tables()
{
    auto const age = std::to_string(std::chrono::microseconds{book::longest}.count());
    auto const most = std::to_string(book::most_rows);
    return R"(
CREATE TABLE audit (
    own        INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    time       INTEGER NOT NULL,    -- microseconds since 1970
    through    TEXT NOT NULL,
    who        TEXT NOT NULL,
    role       TEXT NOT NULL,
    origin     TEXT NOT NULL,
    command    TEXT NOT NULL,
    account    TEXT NOT NULL,
    arguments  TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    PRIMARY KEY (own, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_by_time ON audit (time);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_keeps BEFORE DELETE ON audit
    WHEN OLD.number + )" +
           most + R"( > (SELECT max(number) FROM audit WHERE own = OLD.own)
     AND OLD.time + )" +
           age + R"( > (SELECT max(time) FROM audit)
    BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
)";
}

}  // namespace

result<std::unique_ptr<book>> book::open(std::filesystem::path const& folder)
{
    auto const file = folder / "audit.db";
    auto db = store::open_stamped(file, told, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
                                  {application, version, "no audit log"}, tables());
    if (!db) return std::move(db.error());
    std::unique_ptr<book> made{new book{std::move(*db)}};
    if (auto r = made->prepare(); !r) return std::move(r.error());
    return made;
}

result<> book::prepare()
{
    struct {
        store::statement& to;
        char const* sql;
    } const statements[] = {
        {next_, "SELECT coalesce(max(number), 0) + 1 FROM audit WHERE own = ?1"},
        {insert_, "INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"},
        // A few at a time: more than come in. Two statements, since each has an index of its own: as one, it reads all rows.
        {drop_many_,
         "DELETE FROM audit WHERE (own, number) IN (SELECT own, number FROM audit WHERE own = ?1 AND number <= ?2"
         " ORDER BY number LIMIT 10)"},
        {drop_old_,
         "DELETE FROM audit WHERE (own, number) IN (SELECT own, number FROM audit WHERE time <= ?1 ORDER BY time"
         " LIMIT 10)"},
    };
    for (auto const& s : statements) {
        auto made = db_.prepare(s.sql);
        if (!made) return std::move(made.error());
        s.to = std::move(*made);
    }
    return {};
}

result<> book::add(row const& r)
{
    std::scoped_lock const hold{lock_};
    auto t = store::transaction::begin(db_);
    if (!t) return std::move(t.error());
    std::int64_t const own = r.own ? 1 : 0;
    std::int64_t number = 0;
    {
        store::reset_after const at_end{next_};
        if (next_.bind(1, own).step() != store::step_result::row) return db_.failure("reading audit.db");
        number = next_.integer(0);
    }
    insert_.bind(1, own).bind(2, number).bind(3, to_microseconds(r.time));
    insert_.bind_text(4, r.through).bind_text(5, r.who).bind_text(6, r.role).bind_text(7, r.from);
    insert_.bind_text(8, r.command).bind_text(9, r.account).bind_text(10, r.arguments).bind_text(11, r.outcome);
    bool const added = insert_.run();
    insert_.forget_parameters();
    if (!added) return db_.failure("writing audit.db");
    if (auto dropped = drop_oldest(own, number, r.time); !dropped) return dropped;
    return t->commit();
}

result<> book::drop_oldest(std::int64_t own, std::int64_t number, wall_time now)
{
    drop_many_.bind(1, own).bind(2, number - most_rows);
    drop_old_.bind(1, to_microseconds(now - longest));
    if (!drop_many_.run() || !drop_old_.run()) return db_.failure("shortening audit.db");
    return {};
}

result<std::vector<row>> book::list(filter const& f)
{
    std::scoped_lock const hold{lock_};
    auto s = db_.prepare(
        "SELECT own, number, time, through, who, role, origin, command, account, arguments, outcome FROM audit"
        " WHERE time >= ?1 AND (?2 = '' OR account = ?2 OR who = ?2) AND (?4 = 0 OR (time, number, own) <"
        " (SELECT time, number, own FROM audit WHERE own = ?4 % 2 AND number = ?4 / 2))"
        " ORDER BY time DESC, number DESC, own DESC LIMIT ?3");
    if (!s) return std::move(s.error());
    s->bind(1, f.since ? to_microseconds(*f.since) : 0).bind_text(2, f.account);
    s->bind(3, static_cast<std::int64_t>(f.most)).bind(4, f.before.value_or(0));
    std::vector<row> found;
    store::step_result step{};
    while ((step = s->step()) == store::step_result::row) {
        row r;
        r.own = s->integer(0) != 0;
        r.number = 2 * s->integer(1) + s->integer(0);
        r.time = from_microseconds(s->integer(2));
        int column = 3;
        for (auto* to : {&r.through, &r.who, &r.role, &r.from, &r.command, &r.account, &r.arguments, &r.outcome})
            *to = s->text(column++);
        found.push_back(std::move(r));
    }
    if (step == store::step_result::failed) return db_.failure("reading audit.db");
    return found;
}

}  // namespace postern::audit
