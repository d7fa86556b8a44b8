// What the writer writes for each message, settlement and wish of the operator, and what of
// it is to be remembered when the transaction is committed.
#include <algorithm>
#include <limits>
#include <utility>

#include "spool/failures.hpp"
#include "spool/writer.hpp"

namespace postern::spool {
namespace {

// Beyond so many, messages wait in the database until somebody asks for them.
constexpr std::size_t most_handed_out = 20'000;

std::int64_t earliest(handout const& h)
{
    std::int64_t at = std::numeric_limits<std::int64_t>::max();
    for (fate const& f : h.fates)
        if (f.state == recipient_state::queued) at = std::min(at, f.next_attempt);
    return at;
}

std::int64_t earliest(message const& m)
{
    std::int64_t at = std::numeric_limits<std::int64_t>::max();
    for (stored_recipient const& r : m.recipients) at = std::min(at, to_microseconds(r.next_attempt));
    return at;
}

bool is_due(message const& m, wall_time now) { return !m.env.release_at || *m.env.release_at <= now; }

bool all_settled(handout const& h)
{
    return std::none_of(h.fates.begin(), h.fates.end(),
                        [](fate const& f) { return f.state == recipient_state::queued; });
}

bool none_pending(handout const& h)
{
    return std::none_of(h.fates.begin(), h.fates.end(), [](fate const& f) { return f.pending; });
}

}  // namespace

bool writer::write_message(incoming& m)
{
    message_row row;
    m.id = row.id = next_id_++;
    row.queue_id = m.what->queue_id;
    row.accepted_at = to_microseconds(m.what->accepted_at);
    row.size = m.what->size;
    row.reverse_path = m.reverse_path;
    row.envelope = m.envelope;
    if (m.file != nullptr) row.file = m.file->name();
    row.content = m.octets;
    if (!db_->insert(row)) return false;
    m.handed_out = !m.what->held && somebody_delivers_ && is_due(*m.what, wall_clock::now()) &&
                   may_be_handed_out(sender_of(*m.what));
    ++effects_.inserted;
    if (m.handed_out) return true;
    effects_.nudge = effects_.nudge || !m.what->held;
    if (!write_schedule(m.id, *m.what, earliest(*m.what))) return false;
    return !m.what->held || db_->set_held(m.id, true);
}

// Nobody takes more of the room than there is left for others: so there always is some for who had none.
bool writer::may_be_handed_out(std::string const& sender)
{
    std::size_t const all = shared_.out.size() + static_cast<std::size_t>(effects_.inserted);
    return all < most_handed_out && shared_.out.size_of(sender) < most_handed_out - all;
}

// What the other tables know of a message that its first attempt did not end.
bool writer::write_schedule(std::int64_t id, message const& what, std::int64_t next_attempt,
                            std::vector<recipient_update const*> const& news)
{
    std::vector<bool> told(what.recipients.size());
    for (recipient_update const* u : news) told[u->number] = true;
    for (std::size_t i = 0; i < told.size(); ++i) {
        stored_recipient const& r = what.recipients[i];
        if (!told[i] && r.state == recipient_state::queued && !db_->add_recipient(id, r)) return false;
    }
    return db_->schedule(id, what, next_attempt);
}

writer::changed& writer::touch(std::string_view queue_id, handout const& h)
{
    return effects_.handouts.try_emplace(std::string{queue_id}, changed{h}).first->second;
}

bool writer::end_message(handout const& h)
{
    effects_.erased.push_back(h.id);
    if (!h.file.empty()) {
        effects_.files.push_back(h.file);
        if (!db_->forget_file(h.file)) return false;
    }
    if (h.scheduled) return db_->forget(h.id);
    effects_.first_attempts_ended.push_back(h.id);
    return true;
}

bool writer::write_settlement(outcome_of_attempt& s)
{
    s.holds = false;
    handout* const h = shared_.out.find(s.what.queue_id);
    if (h == nullptr || h->closing) return true;  // it is gone, and so is what could have been said of it
    auto const& updates = s.what.recipients;
    auto const write_born = [&] {
        s.holds = true;
        return std::all_of(s.born.begin(), s.born.end(), [this](incoming& m) { return write_message(m); });
    };

    // Nearly all: one recipient, done at the first attempt.
    auto const touched = effects_.handouts.find(s.what.queue_id);
    if (touched == effects_.handouts.end() && h->fates.size() == 1 && updates.size() == 1 && !h->removed &&
        updates[0].number == 0 && updates[0].state != recipient_state::queued) {
        h->closing = true;
        effects_.closed.emplace_back(h, &s.what.queue_id);
        return end_message(*h) && write_born();
    }

    changed& c = touched != effects_.handouts.end() ? touched->second : touch(s.what.queue_id, *h);
    if (c.now.removed) {
        c.over = true;
        return true;
    }
    std::vector<recipient_update const*> news;
    for (recipient_update const& u : updates) {
        if (u.number >= c.now.fates.size()) continue;
        fate& f = c.now.fates[u.number];
        if (f.state != recipient_state::queued) continue;
        f = fate{u.state, false, to_microseconds(u.next_attempt)};
        news.push_back(&u);
    }
    // Nothing said: it was not tried, and is due again.
    if (updates.empty())
        for (fate& f : c.now.fates) f.pending = false;
    // Settled by somebody else meanwhile: nobody is to hear of it any more.
    bool const late = news.empty() && !updates.empty();
    if (!late && !write_born()) return false;
    if (all_settled(c.now)) {
        h->closing = true;
        effects_.closed.emplace_back(h, &s.what.queue_id);
        return end_message(c.now);
    }
    c.over = none_pending(c.now);
    bool const first = !std::exchange(c.now.scheduled, true);
    if (first) {
        effects_.first_attempts_ended.push_back(c.now.id);
        if (!write_schedule(c.now.id, *c.now.what, earliest(c.now), news)) return false;
    }
    for (recipient_update const* u : news) {
        if (!first && u->state == recipient_state::queued) {
            if (!db_->defer_again(c.now.id, *u, s.what.next_hop)) return false;
            if (db_->changed_something()) continue;
        }
        auto const& domain = c.now.what->recipients[u->number].to.forward_path.domain;
        if (!db_->update_recipient(c.now.id, domain, *u, s.what.next_hop)) return false;
    }
    // Before others can see it in the schedule.
    shared_.out.claim(c.now.id);
    if (updates.empty()) effects_.nudge = true;
    return first || db_->set_next_attempt(c.now.id, earliest(c.now));
}

bool writer::set_held(std::string_view queue_id, std::int64_t id, bool held, result<>& outcome)
{
    handout* const h = shared_.out.find(queue_id);
    if (h != nullptr && !h->closing) {
        auto const touched = effects_.handouts.find(std::string{queue_id});
        bool const scheduled = touched != effects_.handouts.end() ? touched->second.now.scheduled : h->scheduled;
        if (!scheduled) {
            changed& c = touch(queue_id, *h);
            c.now.scheduled = true;
            effects_.first_attempts_ended.push_back(id);
            shared_.out.claim(id);
            if (!write_schedule(id, *c.now.what, earliest(c.now))) return false;
        }
    }
    if (!db_->set_held(id, held)) return false;
    if (!db_->changed_something()) outcome = no_such_message();
    effects_.nudge = effects_.nudge || !held;
    return true;
}

bool writer::retry(std::int64_t id, wall_time now, result<>& outcome)
{
    static_cast<void>(outcome);
    effects_.nudge = true;
    return db_->set_next_attempt(id, to_microseconds(now));
}

bool writer::remove(std::string_view queue_id, std::int64_t id, std::string_view file, result<>& outcome)
{
    handout* const h = shared_.out.find(queue_id);
    if (h != nullptr && h->closing) {
        outcome = no_such_message();
        return true;
    }
    handout gone;
    if (h != nullptr) {
        changed& c = touch(queue_id, *h);
        c.now.removed = true;
        gone = c.now;
    } else {
        gone.id = id;
        gone.scheduled = true;
        gone.file = file;
    }
    return end_message(gone);
}

bool writer::quarantine(std::int64_t id, std::string_view why)
{
    return db_->quarantine(id, to_microseconds(wall_clock::now()), why, effects_.removed);
}

bool writer::retry_quarantined(std::int64_t id, message const& what, wall_time now, result<>& outcome)
{
    if (!db_->unquarantine(id)) return false;
    if (!db_->changed_something()) {
        outcome = no_such_message();
        return true;
    }
    ++effects_.inserted;
    return write_schedule(id, what, to_microseconds(now));
}

bool writer::remove_quarantined(std::int64_t id, std::string_view file, result<>& outcome)
{
    if (!db_->forget_quarantined(id)) return false;
    if (!db_->changed_something()) {
        outcome = no_such_message();
        return true;
    }
    if (file.empty()) return true;
    effects_.files.emplace_back(file);
    return db_->forget_file(file);
}

bool writer::forget_missing(std::int64_t id)
{
    bool was_missing = false;
    if (!db_->forget_missing(id, was_missing)) return false;
    if (was_missing) ++effects_.removed;
    return true;
}

}  // namespace postern::spool
