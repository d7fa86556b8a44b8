// SQLite as the spool and the account database use it, and the only place that sees it:
// connections and prepared statements that close themselves, and its errors as ours.
// A connection, with its statements, is used by one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace postern::store {

/// How long a connection waits for somebody else's lock, unless it is told otherwise.
inline constexpr int busy_wait_milliseconds = 2000;

enum class step_result { row, finished, failed };

/// A prepared statement. Parameters and columns are counted as SQLite does: from 1 and from 0.
/// It must be gone before its connection is.
class statement {
public:
    statement() = default;

    statement& bind(int parameter, std::int64_t value);
    /// Borrowed until the next reset().
    statement& bind_text(int parameter, std::string_view value);
    statement& bind_blob(int parameter, std::string_view value);
    /// Copied.
    statement& bind_text_copy(int parameter, std::string_view value);
    statement& bind_blob_copy(int parameter, std::string_view value);
    statement& bind_null(int parameter);

    step_result step();
    /// Steps to the end and resets: whether it went well.
    bool run();
    /// Ends the read; parameters stay.
    void reset() noexcept;
    void forget_parameters() noexcept;

    std::int64_t integer(int column) const;
    bool is_null(int column) const;
    /// Valid until the next step or reset.
    std::string_view text(int column) const;
    std::string_view blob(int column) const;

private:
    friend class connection;
    struct finalizer {
        void operator()(sqlite3_stmt* s) const noexcept;
    };
    std::unique_ptr<sqlite3_stmt, finalizer> handle_;
};

/// Resets a statement at the end of a scope, so that no read transaction stays open.
template <class Statement>
class reset_after {
public:
    explicit reset_after(Statement& s) : s_(s) {}
    ~reset_after() { s_.reset(); }
    reset_after(reset_after const&) = delete;
    reset_after& operator=(reset_after const&) = delete;

private:
    Statement& s_;
};

/// What strangers are told when the database fails; the log gets SQLite's own words.
struct texts {
    public_text failed, no_room;
};

/// What a failure means for the connection.
enum class trouble : std::uint8_t {
    passing,     // no room, or somebody's lock: it can be used again
    constraint,  // what was to be written is at fault; it can be used again
    lasting,     // gone, replaced or damaged, or the disk fails: only opening it anew may help
};

enum class access : std::uint8_t { existing, create };

class connection {
public:
    /// The file itself must not be a symbolic link.
    static result<connection> open(std::filesystem::path const& file, access a, texts told,
                                   int patience = busy_wait_milliseconds);

    result<> execute(char const* sql);
    result<statement> prepare(std::string_view sql);
    /// The first column of the first row, or `otherwise`.
    result<std::int64_t> number(char const* sql, std::int64_t otherwise = 0);
    /// Some of a BLOB, without reading what is before it.
    result<std::string> read_blob(char const* table, char const* column, std::int64_t row, std::uint64_t offset,
                                  std::size_t limit);

    /// What went wrong last, as an error of ours: 4.3.1 when there was no room, else 4.3.0.
    error failure(std::string_view doing) const;
    trouble last_trouble() const;
    bool in_transaction() const;
    /// Rows that the last INSERT, UPDATE or DELETE changed.
    std::int64_t changes() const noexcept;
    std::int64_t last_row() const noexcept;
    /// How long a statement waits for a lock that somebody else holds.
    void set_patience(int milliseconds) noexcept;

    /// For a file that may come from a backup or from somebody else: no functions or triggers of its own.
    void distrust_schema() noexcept;
    /// The file grows in such steps.
    void grow_by(int octets) noexcept;

    // -- the write-ahead log --
    /// Writes the number of frames in the log there after each commit.
    void count_frames(int* into) noexcept;
    struct copied {
        bool done = false;        // else see failure()
        bool in_the_way = false;  // somebody else reads or copies
        int in_log = 0, copied = 0;
    };
    /// Copies what can be copied into the database; waits for nobody.
    copied copy_log();
    /// Copies all of it, so that the next transaction begins it anew.
    copied copy_whole_log();

    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /// Closes it; statements must be gone.
    void close() noexcept { handle_.reset(); }

private:
    struct closer {
        void operator()(sqlite3* db) const noexcept;
    };
    copied checkpoint(int mode);
    int last_code() const;

    std::unique_ptr<sqlite3, closer> handle_;
    texts told_{"", ""};
};

/// Begins at once as a writer; rolls back unless committed.
class transaction {
public:
    static result<transaction> begin(connection& c);
    transaction(transaction&& other) noexcept : connection_(other.connection_) { other.connection_ = nullptr; }
    transaction& operator=(transaction&&) = delete;
    ~transaction();
    result<> commit();

private:
    explicit transaction(connection& c) : connection_(&c) {}
    connection* connection_;
};

/// What is wrong with a database file that is there and holds nothing, or nothing: a file that
/// SQLite is about to make has at least its journal beside it.
std::string trouble_with_empty(std::filesystem::path const& file);
/// After a failure, so that the next try finds no empty file.
void remove_if_empty(std::filesystem::path const& file);

/// Whether an errno says that the disk is full.
bool means_no_room(int error_number) noexcept;

}  // namespace postern::store
