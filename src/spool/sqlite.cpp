#include "spool/sqlite.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <system_error>

namespace postern::spool {
namespace {

// What the system said when a step failed: SQLite itself forgets it when a COMMIT fails.
thread_local int step_error_number = 0;

bool means_no_room(int error_number) noexcept
{
    return error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
}

error make_error(bool no_room, std::string logged)
{
    if (no_room) return error{status{4, 3, 1}, "No room to store the message", std::move(logged)};
    return error{status{4, 3, 0}, "The message could not be stored", std::move(logged)};
}

char const* data_of(std::string_view text) noexcept { return text.data() == nullptr ? "" : text.data(); }

}  // namespace

error file_failure(std::string_view doing, std::filesystem::path const& file, int error_number)
{
    std::string text{doing};
    text += ' ';
    text += file.string();
    text += ": ";
    text += std::error_code(error_number, std::system_category()).message();
    return make_error(means_no_room(error_number), std::move(text));
}

error no_such_message() { return error{status{5, 0, 0}, "There is no such message in the queue", "no such message"}; }

bool is_no_room(error const& e) noexcept { return e.code == status{4, 3, 1}; }

void statement::finalizer::operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
void connection::closer::operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }

statement& statement::bind(int parameter, std::int64_t value)
{
    sqlite3_bind_int64(handle_.get(), parameter, value);
    return *this;
}

statement& statement::bind_text(int parameter, std::string_view value)
{
    sqlite3_bind_text64(handle_.get(), parameter, data_of(value), value.size(), SQLITE_STATIC, SQLITE_UTF8);
    return *this;
}

statement& statement::bind_blob(int parameter, std::string_view value)
{
    sqlite3_bind_blob64(handle_.get(), parameter, data_of(value), value.size(), SQLITE_STATIC);
    return *this;
}

statement& statement::bind_null(int parameter)
{
    sqlite3_bind_null(handle_.get(), parameter);
    return *this;
}

step_result statement::step()
{
    int const code = sqlite3_step(handle_.get());
    if (code == SQLITE_ROW) return step_result::row;
    if (code == SQLITE_DONE) return step_result::finished;
    step_error_number = errno;
    return step_result::failed;
}

bool statement::run()
{
    step_result now = step();
    while (now == step_result::row) now = step();
    // The connection keeps the error's code and text after a reset.
    reset();
    return now == step_result::finished;
}

void statement::reset() { sqlite3_reset(handle_.get()); }

std::int64_t statement::integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }

bool statement::is_null(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }

std::string_view statement::text(int column) const
{
    auto const* const p = sqlite3_column_text(handle_.get(), column);
    if (p == nullptr) return {};
    auto const size = sqlite3_column_bytes(handle_.get(), column);
    return {static_cast<char const*>(static_cast<void const*>(p)), static_cast<std::size_t>(size)};
}

std::string_view statement::blob(int column) const
{
    void const* const p = sqlite3_column_blob(handle_.get(), column);
    if (p == nullptr) return {};
    auto const size = sqlite3_column_bytes(handle_.get(), column);
    return {static_cast<char const*>(p), static_cast<std::size_t>(size)};
}

result<connection> connection::open(std::filesystem::path const& file, access a)
{
    connection c;
    sqlite3* raw = nullptr;
    // Each connection has one user at a time, so SQLite needs no mutex of its own.
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    if (a == access::create) flags |= SQLITE_OPEN_CREATE;
    int const code = sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
    c.handle_.reset(raw);
    if (code != SQLITE_OK) {
        if (raw == nullptr) return make_error(false, "opening " + file.string() + ": no memory");
        return c.failure("opening " + file.string());
    }
    sqlite3_extended_result_codes(raw, 1);
    sqlite3_busy_timeout(raw, busy_wait_milliseconds);
    return c;
}

result<> connection::execute(char const* sql)
{
    if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure(sql);
    return done{};
}

result<statement> connection::prepare(std::string_view sql)
{
    statement s;
    sqlite3_stmt* raw = nullptr;
    int const code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    s.handle_.reset(raw);
    if (code != SQLITE_OK) return failure(sql);
    return s;
}

result<std::int64_t> connection::number(char const* sql, std::int64_t otherwise)
{
    auto s = prepare(sql);
    if (!s) return s.error();
    switch (s->step()) {
        case step_result::row: return s->is_null(0) ? otherwise : s->integer(0);
        case step_result::finished: return otherwise;
        case step_result::failed: break;
    }
    return failure(sql);
}

error connection::failure(std::string_view doing) const
{
    int const code = last_code();
    int const known = sqlite3_system_errno(handle_.get());
    int const system = known != 0 ? known : step_error_number;
    bool const no_room = (code & 0xff) == SQLITE_FULL || ((code & 0xff) == SQLITE_IOERR && means_no_room(system));
    std::string text{doing};
    text += ": ";
    text += sqlite3_errmsg(handle_.get());
    text += " (SQLite " + std::to_string(code);
    if ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_FULL)
        text += ", " + std::error_code(system, std::system_category()).message();
    text += ')';
    return make_error(no_room, std::move(text));
}

bool connection::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
int connection::last_code() const { return sqlite3_extended_errcode(handle_.get()); }

}  // namespace postern::spool
