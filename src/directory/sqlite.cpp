#include "directory/sqlite.hpp"

#include <utility>

#include <sqlite3.h>

namespace postern::directory {
namespace {

constexpr public_text unavailable = "The account database is not available";

}  // namespace

error connection::failure(int code)
{
    error e{{4, 3, 0}, unavailable, {}};
    e.logged = "account database: ";
    e.logged += raw_ != nullptr ? sqlite3_errmsg(raw_) : sqlite3_errstr(code);
    e.logged += " (SQLite " + std::to_string(code) + ")";
    switch (code & 0xff) {
        case SQLITE_FULL: e.code = {4, 3, 1}; break;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_ERROR:  // "no such table": another file took its place
            lost_ = true;
            break;
        default: break;
    }
    return e;
}

statement::statement(statement&& other) noexcept
    : raw_(std::exchange(other.raw_, nullptr)), owner_(std::exchange(other.owner_, nullptr))
{
}

statement& statement::operator=(statement&& other) noexcept
{
    std::swap(raw_, other.raw_);
    std::swap(owner_, other.owner_);
    return *this;
}

statement::~statement() { sqlite3_finalize(raw_); }

void statement::bind(int parameter, std::string_view text)
{
    sqlite3_bind_text64(raw_, parameter, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
}

void statement::bind(int parameter, std::int64_t number) { sqlite3_bind_int64(raw_, parameter, number); }

void statement::bind_blob(int parameter, std::string_view octets)
{
    sqlite3_bind_blob64(raw_, parameter, octets.data() == nullptr ? "" : octets.data(), octets.size(),
                        SQLITE_TRANSIENT);
}

void statement::bind_null(int parameter) { sqlite3_bind_null(raw_, parameter); }

result<bool> statement::step()
{
    int const code = sqlite3_step(raw_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return owner_->failure(code);
}

result<> statement::run()
{
    auto stepped = step();
    reset();
    if (!stepped) return std::move(stepped).error();
    return done{};
}

void statement::reset() noexcept
{
    sqlite3_reset(raw_);
    sqlite3_clear_bindings(raw_);
}

std::string statement::text(int column) const
{
    auto const* octets = static_cast<char const*>(sqlite3_column_blob(raw_, column));
    auto const size = static_cast<std::size_t>(sqlite3_column_bytes(raw_, column));
    return octets == nullptr ? std::string{} : std::string{octets, size};
}

std::int64_t statement::number(int column) const { return sqlite3_column_int64(raw_, column); }

bool statement::is_null(int column) const { return sqlite3_column_type(raw_, column) == SQLITE_NULL; }

result<std::unique_ptr<connection>> connection::open(std::filesystem::path const& file, mode m, int busy_milliseconds)
{
    sqlite3* raw = nullptr;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    if (m == mode::create) flags |= SQLITE_OPEN_CREATE;
    int const code = sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
    std::unique_ptr<connection> c{new connection{raw}};
    if (code != SQLITE_OK) return c->failure(code);
    sqlite3_busy_timeout(raw, busy_milliseconds);
    // The file may come from a backup or from someone else: no functions or triggers of its own.
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    if (auto set = c->execute("PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON"); !set)
        return std::move(set).error();
    return c;
}

connection::~connection() { sqlite3_close_v2(raw_); }

void connection::set_patience(int milliseconds) noexcept { sqlite3_busy_timeout(raw_, milliseconds); }

result<> connection::execute(char const* sql)
{
    int const code = sqlite3_exec(raw_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failure(code);
    return done{};
}

result<statement> connection::prepare(char const* sql)
{
    statement s;
    s.owner_ = this;
    int const code = sqlite3_prepare_v3(raw_, sql, -1, SQLITE_PREPARE_PERSISTENT, &s.raw_, nullptr);
    if (code != SQLITE_OK) return failure(code);
    return s;
}

std::int64_t connection::changes() const noexcept { return sqlite3_changes64(raw_); }

std::int64_t connection::last_row() const noexcept { return sqlite3_last_insert_rowid(raw_); }

result<transaction> transaction::begin(connection& c)
{
    if (auto begun = c.execute("BEGIN IMMEDIATE"); !begun) return std::move(begun).error();
    return transaction{c};
}

transaction::~transaction()
{
    if (connection_ == nullptr) return;
    // A failed COMMIT may have rolled back already; then this fails, and nothing is lost.
    auto const rolled_back = connection_->execute("ROLLBACK");
    static_cast<void>(rolled_back.has_value());
}

result<> transaction::commit()
{
    if (auto committed = connection_->execute("COMMIT"); !committed) return std::move(committed).error();
    connection_ = nullptr;
    return done{};
}

}  // namespace postern::directory
