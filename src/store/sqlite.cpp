#include "store/sqlite.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace postern::store {
namespace {

// What the system said when a step failed: SQLite itself forgets it when a COMMIT fails.
thread_local int step_error_number = 0;

char const* data_of(std::string_view text) noexcept { return text.data() == nullptr ? "" : text.data(); }

}  // namespace

bool means_no_room(int error_number) noexcept
{
    return error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
}

std::string trouble_with_empty(std::filesystem::path const& file)
{
    std::error_code absent, unknown;
    if (std::filesystem::file_size(file, absent) != 0 || absent) return {};
    if (std::filesystem::exists(file.string() + "-journal", unknown)) return {};
    return file.string() + " is damaged, it has lost all its content: restore it from a backup, or remove it and " +
           file.string() + "-wal to begin anew";
}

void remove_if_empty(std::filesystem::path const& file)
{
    std::error_code failed;
    if (std::filesystem::file_size(file, failed) == 0 && !failed) std::filesystem::remove(file, failed);
}

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

statement& statement::bind_text_copy(int parameter, std::string_view value)
{
    sqlite3_bind_text64(handle_.get(), parameter, data_of(value), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    return *this;
}

statement& statement::bind_blob_copy(int parameter, std::string_view value)
{
    sqlite3_bind_blob64(handle_.get(), parameter, data_of(value), value.size(), SQLITE_TRANSIENT);
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

void statement::reset() noexcept { sqlite3_reset(handle_.get()); }
void statement::forget_parameters() noexcept { sqlite3_clear_bindings(handle_.get()); }

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

result<connection> connection::open(std::filesystem::path const& file, access a, texts told, int patience)
{
    connection c;
    c.told_ = told;
    sqlite3* raw = nullptr;
    // Each connection has one user at a time, so SQLite needs no mutex of its own.
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW;
    if (a == access::create) flags |= SQLITE_OPEN_CREATE;
    // The file itself is no link; the folder may be reached by one, which SQLite would refuse, too.
    std::error_code failed;
    auto const folder = std::filesystem::canonical(file.has_parent_path() ? file.parent_path() : ".", failed);
    auto const place = failed ? file : folder / file.filename();
    int const code = sqlite3_open_v2(place.c_str(), &raw, flags, nullptr);
    c.handle_.reset(raw);
    if (code != SQLITE_OK) {
        if (raw == nullptr) return error{status{4, 3, 0}, told.failed, "opening " + file.string() + ": no memory"};
        return c.failure("opening " + file.string());
    }
    sqlite3_extended_result_codes(raw, 1);
    sqlite3_busy_timeout(raw, patience);
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

result<std::string> connection::read_blob(char const* table, char const* column, std::int64_t row, std::uint64_t offset,
                                          std::size_t limit)
{
    sqlite3_blob* raw = nullptr;
    int const opened = sqlite3_blob_open(handle_.get(), "main", table, column, row, 0, &raw);
    std::unique_ptr<sqlite3_blob, int (*)(sqlite3_blob*)> const blob{raw, &sqlite3_blob_close};
    if (opened != SQLITE_OK) return failure("opening content");
    auto const total = static_cast<std::uint64_t>(sqlite3_blob_bytes(blob.get()));
    std::string out;
    if (offset >= total) return out;
    out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(limit, total - offset)));
    if (sqlite3_blob_read(blob.get(), out.data(), static_cast<int>(out.size()), static_cast<int>(offset)) != SQLITE_OK)
        return failure("reading content");
    return out;
}

error connection::failure(std::string_view doing) const
{
    int const code = last_code();
    int const known = sqlite3_system_errno(handle_.get());
    int const system = known != 0 ? known : step_error_number;
    bool const no_room = (code & 0xff) == SQLITE_FULL || ((code & 0xff) == SQLITE_IOERR && means_no_room(system));
    std::string text{doing};
    if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB) {
        char const* const file = sqlite3_db_filename(handle_.get(), "main");
        text = file != nullptr ? file : "the database";
        text += " is damaged: restore it from a backup, or move it and its -wal file away to begin anew";
    }
    text += ": ";
    text += sqlite3_errmsg(handle_.get());
    text += " (SQLite " + std::to_string(code);
    if ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_FULL)
        text += ", " + std::error_code(system, std::system_category()).message();
    text += ')';
    if (no_room) return error{status{4, 3, 1}, told_.no_room, std::move(text)};
    return error{status{4, 3, 0}, told_.failed, std::move(text)};
}

trouble connection::last_trouble() const
{
    switch (last_code() & 0xff) {
        case SQLITE_FULL:
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_NOMEM: return trouble::passing;
        case SQLITE_CONSTRAINT:
        case SQLITE_TOOBIG: return trouble::constraint;
        default: return trouble::lasting;
    }
}

bool connection::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
int connection::last_code() const { return sqlite3_extended_errcode(handle_.get()); }
std::int64_t connection::changes() const noexcept { return sqlite3_changes64(handle_.get()); }
std::int64_t connection::last_row() const noexcept { return sqlite3_last_insert_rowid(handle_.get()); }
void connection::set_patience(int milliseconds) noexcept { sqlite3_busy_timeout(handle_.get(), milliseconds); }

void connection::distrust_schema() noexcept
{
    sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

void connection::grow_by(int octets) noexcept
{
    sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_CHUNK_SIZE, &octets);
}

void connection::count_frames(int* into) noexcept
{
    sqlite3_wal_hook(
        handle_.get(),
        [](void* frames, sqlite3*, char const*, int count) {
            *static_cast<int*>(frames) = count;
            return SQLITE_OK;
        },
        into);
}

connection::copied connection::checkpoint(int mode)
{
    copied c;
    int const code = sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, mode, &c.in_log, &c.copied);
    c.done = code == SQLITE_OK;
    c.in_the_way = (code & 0xff) == SQLITE_BUSY;
    return c;
}

connection::copied connection::copy_log() { return checkpoint(SQLITE_CHECKPOINT_PASSIVE); }
connection::copied connection::copy_whole_log() { return checkpoint(SQLITE_CHECKPOINT_RESTART); }

result<transaction> transaction::begin(connection& c)
{
    if (auto begun = c.execute("BEGIN IMMEDIATE"); !begun) return std::move(begun).error();
    return transaction{c};
}

transaction::~transaction()
{
    if (connection_ == nullptr) return;
    // A failed COMMIT may have rolled back already; then this fails, and nothing is lost.
    static_cast<void>(connection_->execute("ROLLBACK"));
}

result<> transaction::commit()
{
    if (auto committed = connection_->execute("COMMIT"); !committed) return std::move(committed).error();
    connection_ = nullptr;
    return done{};
}

}  // namespace postern::store
