// What operators ask of many messages at once.
#include <algorithm>
#include <future>

#include "base/text.hpp"
#include "spool/failures.hpp"
#include "spool/sqlite_spool.hpp"

namespace postern::spool {
namespace {

// Is it about this one, as far as that is to be seen in the message?
bool matches(filter const& f, message const& m)
{
    if (!f.queue_id.empty() && m.queue_id != f.queue_id) return false;
    if (f.sender && !equal_ignoring_case(m.env.reverse_path.to_string(), *f.sender)) return false;
    if (!f.account.empty() && !equal_ignoring_case(m.account, f.account)) return false;
    if (f.accepted_before && m.accepted_at >= *f.accepted_before) return false;
    if (f.accepted_after && m.accepted_at <= *f.accepted_after) return false;
    return !f.by_recipient() ||
           std::any_of(m.recipients.begin(), m.recipients.end(), [&](auto const& r) { return matches(f, r); });
}

// And about this one, which the tables that are searched do not know of?
bool matches_first_attempt(filter const& f, message const& m, std::int64_t id)
{
    return id > f.after && (f.state == condition::any || f.state == condition::active) && matches(f, m);
}

// The tables do not know what is handed out.
bool matches_when(filter const& f, bool active)
{
    switch (f.state) {
        case condition::active: return active;
        case condition::deferred:
        case condition::waiting: return !active;
        case condition::any:
        case condition::held:
        case condition::unreadable: break;
    }
    return true;
}

bool all_that_wait_match(filter const& f, message const& m)
{
    return std::all_of(m.recipients.begin(), m.recipients.end(),
                       [&](auto const& r) { return r.state != recipient_state::queued || matches(f, r); });
}

}  // namespace

summary sqlite_spool::summarize(stored_message m)
{
    summary s;
    s.active = m.damage.empty() && out_.id_of(m.what.queue_id).has_value();
    s.place = m.id;
    s.what = std::move(m.what);
    s.unreadable = std::move(m.damage);
    return s;
}

result<std::vector<found_message>> sqlite_spool::select(filter const& f, bool with_files)
{
    // Before the question: what is done with its first attempt meanwhile is in the answer.
    auto const first = out_.first_attempts();
    auto found = browser_.select(f, f.limit, with_files);
    if (!found) return found;
    bool const more = found->size() == f.limit;
    std::int64_t const last = found->empty() ? 0 : found->back().id;
    for (auto const& m : first)
        if (matches_first_attempt(f, *m.what, m.id) && !(more && m.id > last))
            found->push_back({m.id, m.what->queue_id, m.file});
    std::sort(found->begin(), found->end(), [](auto const& a, auto const& b) { return a.id < b.id; });
    auto const again =
        std::unique(found->begin(), found->end(), [](auto const& a, auto const& b) { return a.id == b.id; });
    found->erase(again, found->end());
    if (found->size() > f.limit) found->resize(f.limit);
    return found;
}

result<std::vector<stored_message>> sqlite_spool::select_unreadable(filter const& f, portion& walked)
{
    auto aside = source_->damaged({}, f.limit, f.after);
    if (!aside) return aside;
    walked.finished = aside->size() < f.limit;
    walked.after = aside->empty() ? f.after : aside->back().id;
    std::erase_if(*aside, [&](stored_message const& m) { return !matches(f, m.what); });
    return aside;
}

result<std::vector<summary>> sqlite_spool::list_matching(filter const& f)
{
    std::vector<summary> out;
    filter next = f;
    if (f.state == condition::unreadable) {
        for (portion walked; out.size() < f.limit && !walked.finished; next.after = walked.after) {
            auto aside = select_unreadable(next, walked);
            if (!aside) return aside.error();
            for (stored_message& m : *aside)
                if (out.size() < f.limit) out.push_back(summarize(std::move(m)));
        }
        return out;
    }
    while (out.size() < f.limit) {
        auto const found = select(next, false);
        if (!found) return found.error();
        for (auto const& each : *found) {
            auto loaded = source_->load(each.id);
            if (!loaded) return loaded.error();
            if (!*loaded) continue;
            auto one = summarize(std::move(**loaded));
            if (!matches_when(f, one.active)) continue;
            out.push_back(std::move(one));
            if (out.size() == f.limit) break;
        }
        if (found->size() < next.limit) break;
        next.after = found->back().id;
    }
    return out;
}

result<std::uint64_t> sqlite_spool::remove_recipients(std::vector<found_message> const& from, filter const& f)
{
    std::vector<std::future<result<>>> told;
    for (auto const& each : from) {
        auto const loaded = source_->load(each.id);
        if (!loaded) return loaded.error();
        if (!*loaded || !(*loaded)->damage.empty()) continue;
        if (!matches_when(f, out_.id_of(each.queue_id).has_value())) continue;
        settlement s;
        s.queue_id = each.queue_id;
        for (auto const& r : (*loaded)->what.recipients)
            if (matches(f, r))
                s.recipients.push_back({r.number, recipient_state::removed, r.next_attempt, r.last_reply});
        if (s.recipients.empty()) continue;
        auto promise = std::make_shared<std::promise<result<>>>();
        told.push_back(promise->get_future());
        settle(std::move(s), std::nullopt, [promise](result<> r) { promise->set_value(std::move(r)); });
    }
    for (auto& each : told)
        if (auto done_with = each.get(); !done_with) return done_with.error();
    return told.size();
}

result<portion> sqlite_spool::apply_to_unreadable(wish w, filter const& f)
{
    if (w != wish::retry && w != wish::remove)
        return error{{5, 0, 0}, "", "unreadable messages can be retried or removed, nothing else"};
    portion p;
    auto aside = select_unreadable(f, p);
    if (!aside) return aside.error();
    // There is no way to take a part out of one.
    if (w == wish::remove)
        std::erase_if(*aside, [&](stored_message const& m) { return !all_that_wait_match(f, m.what); });
    if (aside->empty()) return p;
    wall_time const now = wall_clock::now();
    std::vector<std::int64_t> back;
    auto done_with = writer_.perform([&](result<>&) {
        p.messages = 0;
        back.clear();
        for (auto const& m : *aside) {
            result<> outcome;
            bool const going_on = w == wish::retry ? writer_.retry_quarantined(m.id, m.what, now, outcome)
                                                   : writer_.remove_quarantined(m.id, m.file, outcome);
            if (!going_on) return false;
            if (!outcome) continue;
            ++p.messages;
            back.push_back(m.id);
        }
        return true;
    });
    if (!done_with) return done_with.error();
    if (w == wish::remove) return p;
    for (auto const id : back) out_.unclaim(id);
    writer_.nudge();
    return p;
}

result<portion> sqlite_spool::apply(wish w, filter const& f)
{
    if (f.state == condition::unreadable) return apply_to_unreadable(w, f);
    auto const found = select(f, w == wish::remove && !f.by_recipient());
    if (!found) return found.error();
    portion p;
    p.finished = found->size() < f.limit;
    p.after = found->empty() ? f.after : found->back().id;
    if (found->empty()) return p;
    if (w == wish::remove && f.by_recipient()) {
        auto const count = remove_recipients(*found, f);
        if (!count) return count.error();
        p.messages = *count;
        return p;
    }
    wall_time const now = wall_clock::now();
    std::uint64_t count = 0;
    auto done_with = writer_.perform([&](result<>&) {
        count = 0;
        for (auto const& each : *found) {
            // Now, not before: the last attempt may have begun or ended meanwhile.
            if (!matches_when(f, out_.id_of(each.queue_id).has_value())) continue;
            result<> outcome;
            bool going_on = true;
            switch (w) {
                case wish::retry: going_on = writer_.retry(each.id, now, outcome); break;
                case wish::hold: going_on = writer_.set_held(each.queue_id, each.id, true, outcome); break;
                case wish::release: going_on = writer_.set_held(each.queue_id, each.id, false, outcome); break;
                case wish::remove: going_on = writer_.remove(each.queue_id, each.id, each.file, outcome); break;
            }
            if (!going_on) return false;
            // One that is gone by now is nobody's fault.
            if (outcome) ++count;
        }
        return true;
    });
    if (!done_with) return done_with.error();
    if (w == wish::retry)
        for (auto const& each : *found) put_off_no_longer(each.id);
    p.messages = count;
    return p;
}

result<std::optional<queued_message>> sqlite_spool::take(std::string_view queue_id)
{
    std::scoped_lock lock{taking_};
    if (out_.id_of(queue_id)) return std::optional<queued_message>{};
    auto const id = source_->scheduled_id(queue_id);
    if (!id) return id.error();
    if (!*id) return not_on_its_way(queue_id);
    if (out_.is_claimed(**id)) return std::optional<queued_message>{};
    std::vector<queued_message> taken;
    out_.begin_reading();
    auto handed = hand_out(**id, wall_time::max(), taken);
    out_.end_reading();
    if (!handed) return handed.error();
    if (taken.empty()) return not_on_its_way(queue_id);
    return std::optional{std::move(taken.front())};
}

void sqlite_spool::hurry(std::string next_hop, std::int64_t after, std::size_t limit,
                         std::function<void(portion)> handler)
{
    auto const made_due = std::make_shared<portion>();
    auto const now = to_microseconds(wall_clock::now());
    writer_.perform_later(
        [this, next_hop, now, after, limit, made_due](result<>&) {
            auto const found = writer_.db().hurry(next_hop, now, after, limit);
            if (found) *made_due = *found;
            return found.has_value();
        },
        [handler, after] {
            handler({0, after, true});
        },
        [this, made_due, handler] {
            if (made_due->messages != 0) writer_.nudge();
            handler(*made_due);
        });
}

result<totals> sqlite_spool::look_over()
{
    auto found = browser_.look_over();
    if (!found) return found;
    auto const first = out_.first_attempts();
    found->active = out_.size();
    found->messages += first.size();
    for (auto const& m : first)
        if (!found->oldest || m.what->accepted_at < *found->oldest) found->oldest = m.what->accepted_at;
    return found;
}

}  // namespace postern::spool
