// The little of SQLite that the account database needs, with errors as results. One
// connection belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace postern::directory {

class connection;

/// A prepared statement. Parameters count from 1, columns from 0.
class statement {
public:
    statement() = default;
    statement(statement&& other) noexcept;
    statement& operator=(statement&& other) noexcept;
    ~statement();

    void bind(int parameter, std::string_view text);
    void bind(int parameter, std::int64_t number);
    void bind_blob(int parameter, std::string_view octets);
    void bind_null(int parameter);
    /// True: a row is there; false: done.
    result<bool> step();
    /// Steps a statement that gives no rows, then resets it.
    result<> run();
    /// Ends the read; parameters are forgotten too.
    void reset() noexcept;

    std::string text(int column) const;  // blobs too; NULL is empty
    std::int64_t number(int column) const;
    bool is_null(int column) const;

private:
    friend class connection;
    sqlite3_stmt* raw_ = nullptr;
    connection* owner_ = nullptr;
};

/// Resets a statement when the scope ends, so that no read stays open.
class reset_at_end {
public:
    explicit reset_at_end(statement& s) : statement_(s) {}
    ~reset_at_end() { statement_.reset(); }
    reset_at_end(reset_at_end const&) = delete;
    reset_at_end& operator=(reset_at_end const&) = delete;

private:
    statement& statement_;
};

class connection {
public:
    enum class mode { create, existing };
    static result<std::unique_ptr<connection>> open(std::filesystem::path const& file, mode m, int busy_milliseconds);
    ~connection();
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;

    /// How long a statement waits for a lock that another program holds.
    void set_patience(int milliseconds) noexcept;
    result<> execute(char const* sql);
    result<statement> prepare(char const* sql);
    /// Rows that the last INSERT, UPDATE or DELETE changed.
    std::int64_t changes() const noexcept;
    std::int64_t last_row() const noexcept;
    /// Whether something failed in a way that means: the file is gone, replaced or
    /// damaged, and only opening it anew can help.
    bool lost() const noexcept { return lost_; }

private:
    friend class statement;
    explicit connection(sqlite3* raw) : raw_(raw) {}
    error failure(int code);
    sqlite3* raw_;
    bool lost_ = false;
};

/// Begins at once as a writer; rolls back unless committed.
class transaction {
public:
    static result<transaction> begin(connection& c);
    transaction(transaction&& other) noexcept : connection_(other.connection_) { other.connection_ = nullptr; }
    transaction& operator=(transaction&&) = delete;
    ~transaction();
    transaction() = default;
    result<> commit();

private:
    explicit transaction(connection& c) : connection_(&c) {}
    connection* connection_ = nullptr;
};

}  // namespace postern::directory
