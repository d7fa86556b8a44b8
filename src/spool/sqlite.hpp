// SQLite as the spool uses it: connections and prepared statements that close
// themselves, and its errors as ours. A connection is used by one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace postern::spool {

/// How long a connection waits for somebody else's lock.
inline constexpr int busy_wait_milliseconds = 2000;

enum class step_result { row, finished, failed };

/// A prepared statement. Parameters and columns are counted as SQLite does: from 1 and from 0.
class statement {
public:
    statement() = default;

    statement& bind(int parameter, std::int64_t value);
    /// Borrowed until the next reset().
    statement& bind_text(int parameter, std::string_view value);
    statement& bind_blob(int parameter, std::string_view value);
    statement& bind_null(int parameter);

    step_result step();
    /// Steps to the end and resets: whether it went well.
    bool run();
    void reset();

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
class reset_after {
public:
    explicit reset_after(statement& s) : s_(s) {}
    ~reset_after() { s_.reset(); }
    reset_after(reset_after const&) = delete;
    reset_after& operator=(reset_after const&) = delete;

private:
    statement& s_;
};

enum class access { read_write, create };

class connection {
public:
    static result<connection> open(std::filesystem::path const& file, access a);

    result<> execute(char const* sql);
    result<statement> prepare(std::string_view sql);
    /// The first column of the first row, or `otherwise`.
    result<std::int64_t> number(char const* sql, std::int64_t otherwise = 0);

    /// What went wrong last, as an error of ours: 4.3.1 when there was no room, else 4.3.0.
    error failure(std::string_view doing) const;
    bool in_transaction() const;
    int last_code() const;
    sqlite3* handle() const noexcept { return handle_.get(); }
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /// Closes it; statements must be gone.
    void close() noexcept { handle_.reset(); }

private:
    struct closer {
        void operator()(sqlite3* db) const noexcept;
    };
    std::unique_ptr<sqlite3, closer> handle_;
};

/// An error of a system call on a file: 4.3.1 when there was no room, else 4.3.0.
error file_failure(std::string_view doing, std::filesystem::path const& file, int error_number);
bool is_no_room(error const& e) noexcept;
/// For what asks for one message that is not there.
error no_such_message();

}  // namespace postern::spool
