#include "directory/postgres_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <postgresql/libpq-fe.h>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "base/whole_file.hpp"

namespace postern::directory {
namespace {

constexpr std::size_t most_rows = 1'000;
constexpr std::size_t longest_value = 64 << 10;

error unavailable(std::string text) { return {{4, 3, 0}, "The accounts are not available", std::move(text)}; }
/// What stays wrong until somebody changes the configuration or the database.
error wrong(std::string text) { return {{5, 3, 5}, "The accounts are not available", std::move(text)}; }

std::string one_line(char const* text)
{
    if (text == nullptr) return {};
    std::string line = text;
    while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
    std::replace(line.begin(), line.end(), '\n', ' ');
    return printable(line, 500);
}

/// What an operator can do about it.
std::string_view remedy(std::string_view state)
{
    struct known {
        std::string_view state;
        std::string_view remedy;
    };
    static constexpr known all[] = {
        {"42P01", "create the table, or write it with its schema, such as mail.users"},
        {"42703", "name a column that the table has; \\d TABLE in psql shows them"},
        {"42501", "GRANT SELECT on what the query reads (and UPDATE for update_query) to the user that connects"},
        {"42601", "correct the statement; psql shows the place"},
        {"42P02", "write $1 for the name; only update_query has $2 and $3"},
        {"42883", "add a cast, such as $1::text, or name another function"},
        {"42804", "add a cast, such as password::text"},
        {"25006", "read with SELECT only; only update_query may write"},
        {"22P02", "compare names with text columns: write column::text = $1"},
        {"3D000", "name a database that there is: dbname= in connection"},
        {"28P01", "correct the password in the password file, or the user in connection"},
        {"28000", "allow the user in pg_hba.conf, or name another one in connection"},
    };
    for (auto const& k : all)
        if (k.state == state) return k.remedy;
    return {};
}

/// Whether an error of the server's says that the connection or the server ends.
bool ends_connection(std::string_view state) { return state.starts_with("08") || state.starts_with("57P"); }

/// Whether it is about the values: the next question may do better.
bool is_about_values(std::string_view state)
{
    return state.starts_with("21") || state.starts_with("22") || state.starts_with("P0");
}

/// The same about the moment.
bool is_passing(std::string_view state)
{
    return state.starts_with("40") || state.starts_with("55") || state == "57014";
}

}  // namespace

std::optional<std::size_t> postgres_answer::column(std::string_view name) const
{
    auto const found = std::find(columns.begin(), columns.end(), name);
    if (found == columns.end()) return std::nullopt;
    return static_cast<std::size_t>(found - columns.begin());
}

/// Owns what libpq gives.
class postgres_connection::results {
public:
    results() = default;
    ~results()
    {
        for (auto* r : all) ::PQclear(r);
    }
    results(results const&) = delete;
    results& operator=(results const&) = delete;

    pg_result const* failure() const
    {
        for (auto const* r : all) {
            auto const s = ::PQresultStatus(r);
            if (s == PGRES_FATAL_ERROR || s == PGRES_BAD_RESPONSE || s == PGRES_NONFATAL_ERROR) return r;
        }
        return nullptr;
    }

    std::vector<pg_result*> all;
};

postgres_connection::postgres_connection(std::string connection, std::filesystem::path password_file,
                                         std::vector<postgres_statement> statements, std::chrono::milliseconds timeout)
    : connection_(std::move(connection)),
      password_file_(std::move(password_file)),
      statements_(std::move(statements)),
      timeout_(timeout)
{
}

postgres_connection::~postgres_connection() { close(); }

void postgres_connection::close() noexcept
{
    if (handle_ != nullptr) ::PQfinish(handle_);
    handle_ = nullptr;
}

bool postgres_connection::wait(short events, steady_time deadline) const
{
    for (;;) {
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
        if (left <= 0) return false;
        pollfd p{::PQsocket(handle_), events, 0};
        int const ready = ::poll(&p, 1, static_cast<int>(left));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

/// Of the connection. It is of no use any more.
error postgres_connection::failed(std::string const& what)
{
    only_this_ = false;
    auto e = unavailable("PostgreSQL: " + what);
    close();
    return e;
}

/// Of a statement.
error postgres_connection::failed(std::string const& what, pg_result const* r)
{
    char const* const field = r != nullptr ? ::PQresultErrorField(r, PG_DIAG_SQLSTATE) : nullptr;
    std::string const state = field != nullptr ? field : "";
    std::string text =
        what + ": " + one_line(r != nullptr ? ::PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : nullptr);
    if (state.empty()) return failed(what + ": " + one_line(::PQerrorMessage(handle_)));
    text += " (SQL state " + state + ")";
    if (ends_connection(state)) return failed(text);
    if (auto const advice = remedy(state); !advice.empty()) text += "; " + std::string{advice};
    about_values_ = is_about_values(state);
    only_this_ = about_values_ || is_passing(state);
    // A statement that another one replaced behind our back, or a table of another shape.
    stale_ = state == "26000" || state == "0A000";
    if (::PQtransactionStatus(handle_) != PQTRANS_IDLE) close();
    return state.starts_with("53") || only_this_ ? unavailable("PostgreSQL: " + text) : wrong("PostgreSQL: " + text);
}

result<> postgres_connection::connect(steady_time deadline)
{
    close();
    secret password;
    if (!password_file_.empty()) {
        auto line = read_secret_line(password_file_);
        if (!line) return unavailable(line.error().logged);
        password = std::move(*line);
    }
    // The operator's own values win over those behind. A secret's octets end with a NUL.
    char const* const keywords[] = {"fallback_application_name", "client_encoding", "dbname",
                                    password.empty() ? nullptr : "password", nullptr};
    char const* const values[] = {"postern", "UTF8", connection_.c_str(), password.reveal().data(), nullptr};
    handle_ = ::PQconnectStartParams(keywords, values, 1);
    if (handle_ == nullptr) return unavailable("PostgreSQL: there is no memory for a connection");
    auto state = PGRES_POLLING_WRITING;
    while (::PQstatus(handle_) != CONNECTION_BAD) {
        if (!wait(state == PGRES_POLLING_WRITING ? POLLOUT : POLLIN, deadline)) return failed("no connection in time");
        state = ::PQconnectPoll(handle_);
        if (state == PGRES_POLLING_OK) {
            ::PQsetnonblocking(handle_, 1);
            // What the server says besides is for its own log.
            ::PQsetNoticeProcessor(
                handle_, [](void*, char const*) {}, nullptr);
            return done{};
        }
        if (state == PGRES_POLLING_FAILED) break;
    }
    return failed(one_line(::PQerrorMessage(handle_)));
}

result<> postgres_connection::begin_session(steady_time deadline)
{
    // The server gives up before we do, so that the connection stays good.
    auto const limit = std::max<std::int64_t>(timeout_.count() * 9 / 10, 50);
    std::string const sql = "SET default_transaction_read_only = on; SET statement_timeout = " + std::to_string(limit) +
                            "; SET idle_in_transaction_session_timeout = " + std::to_string(2 * timeout_.count()) +
                            "; SET standard_conforming_strings = on";
    if (auto r = simple(sql.c_str(), deadline); !r) return r;
    for (auto const& s : statements_)
        if (auto r = prepare(s, deadline); !r) return r;
    return done{};
}

result<> postgres_connection::open(steady_time deadline)
{
    stale_ = false;
    only_this_ = false;
    if (auto r = connect(deadline); !r) return r;
    auto begun = begin_session(deadline);
    if (!begun) close();
    return begun;
}

result<> postgres_connection::collect(results& into, steady_time deadline)
{
    for (;;) {
        int const left = ::PQflush(handle_);
        if (left < 0) return failed(one_line(::PQerrorMessage(handle_)));
        if (left == 0) break;
        if (!wait(POLLIN | POLLOUT, deadline)) return failed("no answer in time");
        if (::PQconsumeInput(handle_) == 0) return failed(one_line(::PQerrorMessage(handle_)));
    }
    for (;;) {
        while (::PQisBusy(handle_) != 0) {
            if (!wait(POLLIN, deadline)) return failed("no answer in time");
            if (::PQconsumeInput(handle_) == 0) return failed(one_line(::PQerrorMessage(handle_)));
        }
        auto* const r = ::PQgetResult(handle_);
        if (r == nullptr) return done{};
        into.all.push_back(r);
        if (into.all.size() <= most_rows + 1) continue;
        auto e = failed("more than " + std::to_string(most_rows) + " rows");
        only_this_ = true;
        return e;
    }
}

result<> postgres_connection::simple(char const* sql, steady_time deadline)
{
    if (::PQsendQuery(handle_, sql) == 0) return failed(one_line(::PQerrorMessage(handle_)));
    results got;
    if (auto r = collect(got, deadline); !r) return r;
    if (auto const* bad = got.failure()) return failed("the session", bad);
    return done{};
}

result<> postgres_connection::prepare(postgres_statement const& s, steady_time deadline)
{
    if (::PQsendPrepare(handle_, s.name.c_str(), s.text.c_str(), 0, nullptr) == 0)
        return failed(one_line(::PQerrorMessage(handle_)));
    results prepared;
    if (auto r = collect(prepared, deadline); !r) return r;
    if (auto const* bad = prepared.failure()) return failed(s.name, bad);
    if (::PQsendDescribePrepared(handle_, s.name.c_str()) == 0) return failed(one_line(::PQerrorMessage(handle_)));
    results described;
    if (auto r = collect(described, deadline); !r) return r;
    if (auto const* bad = described.failure()) return failed(s.name, bad);
    if (described.all.empty()) return failed(s.name + ": no description");
    auto const* about = described.all.front();
    if (int const n = ::PQnparams(about); n != s.parameters)
        return wrong("PostgreSQL: " + s.name + " has " + std::to_string(n) + " parameters, and must have " +
                     std::to_string(s.parameters) + (s.parameters == 1 ? ": $1" : ": $1 to $3"));
    for (auto const& c : s.columns)
        if (::PQfnumber(about, c.c_str()) < 0)
            return wrong("PostgreSQL: " + s.name + " gives no column " + c + ": write ... AS " + c);
    if (!s.writes && ::PQnfields(about) == 0) return wrong("PostgreSQL: " + s.name + " is no SELECT");
    return done{};
}

result<postgres_answer> postgres_connection::execute_once(postgres_statement const& s,
                                                          std::vector<std::string_view> const& parameters,
                                                          steady_time deadline)
{
    // libpq wants strings that end in NUL; those with one inside are no text for PostgreSQL either.
    std::vector<std::string> texts{parameters.begin(), parameters.end()};
    std::vector<char const*> values;
    for (auto const& t : texts) values.push_back(t.c_str());
    int const sent = ::PQsendQueryPrepared(handle_, s.name.c_str(), static_cast<int>(values.size()), values.data(),
                                           nullptr, nullptr, 0);
    for (auto& t : texts) wipe(t.data(), t.size());
    if (sent == 0) return failed(one_line(::PQerrorMessage(handle_)));
    ::PQsetSingleRowMode(handle_);
    results got;
    if (auto r = collect(got, deadline); !r) {
        auto e = std::move(r).error();
        e.logged = s.name + ": " + e.logged;
        return e;
    }
    if (auto const* bad = got.failure()) return failed(s.name, bad);
    postgres_answer a;
    for (auto const* r : got.all) {
        int const columns = ::PQnfields(r);
        if (a.columns.empty())
            for (int c = 0; c < columns; ++c) a.columns.emplace_back(::PQfname(r, c));
        for (int row = 0; row < ::PQntuples(r); ++row) {
            auto& values_of_row = a.rows.emplace_back();
            for (int c = 0; c < columns; ++c) {
                if (::PQgetisnull(r, row, c) != 0) {
                    values_of_row.emplace_back();
                    continue;
                }
                auto const size = static_cast<std::size_t>(::PQgetlength(r, row, c));
                if (size > longest_value) {
                    only_this_ = true;
                    return unavailable("PostgreSQL: " + s.name + " gives a value of more than 64 KiB");
                }
                values_of_row.emplace_back(secret{std::string_view{::PQgetvalue(r, row, c), size}});
            }
        }
        if (s.writes) a.changed = parse_number<std::size_t>(::PQcmdTuples(const_cast<pg_result*>(r))).value_or(0);
    }
    return a;
}

result<postgres_answer> postgres_connection::execute(postgres_statement const& s,
                                                     std::vector<std::string_view> const& parameters, bool undo,
                                                     steady_time deadline)
{
    if (!s.writes) return execute_once(s, parameters, deadline);
    if (auto r = simple("BEGIN READ WRITE", deadline); !r) return std::move(r).error();
    auto answer = execute_once(s, parameters, deadline);
    if (!answer) {
        close();  // with its transaction
        return answer;
    }
    if (auto r = simple(undo ? "ROLLBACK" : "COMMIT", deadline); !r) return std::move(r).error();
    return answer;
}

result<postgres_answer> postgres_connection::run(postgres_statement const& s,
                                                 std::vector<std::string_view> const& parameters, steady_time deadline)
{
    bool fresh = handle_ == nullptr;
    if (fresh)
        if (auto r = open(deadline); !r) return std::move(r).error();
    only_this_ = false;
    auto answer = execute(s, parameters, false, deadline);
    bool const lost = !answer && !fresh && (handle_ == nullptr || stale_) && !only_this_;
    if (!lost || steady_clock::now() >= deadline) return answer;
    // The server may have been restarted since the last question, or a table changed.
    if (auto r = open(deadline); !r) return std::move(r).error();
    return execute(s, parameters, false, deadline);
}

result<> postgres_connection::try_all(steady_time deadline)
{
    if (auto r = open(deadline); !r) return r;
    for (auto const& s : statements_) {
        std::vector<std::string_view> const nobody(static_cast<std::size_t>(s.parameters), "");
        auto answer = execute(s, nobody, true, deadline);
        if (answer) continue;
        auto e = std::move(answer).error();
        // What fails for nobody's name fails for everybody's.
        if (only_this_ && about_values_) e.code = {5, 3, 5};
        close();
        only_this_ = false;
        return e;
    }
    close();
    return done{};
}

}  // namespace postern::directory
