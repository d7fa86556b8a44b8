// One batch of the writer: what it writes, and what follows from the commit or its failure.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/fault.hpp"
#include "base/log.hpp"
#include "spool/failures.hpp"
#include "spool/schema.hpp"
#include "spool/writer.hpp"

namespace postern::spool {
namespace {

using namespace std::chrono_literals;

// While nobody wants anything, a database that can't be opened is tried less and less often.
constexpr auto reopen_alone_at_most = 16s;
constexpr auto low_mark_every = 1s;
constexpr auto trouble_log_every = 10s;

}  // namespace

void writer::commit(batch& b)
{
    {
        std::scoped_lock lock{arrival_mutex_};
        somebody_delivers_ = arrival_ != nullptr;
    }
    error why;
    bool const opens = distrusted_ || !db_;
    if (opens && !recover(why)) return failed(b, why, false);
    if (b.accepts.empty() && b.settles.empty() && b.operations.empty()) {
        if (effects_.nudge) tell_of_arrivals({});
        effects_ = {};
        if (opens) works_again();
        return;
    }
    // Nobody waits for a settlement alone: the log's other thread syncs it, and a message that
    // comes now need not wait for the disk twice.
    bool const bounces =
        std::any_of(b.settles.begin(), b.settles.end(), [](outcome_of_attempt const& s) { return !s.born.empty(); });
    durability const d = b.accepts.empty() && b.operations.empty() && !bounces ? durability::later : durability::now;
    auto const begun = steady_clock::now();
    std::size_t const size = b.accepts.size() + b.settles.size() + b.operations.size();
    if (write(b, d)) {
        auto const took = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begun);
        commit_microseconds_ += static_cast<std::uint64_t>(took.count());
        in_commits_ += size;
        ++commits_;
        return committed(b, d);
    }

    why = db_->failure("storing messages");
    bool const guilty = db_->db().last_trouble() == store::trouble::constraint;
    undo_effects();
    error ignored;
    bool const usable = recover(ignored);
    if (usable && guilty && b.settles.size() + b.operations.size() + b.accepts.size() > 1) return commit_halves(b);
    // What makes room should not fail with what needs it.
    if (usable && !b.settles.empty() && !(b.accepts.empty() && b.operations.empty())) {
        batch settles;
        settles.settles.swap(b.settles);
        if (write(settles, durability::now)) {
            committed(settles, durability::now);
        } else {
            undo_effects();
            static_cast<void>(recover(ignored));
            b.settles.swap(settles.settles);
        }
    }
    failed(b, why, guilty);
}

void writer::commit_halves(batch& b)
{
    batch half;
    std::size_t left = (b.settles.size() + b.operations.size() + b.accepts.size()) / 2;
    auto const take = [&left](auto& from, auto& to) {
        auto const count = static_cast<std::ptrdiff_t>(std::min(left, from.size()));
        to.assign(std::make_move_iterator(from.begin()), std::make_move_iterator(from.begin() + count));
        from.erase(from.begin(), from.begin() + count);
        left -= static_cast<std::size_t>(count);
    };
    take(b.settles, half.settles);
    take(b.operations, half.operations);
    take(b.accepts, half.accepts);
    commit(half);
    commit(b);
}

bool writer::write(batch& b, durability d)
{
    ids_from_ = next_id_;
    if (!db_->begin(d)) return false;
    if (!write_low_mark()) return false;
    for (outcome_of_attempt& s : b.settles)
        if (!write_settlement(s)) return false;
    for (operation& o : b.operations) {
        o.outcome = done{};
        if (!o.act(o.outcome)) return false;
    }
    if (!db_->erase(effects_.erased, effects_.removed)) return false;
    for (incoming& m : b.accepts)
        if (!m.failed && !write_message(m)) return false;
    if (!b.accepts.empty()) fault_point("before_commit");
    if (!b.settles.empty()) fault_point("before_settle_commit");
    if (!db_->commit()) return false;
    if (!b.accepts.empty()) fault_point("after_commit");
    if (!b.settles.empty()) fault_point("after_settle_commit");
    return true;
}

bool writer::write_low_mark()
{
    std::int64_t const mark = first_.from();
    steady_time const now = steady_clock::now();
    if (mark == first_written_ || now - first_written_at_ < low_mark_every) return true;
    if (!db_->set_first_attempts_from(mark)) return false;
    first_written_ = mark;
    first_written_at_ = now;
    return true;
}

void writer::committed(batch& b, durability d)
{
    // In the order of their ids: what settlements bring was written first.
    for (outcome_of_attempt& s : b.settles) {
        if (!s.holds) s.born.clear();
        for (incoming& m : s.born) enter(m);
    }
    for (incoming& m : b.accepts) enter(m);
    apply_effects();
    if (db_->schedule_changed()) shared_.out.schedule_changed();

    for (incoming& m : b.accepts) {
        if (!m.handler) continue;
        if (m.failed) {
            m.handler(*m.failed);
        } else {
            m.handler(done{});
        }
    }
    std::vector<queued_message> arrived;
    arrived.reserve(b.accepts.size());
    for (outcome_of_attempt& s : b.settles)
        for (incoming& m : s.born)
            if (m.handed_out) arrived.push_back(ready_for_delivery(m));
    for (incoming& m : b.accepts)
        if (m.handed_out) arrived.push_back(ready_for_delivery(m));
    if (!arrived.empty() || effects_.nudge) tell_of_arrivals(std::move(arrived));
    std::vector<accept_handler> told;
    if (!effects_.files.empty()) told.push_back(removal_of_files());
    effects_ = {};
    for (outcome_of_attempt& s : b.settles) {
        if (!s.handler) continue;
        if (s.all_or_nothing && !s.holds) {
            s.handler(no_such_message());
        } else {
            told.push_back(std::move(s.handler));
        }
    }
    if (d == durability::later) {
        syncer_.sync(std::move(told));
    } else {
        for (accept_handler const& t : told) t(done{});
    }
    for (operation& o : b.operations) {
        if (o.told) o.told->set_value(std::move(o.outcome));
        if (o.committed) o.committed();
    }
    checkpointer_.committed(db_->wal_frames());
    // A full disk takes what changes nothing.
    if (db_->wrote()) works_again();
}

void writer::works_again()
{
    std::scoped_lock lock{mutex_};
    if (!trouble_) return;
    trouble_.reset();
    try_again_at_ = steady_clock::now();
    log::event(log::level::warning, "spool-works-again", {});
}

// Only when the disk knows that no row names them any more: else a crash would bring back the row alone.
accept_handler writer::removal_of_files()
{
    return [this, names = std::move(effects_.files)](result<> const& durable) {
        if (!durable) return;  // swept at the next start
        shared_.helpers.submit([files = shared_.files, names] {
            for (std::string const& name : names) files->remove(name);
        });
    };
}

void writer::enter(incoming& m)
{
    if (m.failed) return;
    first_.add(m.id, m.handed_out);
    if (m.file != nullptr) m.file->keep();
    if (m.handed_out)
        shared_.out.add(m.what->queue_id, make_handout(m.id, false, m.file != nullptr ? m.file->name() : std::string{},
                                                       m.what, wall_time::max()));
}

queued_message writer::ready_for_delivery(incoming& m)
{
    queued_message q;
    if (m.file != nullptr) {
        q.body = content_in_file(shared_.files->path_of(m.file->name()), m.what->size);
    } else if (shared_.budget->take(m.octets.size())) {
        q.body = content_in_memory(std::move(m.octets), shared_.budget);
    } else {
        q.body = content_in_database(shared_.source, m.id, m.what->size);
    }
    q.what = std::move(m.what);
    return q;
}

void writer::tell_of_arrivals(std::vector<queued_message> all)
{
    std::scoped_lock lock{arrival_mutex_};
    if (arrival_) arrival_(std::move(all));
}

void writer::apply_effects()
{
    for (auto& [queue_id, c] : effects_.handouts) {
        handout* const h = shared_.out.find(queue_id);
        if (h == nullptr || h->closing) continue;
        if (c.over) {
            shared_.out.erase(queue_id);
        } else {
            *h = std::move(c.now);
        }
    }
    for (auto const& [h, queue_id] : effects_.closed) shared_.out.erase(*queue_id);
    for (std::int64_t const id : effects_.first_attempts_ended) first_.ended(id);
    count_ += effects_.inserted;
    count_ -= effects_.removed;
}

void writer::undo_effects()
{
    for (auto const& [h, queue_id] : effects_.closed) h->closing = false;
    next_id_ = ids_from_;
    bool const nudge = effects_.nudge;
    effects_ = {};
    effects_.nudge = nudge;
    first_written_at_ = {};
    first_written_ = -1;
}

void writer::failed(batch& b, error const& why, bool guilty)
{
    // Whoever was to look at what is due does so all the same.
    if (effects_.nudge) tell_of_arrivals({});
    effects_ = {};
    if (guilty) {
        log::event(log::level::error, "spool-refused", {{"status", to_string(why.code)}, {"error", why.logged}});
    } else {
        note_trouble(why);
    }
    for (auto& s : b.settles) {
        if (!s.all_or_nothing) {
            unsettled_.push_back(std::move(s));
            continue;
        }
        s.born.clear();
        if (s.handler) s.handler(why);
    }
    try_again_at_ = steady_clock::now() + try_again_after;
    for (incoming& m : b.accepts) {
        m.file.reset();  // before the handler: then nothing of the message remains
        if (m.handler) m.handler(m.failed ? *m.failed : why);
    }
    for (operation& o : b.operations) {
        if (o.told) o.told->set_value(why);
        if (o.undone) o.undone();
    }
}

void writer::note_trouble(error const& why)
{
    std::scoped_lock lock{mutex_};
    steady_time const now = steady_clock::now();
    if (!trouble_ || now - trouble_logged_at_ > trouble_log_every) {
        log::event(log::level::error, "spool-failing", {{"status", to_string(why.code)}, {"error", why.logged}});
        trouble_logged_at_ = now;
    }
    trouble_ = why;
    trouble_at_ = now;
}

bool writer::recover(error& why)
{
    if (db_) {
        bool const passing = db_->passing();
        db_->rollback();
        if (passing && !distrusted_ && !db_->db().in_transaction()) return true;
    }
    distrusted_ = true;
    steady_time const now = steady_clock::now();
    if (now < reopen_not_before_) {
        why = reopen_failed_;
        return false;
    }
    if (auto opened = reopen(); !opened) {
        reopen_not_before_ = now + try_again_after;
        reopen_alone_at_ = now + reopen_alone_after_;
        reopen_alone_after_ = std::min<steady_clock::duration>(2 * reopen_alone_after_, reopen_alone_at_most);
        why = reopen_failed_ = std::move(opened).error();
        return false;
    }
    distrusted_ = false;
    reopen_alone_after_ = try_again_after;
    for (auto const& each : std::exchange(unsynced_, {})) each(done{});
    // In the meantime nothing could be read either.
    tell_of_arrivals({});
    return true;
}

// After a failed sync nobody knows what the disk has: so the log is copied into the database
// and begun anew, and what nobody was told of is taken out again.
result<> writer::reopen()
{
    shared_.source->close();
    checkpointer_.close();
    syncer_.forget_file();
    db_.reset();
    auto opened = tables::open(shared_.database, shared_.log_size);
    if (!opened) return opened.error();
    // A sync that was under way may have opened the log that has just been removed.
    syncer_.forget_file();
    std::string const from = std::to_string(next_id_);
    std::string const sql =
        "BEGIN IMMEDIATE; DELETE FROM message WHERE id >= " + from + "; DELETE FROM schedule WHERE message >= " + from +
        "; DELETE FROM recipient WHERE message >= " + from + "; DELETE FROM file WHERE message >= " + from + "; COMMIT";
    if (auto taken_out = opened->db().execute(sql.c_str()); !taken_out) return taken_out.error();
    if (auto renewed = renew_log(opened->db(), shared_.database, shared_.log_size); !renewed) return renewed.error();
    if (auto reading = shared_.source->reopen(); !reading) return reading.error();
    if (auto copying = checkpointer_.reopen(); !copying) return copying.error();
    // What failed may have been done all the same: so it is counted again.
    std::string const unscheduled = "SELECT count(*) FROM message AS m WHERE m.id >= " + std::to_string(first_.from()) +
                                    " AND NOT EXISTS (SELECT 1 FROM schedule AS s WHERE s.message = m.id)";
    auto const first = opened->db().number(unscheduled.c_str());
    if (!first) return first.error();
    auto const later = opened->db().number("SELECT count(*) FROM schedule");
    if (!later) return later.error();
    count_ = static_cast<std::uint64_t>(*first + *later);
    db_.emplace(std::move(*opened));
    shared_.out.schedule_changed();
    log::event(log::level::warning, "spool-opened-again", {});
    return done{};
}

}  // namespace postern::spool
