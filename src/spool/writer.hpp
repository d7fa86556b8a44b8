// The one thread that changes the database. It takes whatever has queued up, does it in
// one transaction, and tells everybody when that is on stable storage (group commit): while
// the disk works for one batch, the next one gathers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "spool/content.hpp"
#include "spool/handouts.hpp"
#include "spool/reader.hpp"
#include "spool/tables.hpp"
#include "spool/wal_keeper.hpp"
#include "spool/workers.hpp"

namespace postern::spool {

/// A message on its way in, all that takes time already done by the thread that brought it.
struct incoming {
    std::shared_ptr<message> what;
    std::string envelope, reverse_path;
    std::string octets;                      // the content, when it is small
    std::unique_ptr<buffered_content> file;  // else
    accept_handler handler;
    std::optional<error> failed;
    std::int64_t id = 0;
    bool handed_out = false;
};
incoming make_incoming(message what, std::string octets, std::unique_ptr<buffered_content> file,
                       accept_handler handler);

struct outcome_of_attempt {
    settlement what;
    std::vector<incoming> born;  // messages that become ours with it
    accept_handler handler;
    bool all_or_nothing = false;  // after a failure it is not tried again
    bool holds = true;            // of the transaction under way: it changed something
};

/// What remembers which of the first attempts have ended, so that after a crash only the
/// end of the table has to be looked at. For the writer's thread.
class first_attempts {
public:
    void start_at(std::int64_t id) { from_ = id; }
    void add(std::int64_t id, bool open);
    void ended(std::int64_t id);
    /// No first attempt is under way for an id below this one.
    std::int64_t from() const noexcept { return from_; }

private:
    std::int64_t from_ = 0;
    std::deque<bool> open_;
};

class writer {
    static constexpr steady_clock::duration try_again_after = std::chrono::seconds{1};

public:
    struct shared {
        std::filesystem::path database;
        std::uint64_t log_size;
        std::shared_ptr<content_files> files;
        std::shared_ptr<memory_budget> budget;
        std::shared_ptr<reader> source;
        handouts& out;
        workers& helpers;
    };
    /// `count`: messages in the database; `next_id`: of the next message.
    writer(shared s, tables db, std::int64_t next_id, std::uint64_t count);
    /// Commits what was handed in, then closes the database.
    ~writer();
    writer(writer const&) = delete;
    writer& operator=(writer const&) = delete;

    void on_arrival(arrival_handler handler);
    void accept(incoming m);
    void settle(outcome_of_attempt s);
    /// Does something in the writer's next transaction; `act` is false when the transaction
    /// can't go on, else it leaves its own outcome. Waits for it.
    using action = std::function<bool(result<>& outcome)>;
    result<> perform(action act);
    /// The same without waiting; `undone` is called, on the writer's thread, when it failed, else
    /// `committed`, which may be empty.
    void perform_later(action act, std::function<void()> undone, std::function<void()> committed = {});
    /// Tells whoever delivers to look at what is due.
    void nudge();

    std::uint64_t count() const noexcept { return count_; }
    activity observe() const;
    /// What the database may have to grow by at the next checkpoint.
    std::uint64_t octets_in_log() const noexcept { return checkpointer_.octets_in_log(); }
    /// What went wrong less than a second ago and has not been put right since.
    std::optional<error> trouble();

    // -- for actions --
    tables& db() noexcept { return *db_; }
    bool set_held(std::string_view queue_id, std::int64_t id, bool held, result<>& outcome);
    bool retry(std::int64_t id, wall_time now, result<>& outcome);
    bool remove(std::string_view queue_id, std::int64_t id, std::string_view file, result<>& outcome);
    bool quarantine(std::int64_t id, std::string_view why);
    bool retry_quarantined(std::int64_t id, message const& what, wall_time now, result<>& outcome);
    bool remove_quarantined(std::int64_t id, std::string_view file, result<>& outcome);
    bool forget_missing(std::int64_t id);

private:
    struct operation {
        action act;
        std::shared_ptr<std::promise<result<>>> told;
        std::function<void()> undone, committed;
        result<> outcome;
    };
    struct batch {
        std::vector<incoming> accepts;
        std::vector<outcome_of_attempt> settles;
        std::vector<operation> operations;
    };
    // What a batch changes in memory, once it is committed.
    struct changed {
        handout now;
        bool over = false;  // no longer handed out
    };
    struct effects {
        std::unordered_map<std::string, changed> handouts;
        std::vector<std::pair<handout*, std::string const*>> closed;
        std::vector<std::int64_t> erased, first_attempts_ended;
        std::vector<std::string> files;
        std::uint64_t inserted = 0, removed = 0;
        bool nudge = false;
    };

    void run();
    bool gather(std::unique_lock<std::mutex>& lock, batch& b);
    void commit(batch& b);
    bool write(batch& b, durability d);
    bool write_settlement(outcome_of_attempt& s);
    bool write_message(incoming& m);
    bool may_be_handed_out(std::string const& sender);
    /// `news`: of recipients that are written next.
    bool write_schedule(std::int64_t id, message const& what, std::int64_t next_attempt,
                        std::vector<recipient_update const*> const& news = {});
    bool end_message(handout const& h);
    bool write_low_mark();
    changed& touch(std::string_view queue_id, handout const& h);
    void committed(batch& b, durability d);
    void apply_effects();
    accept_handler removal_of_files();
    /// Commits each half by itself, and so on, until only what is at fault fails.
    void commit_halves(batch& b);
    void undo_effects();
    void enter(incoming& m);
    queued_message ready_for_delivery(incoming& m);
    void tell_of_arrivals(std::vector<queued_message> all);
    /// `guilty`: nothing is wrong with the disk.
    void failed(batch& b, error const& why, bool guilty);
    void note_trouble(error const& why);
    void works_again();
    /// Makes the connection usable again after a failure, if that can be.
    bool recover(error& why);
    result<> reopen();
    void keep_log_short();
    void give_up(batch& b, error const& why);

    shared shared_;
    std::optional<tables> db_;
    checkpointer checkpointer_;
    log_syncer syncer_;
    std::int64_t next_id_;
    std::atomic<std::uint64_t> count_;
    std::atomic<std::uint64_t> commits_ = 0, in_commits_ = 0, commit_microseconds_ = 0;
    first_attempts first_;
    std::int64_t first_written_ = 0;
    steady_time first_written_at_;
    effects effects_;
    bool somebody_delivers_ = false;             // to be told of the batch under way
    std::vector<outcome_of_attempt> unsettled_;  // to be tried again
    log_syncer::callbacks unsynced_;             // committed, but the disk failed to confirm it
    steady_time try_again_at_;
    bool distrusted_ = false;
    steady_time reopen_not_before_;
    steady_time reopen_alone_at_;  // when nobody wants anything
    steady_clock::duration reopen_alone_after_ = try_again_after;
    std::int64_t ids_from_ = 0;  // of the transaction under way
    error reopen_failed_;

    std::mutex arrival_mutex_;  // held while it is called
    arrival_handler arrival_;

    std::mutex mutex_;  // of what follows
    std::condition_variable wake_;
    batch waiting_;
    log_syncer::callbacks waiting_unsynced_;
    steady_time settle_by_;
    steady_time look_again_at_;  // nobody need wake the writer for a settlement before that
    bool stopping_ = false, idle_ = false, ticking_ = false, log_failed_ = false, nudge_ = false, tried_last_ = false;
    std::optional<error> trouble_;
    steady_time trouble_at_, trouble_logged_at_;

    std::thread thread_;
};

}  // namespace postern::spool
