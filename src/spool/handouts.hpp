// Who is out for delivery: in memory only, since a crash ends every attempt.
//
// Entries are added by the writer (arrivals) and by take_due(), and changed and removed by
// the writer's thread alone. take_due() reads a snapshot of the database that may be older
// than the latest settlement, so while it reads nothing is removed: else a message that was
// just settled could be handed out once more.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "spool/spool.hpp"

namespace postern::spool {

struct fate {
    recipient_state state = recipient_state::queued;
    bool pending = false;  // handed out and not heard of since
    std::int64_t next_attempt = 0;
};

struct handout {
    std::int64_t id = 0;
    bool scheduled = false;  // other tables know of it
    bool closing = false;    // deleted in the transaction under way
    bool removed = false;    // by the operator: whatever comes of the attempt, it is gone
    std::string file;
    std::vector<fate> fates;              // by number of the recipient
    std::shared_ptr<message const> what;  // for what the other tables know of it
};

/// What is known of a message that is handed out at `now`: whoever is due is pending.
handout make_handout(std::int64_t id, bool scheduled, std::string file, std::shared_ptr<message const> what,
                     wall_time now);

class handouts {
public:
    void add(std::string queue_id, handout h);
    /// Stays where it is until erase(); for the writer's thread.
    handout* find(std::string_view queue_id);
    /// For any thread.
    std::optional<std::int64_t> id_of(std::string_view queue_id);
    void erase(std::string_view queue_id);
    std::size_t size();
    /// How many are out of one sender: whose login it is, else whose reverse-path.
    std::size_t size_of(std::string const& sender);
    /// Those that only their first attempt knows of.
    struct first_attempt {
        std::int64_t id;
        std::string file;
        std::shared_ptr<message const> what;
    };
    std::vector<first_attempt> first_attempts();

    /// take_due() must not touch this id (any more).
    void claim(std::int64_t id);
    bool is_claimed(std::int64_t id);
    /// It may again; for what was set aside and came back.
    void unclaim(std::int64_t id);

    void begin_reading();
    void end_reading();

    /// A number that is another one whenever what is due may have changed.
    std::uint64_t changes() const noexcept { return changes_; }
    /// To be told when the schedule in the database changes.
    void schedule_changed() noexcept { ++changes_; }

private:
    struct hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
    };
    struct entry {
        std::int64_t id;  // of `what`, as the next two, for other threads: the writer changes the rest without a lock
        std::string file;
        std::shared_ptr<message const> of;
        handout what;
        bool gone = false;
    };
    using map = std::unordered_map<std::string, entry, hash, std::equal_to<>>;
    void erase_now(map::iterator at);

    std::mutex mutex_;
    map entries_;
    std::unordered_set<std::int64_t> claimed_;
    std::unordered_map<std::string, std::size_t> senders_;
    bool reading_ = false;
    std::atomic<std::uint64_t> changes_ = 0;
    std::vector<std::string> waiting_;
};

}  // namespace postern::spool
