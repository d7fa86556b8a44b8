// What the writer does to the tables, statement by statement. Used by the writer's thread
// only, between begin() and commit(). False means that the transaction failed: see failure().
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "spool/spool.hpp"
#include "store/sqlite.hpp"

namespace postern::spool {

struct message_row {
    std::int64_t id = 0;
    std::string_view queue_id;
    std::int64_t accepted_at = 0;
    std::uint64_t size = 0;
    std::string_view reverse_path, envelope;
    std::string_view file;  // empty: content is
    std::string_view content;
};

/// Whether a commit waits for the disk.
enum class durability { now, later };

class tables {
public:
    static result<tables> open(std::filesystem::path const& file, std::uint64_t log_size);

    bool begin(durability d);
    bool commit();
    void rollback() noexcept;
    error failure(std::string_view doing) const { return db_.failure(doing); }
    /// Whether the last failure leaves the connection usable: no room, or busy.
    bool passing() const;

    bool insert(message_row const& row);
    /// Removes messages; those with ids one after the other in one go. Sorts them. Adds how many
    /// there were to `removed`.
    bool erase(std::vector<std::int64_t>& ids, std::uint64_t& removed);
    /// Removes what other tables know of a message.
    bool forget(std::int64_t id);
    bool forget_file(std::string_view name);
    bool schedule(std::int64_t id, message const& m, std::int64_t next_attempt);
    /// One that was not tried yet.
    bool add_recipient(std::int64_t id, stored_recipient const& r);
    bool update_recipient(std::int64_t id, std::string_view domain, recipient_update const& u,
                          std::string_view next_hop);
    /// What most attempts after the first one come to: no index is touched. Changes nothing when it was
    /// not so.
    bool defer_again(std::int64_t id, recipient_update const& u, std::string_view next_hop);
    bool set_held(std::int64_t id, bool held);
    bool set_next_attempt(std::int64_t id, std::int64_t next_attempt);
    /// Whether the last statement found a row to change.
    bool changed_something() const;
    /// Makes up to `limit` messages due that are not yet; gives how many it found.
    std::optional<std::size_t> bring_forward(std::int64_t next_attempt, std::size_t limit);
    /// The same for the next ones, behind that id, that wait for this destination.
    std::optional<portion> hurry(std::string_view next_hop, std::int64_t next_attempt, std::int64_t after,
                                 std::size_t limit);
    /// Puts a message aside; its recipients stay.
    bool quarantine(std::int64_t id, std::int64_t now, std::string_view reason, std::uint64_t& removed);
    /// Brings it back; the schedule does not know it yet.
    bool unquarantine(std::int64_t id);
    bool forget_quarantined(std::int64_t id);
    /// Forgets a message that only the schedule and the recipients know.
    bool forget_missing(std::int64_t id, bool& was_missing);
    bool set_first_attempts_from(std::int64_t id);
    /// Copies what is left of the write-ahead log into the database, so that the next transaction
    /// begins it anew; waits for nobody who is in the way.
    bool restart_log();

    /// Whether the schedule was changed since the last call.
    bool schedule_changed() noexcept { return std::exchange(schedule_changed_, false); }

    store::connection& db() noexcept { return db_; }
    /// Whether the last commit had anything to write.
    bool wrote() const noexcept { return wrote_; }
    /// Frames in the write-ahead log after the last commit.
    int wal_frames() const noexcept { return *wal_frames_; }

private:
    tables() = default;
    store::connection db_;  // first, so that it goes after the statements
    std::unique_ptr<int> wal_frames_;
    durability durability_ = durability::now;
    bool schedule_changed_ = false;
    bool wrote_ = false;
    store::statement begin_, commit_, rollback_, insert_, insert_file_, erase_, forget_schedule_, forget_recipients_,
        forget_file_, schedule_, new_recipient_, deferred_, recipient_, held_, next_, forward_, hurry_, quarantine_,
        unquarantine_, forget_quarantined_, missing_, first_;
};

}  // namespace postern::spool
