#include "spool/writer.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/fault.hpp"
#include "base/log.hpp"
#include "spool/record.hpp"
#include "spool/schema.hpp"

namespace postern::spool {
namespace {

using namespace std::chrono_literals;

// A settlement waits for the next message to share its commit, but not for longer.
constexpr auto settle_delay = 10ms;
constexpr std::size_t settle_at_once = 1000;
// Bounds of a transaction, so that those who come next don't wait for ever.
constexpr std::size_t most_accepts = 1000;
constexpr std::size_t most_octets = 16u << 20;

std::size_t weight(incoming const& m) { return m.octets.size() + m.envelope.size(); }

}  // namespace

incoming make_incoming(message what, std::string octets, std::unique_ptr<buffered_content> file, accept_handler handler)
{
    incoming m;
    m.handler = std::move(handler);
    if (what.accepted_at == wall_time{}) what.accepted_at = wall_clock::now();
    // The database knows microseconds: the same now as when it is read back.
    what.accepted_at = from_microseconds(to_microseconds(what.accepted_at));
    if (auto& at = what.env.release_at) at = from_microseconds(to_microseconds(*at));
    if (!what.env.recipients.empty()) {
        what.recipients.clear();
        what.recipients.reserve(what.env.recipients.size());
        for (mail::recipient& r : what.env.recipients) {
            stored_recipient s;
            s.number = static_cast<std::uint32_t>(what.recipients.size());
            s.to = std::move(r);
            s.next_attempt = what.env.release_at.value_or(what.accepted_at);
            what.recipients.push_back(std::move(s));
        }
        what.env.recipients.clear();
    }
    what.size = file != nullptr ? file->size() : octets.size();
    if (what.queue_id.empty() || what.recipients.empty())
        m.failed =
            error{status{4, 3, 0}, "The message could not be stored", "a message without queue id or recipients"};
    m.envelope = encode(what, file != nullptr ? 0 : checksum(octets));
    m.reverse_path = what.env.reverse_path.to_string();
    m.octets = std::move(octets);
    m.file = std::move(file);
    m.what = std::make_shared<message>(std::move(what));
    return m;
}

void first_attempts::add(std::int64_t id, bool open)
{
    // Ids come one after the other; the first after a start may be any. Nobody waits for one that was left out.
    if (open_.empty()) from_ = id;
    while (from_ + static_cast<std::int64_t>(open_.size()) < id) open_.push_back(false);
    open_.push_back(open);
    if (!open) ended(id);
}

void first_attempts::ended(std::int64_t id)
{
    std::int64_t const at = id - from_;
    if (at < 0 || static_cast<std::uint64_t>(at) >= open_.size()) return;
    open_[static_cast<std::size_t>(at)] = false;
    for (; !open_.empty() && !open_.front(); open_.pop_front()) ++from_;
}

writer::writer(shared s, tables db, std::int64_t next_id, std::uint64_t count)
    : shared_(std::move(s)),
      db_(std::move(db)),
      checkpointer_(shared_.database, shared_.log_size),
      syncer_(shared_.database.string() + "-wal",
              [this](error const& why, log_syncer::callbacks unsynced) {
                  log::event(log::level::error, "spool-sync-failed", {{"error", why.logged}});
                  std::scoped_lock lock{mutex_};
                  for (auto& each : unsynced) waiting_unsynced_.push_back(std::move(each));
                  log_failed_ = true;
                  wake_.notify_one();
              }),
      next_id_(next_id),
      count_(count)
{
    first_.start_at(next_id);
    if (auto opened = checkpointer_.reopen(); !opened)
        log::event(log::level::error, "spool-checkpoint-failed", {{"error", opened.error().logged}});
    thread_ = std::thread{[this] { run(); }};
}

writer::~writer()
{
    {
        std::scoped_lock lock{mutex_};
        stopping_ = true;
        wake_.notify_one();
    }
    thread_.join();
}

void writer::on_arrival(arrival_handler handler)
{
    std::scoped_lock lock{arrival_mutex_};
    arrival_ = std::move(handler);
}

void writer::accept(incoming m)
{
    std::scoped_lock lock{mutex_};
    waiting_.accepts.push_back(std::move(m));
    if (idle_) wake_.notify_one();
}

void writer::settle(outcome_of_attempt s)
{
    std::scoped_lock lock{mutex_};
    if (waiting_.settles.empty()) settle_by_ = steady_clock::now() + settle_delay;
    waiting_.settles.push_back(std::move(s));
    std::size_t const count = waiting_.settles.size();
    if (idle_ && ((count == 1 && !ticking_) || count == settle_at_once)) wake_.notify_one();
}

result<> writer::perform(action act)
{
    operation o;
    o.act = std::move(act);
    o.told = std::make_shared<std::promise<result<>>>();
    auto told = o.told->get_future();
    {
        std::scoped_lock lock{mutex_};
        waiting_.operations.push_back(std::move(o));
        wake_.notify_one();
    }
    return told.get();
}

void writer::perform_later(action act, std::function<void()> undone, std::function<void()> committed)
{
    operation o;
    o.act = std::move(act);
    o.undone = std::move(undone);
    o.committed = std::move(committed);
    std::scoped_lock lock{mutex_};
    waiting_.operations.push_back(std::move(o));
    wake_.notify_one();
}

activity writer::observe() const
{
    activity a;
    a.commits = commits_;
    a.in_commits = in_commits_;
    a.commit_microseconds = commit_microseconds_;
    a.handed_out = shared_.out.size();
    a.octets_in_log = octets_in_log();
    return a;
}

void writer::nudge()
{
    std::scoped_lock lock{mutex_};
    nudge_ = true;
    wake_.notify_one();
}

std::optional<error> writer::trouble()
{
    std::scoped_lock lock{mutex_};
    if (!trouble_ || steady_clock::now() - trouble_at_ > 1s) return std::nullopt;
    return trouble_;
}

void writer::run()
{
    std::unique_lock lock{mutex_};
    batch b;
    while (gather(lock, b)) {
        lock.unlock();
        commit(b);
        b = batch{};
        keep_log_short();
        lock.lock();
        look_again_at_ = steady_clock::now() + settle_delay;
    }
    lock.unlock();
    syncer_.finish();
    for (auto& each : waiting_unsynced_) unsynced_.push_back(std::move(each));
    waiting_unsynced_.clear();
    give_up(b,
            error{status{4, 3, 2}, "The server is being stopped", "the spool was closed before this could be stored"});
    if (!db_) return;
    // What had ended by now need not be looked through at the next start.
    if (!db_->begin(durability::now) || !db_->set_first_attempts_from(first_.from()) || !db_->commit()) db_->rollback();
    if (auto emptied = db_->db().execute("PRAGMA wal_checkpoint(TRUNCATE)"); !emptied)
        log::event(log::level::warning, "spool-checkpoint-failed", {{"error", emptied.error().logged}});
}

// Waits for something to do. False at the end.
bool writer::gather(std::unique_lock<std::mutex>& lock, batch& b)
{
    for (;;) {
        if (stopping_ || log_failed_ || nudge_ || !waiting_.accepts.empty() || !waiting_.operations.empty()) break;
        steady_time const now = steady_clock::now();
        steady_time until = steady_time::max();
        if (!waiting_.settles.empty()) until = waiting_.settles.size() >= settle_at_once ? now : settle_by_;
        // What was just accepted is probably settled in a moment: looking then costs less than
        // being woken for it.
        ticking_ = waiting_.settles.empty() && look_again_at_ > now;
        if (ticking_) until = look_again_at_;
        if (!unsettled_.empty() || !unsynced_.empty()) until = std::min(until, try_again_at_);
        if (distrusted_ || !db_) until = std::min(until, reopen_alone_at_);
        if (until <= now) break;
        idle_ = true;
        if (until == steady_time::max()) {
            wake_.wait(lock);
        } else {
            wake_.wait_until(lock, until);
        }
        idle_ = ticking_ = false;
    }
    distrusted_ = distrusted_ || std::exchange(log_failed_, false);
    for (auto& each : waiting_unsynced_) unsynced_.push_back(std::move(each));
    waiting_unsynced_.clear();
    effects_.nudge = std::exchange(nudge_, false);

    std::size_t count = 0, octets = 0;
    for (incoming const& m : waiting_.accepts) {
        if (count == most_accepts || octets > most_octets) break;
        ++count;
        octets += weight(m);
    }
    if (count == waiting_.accepts.size()) {
        b.accepts.swap(waiting_.accepts);
    } else {
        auto const end = waiting_.accepts.begin() + static_cast<std::ptrdiff_t>(count);
        std::move(waiting_.accepts.begin(), end, std::back_inserter(b.accepts));
        waiting_.accepts.erase(waiting_.accepts.begin(), end);
    }
    b.operations.swap(waiting_.operations);
    b.settles.swap(waiting_.settles);
    bool const nothing = b.accepts.empty() && b.operations.empty() && b.settles.empty();
    // At the end, once more and no longer.
    bool const last = stopping_ && nothing && !std::exchange(tried_last_, stopping_ && nothing);
    if (!unsettled_.empty() && (last || steady_clock::now() >= try_again_at_)) {
        b.settles.insert(b.settles.begin(), std::make_move_iterator(unsettled_.begin()),
                         std::make_move_iterator(unsettled_.end()));
        unsettled_.clear();
        return true;
    }
    return !(stopping_ && nothing);
}

void writer::keep_log_short()
{
    if (!checkpointer_.wants_help()) return;
    checkpointer_.take_help([this] {
        if (db_ && !db_->restart_log())
            log::event(log::level::error, "spool-checkpoint-failed",
                       {{"error", db_->failure("copying the log").logged}});
    });
}

void writer::give_up(batch& b, error const& why)
{
    for (auto& s : unsettled_) b.settles.push_back(std::move(s));
    unsettled_.clear();
    for (auto const& each : std::exchange(unsynced_, {})) each(why);
    if (!b.settles.empty())
        log::event(log::level::error, "spool-settlements-lost",
                   {{"count", b.settles.size()}, {"what", "these deliveries will be repeated"}});
    for (auto& s : b.settles)
        if (s.handler) s.handler(why);
    for (auto& m : b.accepts)
        if (m.handler) m.handler(why);
    for (auto& o : b.operations)
        if (o.told) o.told->set_value(why);
    b = batch{};
}

}  // namespace postern::spool
