// numbers.db: the samples of a day.
#include <map>
#include <mutex>

#include "base/log.hpp"
#include "console/numbers.hpp"
#include "store/stamped.hpp"

namespace postern::console {
namespace {

constexpr std::int64_t version = 1;
constexpr std::int64_t application = 0x50736e75;  // "Psnu"
constexpr store::texts told{"The numbers are not available", "There is no room for numbers"};
// Of one sample: an attacker finds no more rules to break than there are, but a bound is a bound.
constexpr std::size_t most_rules_stored = 64;

std::string schema()
{
    std::string sql = "CREATE TABLE sample (time INTEGER PRIMARY KEY";
    for (std::size_t n = 0; n < number_count; ++n)
        sql += ", " + std::string{to_string(static_cast<number>(n))} + " INTEGER";
    sql +=
        ") STRICT; CREATE TABLE refusal (time INTEGER NOT NULL, rule TEXT NOT NULL, times INTEGER NOT NULL, "
        "PRIMARY KEY (time, rule)) STRICT, WITHOUT ROWID;";
    return sql;
}

result<store::connection> open_file(std::filesystem::path const& file, int most_pages)
{
    // A sample that a crash takes away is missed by nobody: nothing waits for the disk.
    return store::open_stamped(
        file, told,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA max_page_count = " + std::to_string(most_pages),
        {application, version}, schema());
}

class stored_numbers final : public number_book {
public:
    stored_numbers(std::filesystem::path file, int most_pages, store::connection db)
        : file_(std::move(file)), most_pages_(most_pages), db_(std::move(db))
    {
    }

    result<> add(sample const& s) override
    {
        std::scoped_lock const hold{lock_};
        auto done = write(s);
        if (done || db_.in_transaction()) return done;
        // Full or damaged: what is in it is worth less than what comes.
        if (auto fresh = begin_anew(); !fresh) return fresh;
        return write(s);
    }

    result<std::vector<sample>> read(std::int64_t since, std::int64_t until) override
    {
        std::scoped_lock const hold{lock_};
        std::string sql = "SELECT time";
        for (std::size_t n = 0; n < number_count; ++n) sql += ", " + std::string{to_string(static_cast<number>(n))};
        auto rows = db_.prepare(sql + " FROM sample WHERE time > ?1 AND time <= ?2 ORDER BY time");
        if (!rows) return std::move(rows.error());
        rows->bind(1, since).bind(2, until);
        std::vector<sample> all;
        store::step_result step{};
        while ((step = rows->step()) == store::step_result::row) {
            auto& s = all.emplace_back();
            s.time = rows->integer(0);
            for (std::size_t n = 0; n < number_count; ++n)
                if (auto const column = static_cast<int>(n) + 1; !rows->is_null(column))
                    s.values[n] = rows->integer(column);
        }
        if (step == store::step_result::failed) return db_.failure("reading numbers.db");
        if (auto r = read_rules(since, until, all); !r) return std::move(r.error());
        return all;
    }

private:
    result<> read_rules(std::int64_t since, std::int64_t until, std::vector<sample>& all)
    {
        auto rows =
            db_.prepare("SELECT time, rule, times FROM refusal WHERE time > ?1 AND time <= ?2 ORDER BY time, rule");
        if (!rows) return std::move(rows.error());
        rows->bind(1, since).bind(2, until);
        auto at = all.begin();
        store::step_result step{};
        while ((step = rows->step()) == store::step_result::row) {
            auto const time = rows->integer(0);
            while (at != all.end() && at->time < time) ++at;
            if (at != all.end() && at->time == time)
                at->rules.emplace_back(std::string{rows->text(1)}, static_cast<std::uint64_t>(rows->integer(2)));
        }
        if (step == store::step_result::failed) return db_.failure("reading numbers.db");
        return {};
    }

    result<> write(sample const& s)
    {
        auto whole = store::transaction::begin(db_);
        if (!whole) return std::move(whole.error());
        std::string sql = "INSERT OR REPLACE INTO sample VALUES (?1";
        for (std::size_t n = 0; n < number_count; ++n) sql += ", ?" + std::to_string(n + 2);
        auto row = db_.prepare(sql + ")");
        if (!row) return std::move(row.error());
        row->bind(1, s.time);
        for (std::size_t n = 0; n < number_count; ++n) {
            auto const parameter = static_cast<int>(n) + 2;
            if (s.values[n])
                row->bind(parameter, *s.values[n]);
            else
                row->bind_null(parameter);
        }
        if (!row->run()) return db_.failure("writing numbers.db");
        auto rule = db_.prepare("INSERT OR REPLACE INTO refusal VALUES (?1, ?2, ?3)");
        if (!rule) return std::move(rule.error());
        std::size_t count = 0;
        for (auto const& [name, n] : s.rules) {
            if (count++ == most_rules_stored) break;
            if (!rule->bind(1, s.time).bind_text(2, name).bind(3, static_cast<std::int64_t>(n)).run())
                return db_.failure("writing numbers.db");
        }
        auto const old = std::to_string(s.time - kept_seconds);
        auto const forget = "DELETE FROM sample WHERE time <= " + old + "; DELETE FROM refusal WHERE time <= " + old;
        if (auto r = db_.execute(forget.c_str()); !r) return r;
        return whole->commit();
    }

    result<> begin_anew()
    {
        db_.close();
        std::error_code ignored;
        for (char const* end : {"", "-wal", "-shm"}) std::filesystem::remove(file_.string() + end, ignored);
        auto fresh = open_file(file_, most_pages_);
        if (!fresh) return std::move(fresh.error());
        db_ = std::move(*fresh);
        log::event(log::level::warning, "numbers_begun_anew", {{"file", file_.string()}});
        return {};
    }

    std::filesystem::path const file_;
    int const most_pages_;
    std::mutex lock_;
    store::connection db_;
};

}  // namespace

result<std::unique_ptr<number_book>> number_book::open(std::filesystem::path const& folder, int most_pages)
{
    auto const file = folder / "numbers.db";
    auto db = open_file(file, most_pages);
    if (!db) {
        std::error_code ignored;
        for (char const* end : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + end, ignored);
        db = open_file(file, most_pages);
    }
    if (!db) return std::move(db.error());
    return std::unique_ptr<number_book>{std::make_unique<stored_numbers>(file, most_pages, std::move(*db))};
}

}  // namespace postern::console
