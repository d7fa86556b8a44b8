#include "spool/tables.hpp"

#include <algorithm>
#include <utility>

#include "spool/schema.hpp"

namespace postern::spool {

result<tables> tables::open(std::filesystem::path const& file, std::uint64_t log_size)
{
    auto opened = open_for_writing(file, log_size);
    if (!opened) return opened.error();
    tables s;
    s.db_ = std::move(*opened);
    std::pair<store::statement*, char const*> const wanted[] = {
        {&s.begin_, "BEGIN IMMEDIATE"},
        {&s.commit_, "COMMIT"},
        {&s.rollback_, "ROLLBACK"},
        {&s.insert_, "INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
        {&s.insert_file_, "INSERT INTO file VALUES (?1, ?2)"},
        {&s.erase_, "DELETE FROM message WHERE id BETWEEN ?1 AND ?2"},
        {&s.forget_schedule_, "DELETE FROM schedule WHERE message = ?1"},
        {&s.forget_recipients_, "DELETE FROM recipient WHERE message = ?1"},
        {&s.forget_file_, "DELETE FROM file WHERE name = ?1"},
        {&s.schedule_,
         "INSERT INTO schedule (message, queue_id, next_attempt, accepted_at, reverse_path, account)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
         " ON CONFLICT (message) DO UPDATE SET next_attempt = excluded.next_attempt"},
        {&s.new_recipient_,
         "INSERT INTO recipient (message, number, state, attempts, next_attempt, last_reply, domain)"
         " VALUES (?1, ?2, 0, 0, ?3, '', ?4) ON CONFLICT (message, number) DO NOTHING"},
        {&s.deferred_,
         "UPDATE recipient SET attempts = attempts + 1, next_attempt = ?3, last_reply = ?4"
         " WHERE message = ?1 AND number = ?2 AND state = 0 AND (next_hop = ?5 OR ?5 = '')"},
        {&s.recipient_,
         "INSERT INTO recipient (message, number, state, attempts, next_attempt, last_reply, domain, next_hop)"
         " VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7) ON CONFLICT (message, number) DO UPDATE"
         " SET state = excluded.state, attempts = attempts + 1, next_attempt = excluded.next_attempt,"
         " last_reply = excluded.last_reply, next_hop = excluded.next_hop"},
        {&s.held_, "UPDATE schedule SET held = ?2 WHERE message = ?1"},
        {&s.next_, "UPDATE schedule SET next_attempt = ?2 WHERE message = ?1"},
        {&s.forward_,
         "UPDATE schedule SET next_attempt = ?1 WHERE message IN"
         " (SELECT message FROM schedule WHERE held = 0 AND next_attempt > ?1 ORDER BY next_attempt LIMIT ?2)"},
        {&s.hurry_,
         "UPDATE schedule SET next_attempt = ?1 WHERE message IN"
         " (SELECT DISTINCT s.message FROM recipient AS r CROSS JOIN schedule AS s ON s.message = r.message"
         " WHERE r.next_hop = ?2 AND r.state = 0 AND r.message > ?4 AND s.held = 0 AND s.next_attempt > ?1"
         " ORDER BY r.message LIMIT ?3) RETURNING message"},
        {&s.quarantine_, "INSERT OR REPLACE INTO damaged SELECT *, ?2, ?3 FROM message WHERE id = ?1"},
        {&s.unquarantine_,
         "INSERT INTO message SELECT id, queue_id, accepted_at, size, reverse_path, envelope, file, content"
         " FROM damaged WHERE id = ?1"},
        {&s.forget_quarantined_, "DELETE FROM damaged WHERE id = ?1"},
        {&s.missing_, "DELETE FROM schedule WHERE message = ?1 AND NOT EXISTS (SELECT 1 FROM message WHERE id = ?1)"},
        {&s.first_, "UPDATE state SET value = ?1 WHERE name = 'first_attempts_from'"},
    };
    for (auto const& [place, sql] : wanted) {
        auto prepared = s.db_.prepare(sql);
        if (!prepared) return prepared.error();
        *place = std::move(*prepared);
    }
    s.wal_frames_ = std::make_unique<int>(0);
    s.db_.count_frames(s.wal_frames_.get());
    return s;
}

bool tables::begin(durability d)
{
    if (d != durability_) {
        // Without the sync the log still is in order: the next one covers it.
        if (!db_.execute(d == durability::now ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"))
            return false;
        durability_ = d;
    }
    return begin_.run();
}

bool tables::commit()
{
    // Counted only when there is something to write.
    int const before = std::exchange(*wal_frames_, 0);
    bool const committed = commit_.run();
    wrote_ = *wal_frames_ != 0;
    if (!wrote_) *wal_frames_ = before;
    return committed;
}

void tables::rollback() noexcept
{
    if (db_.in_transaction()) rollback_.run();
}

bool tables::passing() const { return db_.last_trouble() != store::trouble::lasting; }

bool tables::insert(message_row const& row)
{
    insert_.bind(1, row.id).bind_text(2, row.queue_id).bind(3, row.accepted_at);
    insert_.bind(4, static_cast<std::int64_t>(row.size)).bind_text(5, row.reverse_path).bind_blob(6, row.envelope);
    if (row.file.empty()) {
        insert_.bind_null(7).bind_blob(8, row.content);
        return insert_.run();
    }
    insert_.bind_text(7, row.file).bind_null(8);
    return insert_.run() && insert_file_.bind_text(1, row.file).bind(2, row.id).run();
}

bool tables::erase(std::vector<std::int64_t>& ids, std::uint64_t& removed)
{
    std::sort(ids.begin(), ids.end());
    for (std::size_t i = 0; i < ids.size();) {
        std::size_t last = i;
        while (last + 1 < ids.size() && ids[last + 1] <= ids[last] + 1) ++last;
        if (!erase_.bind(1, ids[i]).bind(2, ids[last]).run()) return false;
        removed += static_cast<std::uint64_t>(db_.changes());
        i = last + 1;
    }
    return true;
}

bool tables::forget(std::int64_t id)
{
    schedule_changed_ = true;
    return forget_schedule_.bind(1, id).run() && forget_recipients_.bind(1, id).run();
}
bool tables::forget_file(std::string_view name) { return forget_file_.bind_text(1, name).run(); }

bool tables::schedule(std::int64_t id, message const& m, std::int64_t next_attempt)
{
    schedule_changed_ = true;
    std::string const reverse_path = m.env.reverse_path.to_string();
    schedule_.bind(1, id).bind_text(2, m.queue_id).bind(3, next_attempt);
    schedule_.bind(4, to_microseconds(m.accepted_at)).bind_text(5, reverse_path);
    if (m.account.empty()) {
        schedule_.bind_null(6);
    } else {
        schedule_.bind_text(6, m.account);
    }
    return schedule_.run();
}

bool tables::add_recipient(std::int64_t id, stored_recipient const& r)
{
    new_recipient_.bind(1, id).bind(2, r.number).bind(3, to_microseconds(r.next_attempt));
    return new_recipient_.bind_text(4, r.to.forward_path.domain).run();
}

bool tables::update_recipient(std::int64_t id, std::string_view domain, recipient_update const& u,
                              std::string_view next_hop)
{
    recipient_.bind(1, id).bind(2, u.number).bind(3, static_cast<std::int64_t>(u.state));
    recipient_.bind(4, to_microseconds(u.next_attempt)).bind_text(5, u.last_reply);
    return recipient_.bind_text(6, domain).bind_text(7, next_hop).run();
}

bool tables::set_held(std::int64_t id, bool held)
{
    schedule_changed_ = true;
    return held_.bind(1, id).bind(2, held ? 1 : 0).run();
}

bool tables::set_next_attempt(std::int64_t id, std::int64_t next_attempt)
{
    schedule_changed_ = true;
    return next_.bind(1, id).bind(2, next_attempt).run();
}

std::optional<std::size_t> tables::bring_forward(std::int64_t next_attempt, std::size_t limit)
{
    schedule_changed_ = true;
    if (!forward_.bind(1, next_attempt).bind(2, static_cast<std::int64_t>(limit)).run()) return std::nullopt;
    return static_cast<std::size_t>(db_.changes());
}

bool tables::defer_again(std::int64_t id, recipient_update const& u, std::string_view next_hop)
{
    deferred_.bind(1, id).bind(2, u.number).bind(3, to_microseconds(u.next_attempt));
    return deferred_.bind_text(4, u.last_reply).bind_text(5, next_hop).run();
}

std::optional<portion> tables::hurry(std::string_view next_hop, std::int64_t next_attempt, std::int64_t after,
                                     std::size_t limit)
{
    schedule_changed_ = true;
    store::reset_after const end{hurry_};
    hurry_.bind(1, next_attempt).bind_text(2, next_hop).bind(3, static_cast<std::int64_t>(limit)).bind(4, after);
    portion p;
    p.after = after;
    auto step = hurry_.step();
    for (; step == store::step_result::row; step = hurry_.step()) {
        ++p.messages;
        p.after = std::max(p.after, hurry_.integer(0));
    }
    if (step == store::step_result::failed) return std::nullopt;
    p.finished = p.messages < limit;
    return p;
}

bool tables::changed_something() const { return db_.changes() > 0; }

bool tables::quarantine(std::int64_t id, std::int64_t now, std::string_view reason, std::uint64_t& removed)
{
    schedule_changed_ = true;
    std::vector<std::int64_t> ids{id};
    return quarantine_.bind(1, id).bind(2, now).bind_text(3, reason).run() && erase(ids, removed) &&
           forget_schedule_.bind(1, id).run();
}

bool tables::unquarantine(std::int64_t id)
{
    return unquarantine_.bind(1, id).run() && forget_quarantined_.bind(1, id).run();
}

bool tables::forget_quarantined(std::int64_t id)
{
    return forget_recipients_.bind(1, id).run() && forget_quarantined_.bind(1, id).run();
}

bool tables::forget_missing(std::int64_t id, bool& was_missing)
{
    schedule_changed_ = true;
    if (!missing_.bind(1, id).run()) return false;
    was_missing = changed_something();
    return !was_missing || forget_recipients_.bind(1, id).run();
}

bool tables::set_first_attempts_from(std::int64_t id) { return first_.bind(1, id).run(); }

bool tables::restart_log()
{
    db_.set_patience(0);
    auto const copied = db_.copy_whole_log();
    db_.set_patience(store::busy_wait_milliseconds);
    return copied.done || copied.in_the_way;
}

}  // namespace postern::spool
