// One connection to PostgreSQL, over libpq's asynchronous interface: connects, prepares
// statements and runs them, each until a deadline. Sessions are read-only but for one kind of
// statement. Parameters are parameters, never text of a statement.
// Knows nothing of users and passwords. Of one thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

struct pg_conn;
struct pg_result;

namespace postern::directory {

/// A statement of the operator's.
struct postgres_statement {
    std::string name;  // of the option, for messages
    std::string text;
    int parameters = 1;                // the most that it may have
    std::vector<std::string> columns;  // those that it must give
    bool writes = false;
};

/// What came of a statement. Rows have as many values as there are columns.
struct postgres_answer {
    std::vector<std::string> columns;
    std::vector<std::vector<std::optional<secret>>> rows;
    std::size_t changed = 0;  // of one that writes

    std::optional<std::size_t> column(std::string_view name) const;
};

class postgres_connection {
public:
    /// `connection`: as libpq takes it. `password_file`: empty where libpq knows the password.
    postgres_connection(std::string connection, std::filesystem::path password_file,
                        std::vector<postgres_statement> statements, std::chrono::milliseconds timeout);
    ~postgres_connection();
    postgres_connection(postgres_connection const&) = delete;
    postgres_connection& operator=(postgres_connection const&) = delete;

    /// Connects when it must, and again, once, when the connection was lost since the last time.
    result<postgres_answer> run(postgres_statement const& s, std::vector<std::string_view> const& parameters,
                                steady_time deadline);
    /// Connects anew, and runs each statement with values that fit nobody; what they change is undone.
    result<> try_all(steady_time deadline);
    void close() noexcept;

    /// After an error: whether it concerns this question only (a timeout of the server's, data that
    /// does not fit), and not the server or the statement.
    bool only_this() const noexcept { return only_this_; }

private:
    class results;

    result<> open(steady_time deadline);
    result<> connect(steady_time deadline);
    result<> prepare(postgres_statement const& s, steady_time deadline);
    result<> begin_session(steady_time deadline);
    result<> simple(char const* sql, steady_time deadline);
    result<postgres_answer> execute(postgres_statement const& s, std::vector<std::string_view> const& parameters,
                                    bool undo, steady_time deadline);
    result<postgres_answer> execute_once(postgres_statement const& s, std::vector<std::string_view> const& parameters,
                                         steady_time deadline);
    result<> collect(results& into, steady_time deadline);
    bool wait(short events, steady_time deadline) const;
    error failed(std::string const& what);
    error failed(std::string const& what, pg_result const* r);

    std::string const connection_;
    std::filesystem::path const password_file_;
    std::vector<postgres_statement> const statements_;
    std::chrono::milliseconds const timeout_;
    pg_conn* handle_ = nullptr;
    bool only_this_ = false;
    bool about_values_ = false;
    bool stale_ = false;  // the server knows our statements no more, or another shape of their results
};

}  // namespace postern::directory
