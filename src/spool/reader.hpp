// Reading the tables while the writer goes on: a connection of its own, one user at a
// time. What it says may be a commit behind.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "spool/spool.hpp"
#include "store/sqlite.hpp"

namespace postern::spool {

/// A message as it was read, without its content.
struct stored_message {
    std::int64_t id = 0;
    bool scheduled = false;
    message what;
    std::string file;  // name of its content file, or empty
    std::uint64_t content_checksum = 0;
    std::string damage;  // why it can't be used; empty: it can
};

class reader {
public:
    static result<std::shared_ptr<reader>> open(std::filesystem::path const& file);
    /// Closes the connection and opens it again. Between close() and reopen() all else fails.
    void close();
    result<> reopen();

    struct due_message {
        std::int64_t id = 0;
        wall_time at;
    };
    /// Earliest first, those that `skip` names left out.
    result<std::vector<due_message>> due(std::optional<wall_time> until, std::size_t limit,
                                         std::function<bool(std::int64_t)> const& skip);
    /// The same when more is due than is taken: half of it earliest first, half from one sender after
    /// the other, a few of each, so that nobody waits for the end of another's mailing.
    result<std::vector<due_message>> due_in_turn(wall_time until, std::size_t limit,
                                                 std::function<bool(std::int64_t)> const& skip);
    /// Nothing when it is not there (any more).
    result<std::optional<stored_message>> load(std::int64_t id);
    result<std::optional<std::int64_t>> scheduled_id(std::string_view queue_id);
    /// In order of arrival, those after that id. Others wait meanwhile: so in small portions.
    result<std::vector<stored_message>> list(std::int64_t after, std::size_t limit);
    /// Those that were set aside, with what can still be read of them; with that queue id, if there is one.
    result<std::vector<stored_message>> damaged(std::string_view queue_id, std::size_t limit, std::int64_t after = 0);
    result<std::string> read_content(std::int64_t id, std::uint64_t offset, std::size_t limit);

private:
    reader() = default;
    result<> prepare();
    result<> load_fates(stored_message& m);
    result<bool> next_sender();

    error failure(std::string_view doing) const;

    std::filesystem::path file_;
    std::recursive_mutex mutex_;
    store::connection db_;
    std::optional<std::string> sender_;  // whose turn it was last; nothing: the first one is next
    store::statement due_, next_sender_, due_of_sender_, load_, fates_, find_, list_, damaged_;
    bool usable_ = false;
};

/// Fills in what a row of `message` (with the columns of `reader`) says.
stored_message decode_row(store::statement const& row);
/// The columns that decode_row() expects: of `message AS m` left-joined with `schedule AS s`.
inline constexpr std::string_view row_columns =
    "m.id, m.queue_id, m.accepted_at, m.size, m.envelope, m.file, s.next_attempt, s.held, m.reverse_path";

}  // namespace postern::spool
