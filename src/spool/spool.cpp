#include "spool/sqlite_spool.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "spool/failures.hpp"
#include "spool/record.hpp"

namespace postern::spool {
namespace {

constexpr std::size_t retry_at_once = 2000;
// While a portion is read, nothing else is.
constexpr std::size_t list_at_once = 200;
constexpr auto unreadable_rests = std::chrono::minutes{1};
constexpr auto reader_rests = std::chrono::seconds{1};

}  // namespace

/// As the writer wants it, but for a file that still has to reach the disk.
incoming sqlite_spool::take_in(message what, std::unique_ptr<content_writer> body, accept_handler handler)
{
    std::unique_ptr<buffered_content> content{dynamic_cast<buffered_content*>(body.get())};
    if (content == nullptr) {
        incoming m = make_incoming(std::move(what), {}, nullptr, std::move(handler));
        m.failed = error{status{4, 3, 0}, "The message could not be stored", "content that is not from this spool"};
        return m;
    }
    static_cast<void>(body.release());
    std::optional<error> failed = content->failed();
    // Were the disk filled to the last, settlements could not be stored either, and nothing would ever
    // make room again. What is in the log needs its place in the database, too.
    if (!failed)
        if (auto const room = room_.check(0, room_.floor() / 2 + writer_.octets_in_log()); !room) failed = room.error();
    if (!failed && content->in_file())
        return make_incoming(std::move(what), {}, std::move(content), std::move(handler));
    incoming m = make_incoming(std::move(what), content->take_octets(), nullptr, std::move(handler));
    if (failed) m.failed = std::move(failed);
    return m;
}

void sqlite_spool::put_on_disk(incoming& m)
{
    auto synced = m.file->flush();
    if (synced) synced = m.file->sync();
    if (synced) return;
    m.failed = synced.error();
    m.file.reset();
    log::event(log::level::error, "spool-failing",
               {{"status", to_string(m.failed->code)}, {"error", m.failed->logged}});
}

void sqlite_spool::accept(message what, std::unique_ptr<content_writer> body, accept_handler handler)
{
    incoming m = take_in(std::move(what), std::move(body), std::move(handler));
    if (m.file == nullptr) return writer_.accept(std::move(m));
    // std::function wants what it holds to be copyable.
    helpers_.submit([this, m = std::make_shared<incoming>(std::move(m))] {
        put_on_disk(*m);
        writer_.accept(std::move(*m));
    });
}

result<queued_message> sqlite_spool::ready_for_delivery(stored_message& m)
{
    queued_message q;
    std::uint64_t const size = m.what.size;
    if (!m.file.empty()) {
        auto const file = files_->path_of(m.file);
        bool damaged = false;
        if (auto fine = check_content_file(file, size, damaged); !fine) {
            if (damaged) m.damage = fine.error().logged;
            return fine.error();
        }
        q.body = content_in_file(file, size);
    } else if (budget_->take(size)) {
        auto octets = source_->read_content(m.id, 0, static_cast<std::size_t>(size) + 1);
        if (!octets) {
            budget_->give_back(size);
            return octets.error();
        }
        if (octets->size() != size || checksum(*octets) != m.content_checksum) {
            budget_->give_back(size);
            m.damage = "its content is not as it was written";
            return error{status{4, 3, 0}, "The message is damaged", m.damage};
        }
        q.body = content_in_memory(std::move(*octets), budget_);
    } else {
        q.body = content_in_database(source_, m.id, size);
    }
    q.what = std::make_shared<message const>(std::move(m.what));
    return q;
}

// A message that can't be read is no reason to keep the others.
void sqlite_spool::set_aside(stored_message const& m)
{
    log::event(log::level::error, "spool-message-damaged",
               {{"queue_id", printable(m.what.queue_id, 64)}, {"row", m.id}, {"error", m.damage}});
    out_.claim(m.id);
    writer_.perform_later([this, id = m.id, why = m.damage](result<>&) { return writer_.quarantine(id, why); },
                          [this, id = m.id] { give_back(id); });
}

void sqlite_spool::forget_missing(std::int64_t id)
{
    out_.claim(id);
    writer_.perform_later([this, id](result<>&) { return writer_.forget_missing(id); }, [this, id] { give_back(id); });
}

// It could not be put in order now: later, as if it had not been looked at.
void sqlite_spool::give_back(std::int64_t id)
{
    put_off({id}, unreadable_rests);
    out_.unclaim(id);
    writer_.nudge();
}

result<> sqlite_spool::hand_out(std::int64_t id, wall_time now, std::vector<queued_message>& to)
{
    auto loaded = source_->load(id);
    if (!loaded) return loaded.error();
    if (!*loaded) {
        forget_missing(id);
        return done{};
    }
    stored_message& m = **loaded;
    if (m.damage.empty()) {
        auto ready = ready_for_delivery(m);
        if (ready) {
            out_.add(ready->what->queue_id, make_handout(m.id, m.scheduled, m.file, ready->what, now));
            to.push_back(std::move(*ready));
            return done{};
        }
        if (m.damage.empty()) return ready.error();
    }
    set_aside(m);
    return done{};
}

void sqlite_spool::put_off(std::vector<std::int64_t> const& ids, steady_clock::duration how_long)
{
    std::scoped_lock lock{put_off_mutex_};
    for (auto const id : ids) put_off_[id] = steady_clock::now() + how_long;
    out_.schedule_changed();
}

// The operator wants it tried now.
void sqlite_spool::put_off_no_longer(std::optional<std::int64_t> id)
{
    std::scoped_lock lock{put_off_mutex_};
    if (id) {
        put_off_.erase(*id);
    } else {
        put_off_.clear();
    }
    out_.schedule_changed();
}

bool sqlite_spool::is_put_off(std::int64_t id)
{
    std::scoped_lock lock{put_off_mutex_};
    auto const at = put_off_.find(id);
    if (at == put_off_.end()) return false;
    if (at->second > steady_clock::now()) return true;
    put_off_.erase(at);
    return false;
}

std::optional<wall_time> sqlite_spool::end_of_put_off()
{
    std::scoped_lock lock{put_off_mutex_};
    // Who has rested is in the schedule again, unless it was removed meanwhile.
    std::erase_if(put_off_, [now = steady_clock::now()](auto const& each) { return each.second <= now; });
    if (put_off_.empty()) return std::nullopt;
    auto const first = std::min_element(put_off_.begin(), put_off_.end(),
                                        [](auto const& a, auto const& b) { return a.second < b.second; });
    auto const left = first->second - steady_clock::now();
    return wall_clock::now() + std::chrono::duration_cast<wall_clock::duration>(left);
}

result<std::vector<queued_message>> sqlite_spool::take_due(wall_time now, std::size_t limit)
{
    std::scoped_lock lock{taking_};
    struct reading {
        explicit reading(handouts& h) : out(h) { out.begin_reading(); }
        ~reading() { out.end_reading(); }
        handouts& out;
    } const guard{out_};

    auto const skip = [this](std::int64_t id) { return out_.is_claimed(id) || is_put_off(id); };
    auto due = source_->due(now, limit, skip);
    if (due && due->size() == limit) due = source_->due_in_turn(now, limit, skip);
    if (!due) return due.error();
    std::vector<queued_message> found;
    found.reserve(due->size());
    std::vector<std::int64_t> unreadable;
    result<> failed;
    for (auto const& m : *due) {
        auto handed = hand_out(m.id, now, found);
        if (handed) continue;
        unreadable.push_back(m.id);
        failed = std::move(handed);
    }
    if (unreadable.empty()) return found;
    // One that can't be read must not stand in the way of the others; where none can be read,
    // it is not their fault.
    put_off(unreadable, found.empty() ? reader_rests : unreadable_rests);
    if (found.empty()) return failed.error();
    log::event(log::level::error, "spool-message-unreadable",
               {{"messages", unreadable.size()}, {"row", unreadable.front()}, {"error", failed.error().logged}});
    return found;
}

// Asked again and again while mail goes through, and mostly the answer is the same.
result<std::optional<wall_time>> sqlite_spool::next_due()
{
    std::scoped_lock lock{next_due_mutex_};
    std::uint64_t const changes = out_.changes();
    if (next_due_ && changes == next_due_as_of_) return *next_due_;
    // Before the question: who rests no longer when it is asked is in its answer.
    auto const rested = end_of_put_off();
    auto const due =
        source_->due(std::nullopt, 1, [this](std::int64_t id) { return out_.is_claimed(id) || is_put_off(id); });
    if (!due) return due.error();
    auto const scheduled = due->empty() ? std::optional<wall_time>{} : std::optional{due->front().at};
    next_due_.reset();
    // That answer changes by itself, with time.
    if (rested) return std::optional{std::min(*rested, scheduled.value_or(*rested))};
    next_due_ = scheduled;
    next_due_as_of_ = changes;
    return scheduled;
}

// Not handed out: after the fact, as it were. Then it is handed out for this.
void sqlite_spool::have_out(std::string const& queue_id)
{
    if (out_.id_of(queue_id) != std::nullopt) return;
    std::scoped_lock lock{taking_};
    auto const id = source_->scheduled_id(queue_id);
    if (!id || !*id || out_.is_claimed(**id)) return;
    auto loaded = source_->load(**id);
    if (!loaded || !*loaded || !(*loaded)->damage.empty()) return;
    stored_message& m = **loaded;
    auto const known = std::make_shared<message const>(std::move(m.what));
    out_.add(queue_id, make_handout(m.id, m.scheduled, m.file, known, wall_time::min()));
}

void sqlite_spool::settle(settlement what, std::optional<std::pair<message, std::string>> bounce,
                          accept_handler handler)
{
    have_out(what.queue_id);
    outcome_of_attempt s;
    s.what = std::move(what);
    if (bounce) s.born.push_back(make_incoming(std::move(bounce->first), std::move(bounce->second), nullptr, {}));
    s.handler = std::move(handler);
    writer_.settle(std::move(s));
}

void sqlite_spool::replace(settlement what, std::vector<successor> by, accept_handler handler)
{
    have_out(what.queue_id);
    // std::function wants what it holds to be copyable.
    auto const s = std::make_shared<outcome_of_attempt>();
    s->what = std::move(what);
    s->handler = std::move(handler);
    s->all_or_nothing = true;
    for (successor& each : by) s->born.push_back(take_in(std::move(each.what), std::move(each.body), {}));
    helpers_.submit([this, s] {
        for (incoming& m : s->born)
            if (m.file != nullptr && !m.failed) put_on_disk(m);
        auto const failed =
            std::find_if(s->born.begin(), s->born.end(), [](incoming const& m) { return m.failed.has_value(); });
        if (failed == s->born.end()) return writer_.settle(std::move(*s));
        error const why = *failed->failed;
        s->born.clear();  // before the handler: then nothing of them remains
        s->handler(why);
    });
}

result<std::optional<std::int64_t>> sqlite_spool::id_of(std::string_view queue_id)
{
    if (auto const id = out_.id_of(queue_id)) return id;
    return source_->scheduled_id(queue_id);
}

result<std::vector<summary>> sqlite_spool::list_one(std::string_view queue_id)
{
    std::vector<summary> out;
    auto const id = id_of(queue_id);
    if (!id) return id.error();
    if (*id) {
        auto loaded = source_->load(**id);
        if (!loaded) return loaded.error();
        if (*loaded) {
            out.push_back(summarize(std::move(**loaded)));
            return out;
        }
    }
    auto aside = source_->damaged(queue_id, 1);
    if (!aside) return aside.error();
    for (stored_message& m : *aside) out.push_back(summarize(std::move(m)));
    return out;
}

result<std::vector<summary>> sqlite_spool::list(filter const& f)
{
    if (f.limit == 0) return std::vector<summary>{};
    if (!f.queue_id.empty()) return list_one(f.queue_id);
    if (f.selects()) return list_matching(f);
    std::vector<stored_message> all;
    for (std::int64_t after = f.after; all.size() < f.limit;) {
        auto portion = source_->list(after, std::min(list_at_once, f.limit - all.size()));
        if (!portion) return portion.error();
        if (portion->empty()) break;
        after = portion->back().id;
        std::move(portion->begin(), portion->end(), std::back_inserter(all));
    }
    // Last, so that none is missed that is set aside meanwhile.
    auto aside = source_->damaged({}, f.limit, f.after);
    if (!aside) return aside.error();
    if (!aside->empty()) {
        std::erase_if(all, [&](stored_message const& m) {
            return std::any_of(aside->begin(), aside->end(), [&](stored_message const& d) { return d.id == m.id; });
        });
        if (all.size() > f.limit - aside->size())
            all.erase(all.begin() + static_cast<std::ptrdiff_t>(f.limit - aside->size()), all.end());
        std::move(aside->begin(), aside->end(), std::back_inserter(all));
        std::stable_sort(all.begin(), all.end(), [](auto const& x, auto const& y) { return x.id < y.id; });
    }
    std::vector<summary> out;
    out.reserve(all.size());
    for (stored_message& m : all) out.push_back(summarize(std::move(m)));
    return out;
}

result<queued_message> sqlite_spool::find(std::string_view queue_id)
{
    auto const id = id_of(queue_id);
    if (!id) return id.error();
    if (!*id) return not_on_its_way(queue_id);
    auto loaded = source_->load(**id);
    if (!loaded) return loaded.error();
    if (!*loaded) return not_on_its_way(queue_id);
    stored_message& m = **loaded;
    if (!m.damage.empty()) return error{status{4, 3, 0}, "The message is damaged", m.damage};
    return ready_for_delivery(m);
}

error sqlite_spool::not_on_its_way(std::string_view queue_id)
{
    auto const aside = source_->damaged(queue_id, 1);
    if (!aside) return aside.error();
    if (aside->empty()) return no_such_message();
    return error{status{5, 0, 0}, "The message is damaged",
                 "the message is unreadable (" + aside->front().damage + "), and is not delivered"};
}

result<> sqlite_spool::hold(std::string_view queue_id, bool held)
{
    auto const id = id_of(queue_id);
    if (!id) return id.error();
    if (!*id) return not_on_its_way(queue_id);
    return writer_.perform([&](result<>& outcome) { return writer_.set_held(queue_id, **id, held, outcome); });
}

result<> sqlite_spool::retry_now(std::string_view queue_id)
{
    wall_time const now = wall_clock::now();
    if (!queue_id.empty()) {
        auto const id = id_of(queue_id);
        if (!id) return id.error();
        if (!*id) return retry_unreadable(queue_id, now);
        put_off_no_longer(**id);
        return writer_.perform([&](result<>& outcome) { return writer_.retry(**id, now, outcome); });
    }
    put_off_no_longer(std::nullopt);
    // In portions, so that nobody's mail waits for a million rows.
    for (std::size_t changed = retry_at_once; changed == retry_at_once;) {
        auto portion = writer_.perform([&](result<>&) {
            auto const count = writer_.db().bring_forward(to_microseconds(now), retry_at_once);
            changed = count.value_or(0);
            return count.has_value();
        });
        if (!portion) return portion;
    }
    writer_.nudge();
    return done{};
}

result<> sqlite_spool::retry_unreadable(std::string_view queue_id, wall_time now)
{
    auto const aside = source_->damaged(queue_id, 1);
    if (!aside) return aside.error();
    if (aside->empty()) return no_such_message();
    auto const id = aside->front().id;
    message const& what = aside->front().what;
    auto back = writer_.perform([&](result<>& outcome) { return writer_.retry_quarantined(id, what, now, outcome); });
    if (!back) return back;
    out_.unclaim(id);
    writer_.nudge();
    return back;
}

result<> sqlite_spool::remove_unreadable(std::string_view queue_id)
{
    auto const aside = source_->damaged(queue_id, 1);
    if (!aside) return aside.error();
    if (aside->empty()) return no_such_message();
    stored_message const& m = aside->front();
    return writer_.perform([&](result<>& outcome) { return writer_.remove_quarantined(m.id, m.file, outcome); });
}

result<> sqlite_spool::remove(std::string_view queue_id)
{
    auto const id = id_of(queue_id);
    if (!id) return id.error();
    if (!*id) return remove_unreadable(queue_id);
    auto const loaded = source_->load(**id);
    if (!loaded) return loaded.error();
    if (!*loaded) return no_such_message();
    return writer_.perform([&](result<>& outcome) { return writer_.remove(queue_id, **id, (*loaded)->file, outcome); });
}

}  // namespace postern::spool
