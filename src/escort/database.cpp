#include "escort/database.hpp"

#include <mutex>

#include "base/log.hpp"
#include "store/stamped.hpp"

namespace postern::escort {
namespace {

constexpr std::int64_t version = 1;
constexpr std::int64_t application = 0x50737472;  // "Pstr"
constexpr std::int64_t most_policies = 100'000, most_sessions = 500'000;
constexpr store::texts told{"Policies are not available", "There is no room for policies"};

constexpr char const* tables = R"(
CREATE TABLE policy (
    domain  TEXT PRIMARY KEY,
    id      TEXT NOT NULL,     -- what the TXT record said when it was fetched
    text    TEXT NOT NULL,
    fetched INTEGER NOT NULL,  -- microseconds since 1970
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE session (
    day           INTEGER NOT NULL,  -- since 1970, UTC
    domain        TEXT NOT NULL,     -- of the recipients
    policy_type   TEXT NOT NULL,
    policy_domain TEXT NOT NULL,
    policy        TEXT NOT NULL,
    mx            TEXT NOT NULL,
    result        TEXT NOT NULL,     -- empty: TLS as it should be
    host          TEXT NOT NULL,
    address       TEXT NOT NULL,
    own_address   TEXT NOT NULL,
    detail        TEXT NOT NULL,
    count         INTEGER NOT NULL,
    PRIMARY KEY (day, domain, policy_type, policy_domain, policy, result, host, address, own_address, detail)
) STRICT, WITHOUT ROWID;
)";

result<store::connection> open_file(std::filesystem::path const& file)
{
    return store::open_stamped(file, told, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
                               {application, version}, tables);
}

class sqlite_database final : public database {
public:
    explicit sqlite_database(store::connection db) : db_(std::move(db)) {}

    result<> prepare()
    {
        for (auto const& [into, sql] : std::initializer_list<std::pair<store::statement*, char const*>>{
                 {&policies_, "SELECT domain, id, text, fetched, expires FROM policy WHERE expires > ?1"},
                 {&store_, "INSERT OR REPLACE INTO policy VALUES (?1, ?2, ?3, ?4, ?5)"},
                 {&add_,
                  "INSERT INTO session VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) "
                  "ON CONFLICT DO UPDATE SET count = count + excluded.count"},
                 {&days_,
                  "SELECT day, domain, sum(iif(result = '', count, 0)), sum(iif(result = '', 0, count)) "
                  "FROM session GROUP BY day, domain ORDER BY day, domain"},
                 {&sessions_,
                  "SELECT policy_type, policy_domain, policy, mx, result, host, address, own_address, detail, count "
                  "FROM session WHERE day = ?1 AND domain = ?2"},
                 {&forget_, "DELETE FROM session WHERE day = ?1 AND domain = ?2"},
                 {&forget_before_, "DELETE FROM session WHERE day < ?1"}}) {
            auto made = db_.prepare(sql);
            if (!made) return std::move(made.error());
            *into = std::move(*made);
        }
        return count();
    }

    result<std::vector<stored_policy>> policies(wall_time now) override
    {
        std::lock_guard const hold{lock_};
        store::reset_after const end{policies_};
        std::vector<stored_policy> all;
        policies_.bind(1, to_microseconds(now));
        auto step = policies_.step();
        for (; step == store::step_result::row; step = policies_.step())
            all.push_back({std::string{policies_.text(0)}, std::string{policies_.text(1)},
                           std::string{policies_.text(2)}, from_microseconds(policies_.integer(3)),
                           from_microseconds(policies_.integer(4))});
        if (step == store::step_result::failed) return failed();
        return all;
    }

    result<> store(stored_policy const& p) override
    {
        std::lock_guard const hold{lock_};
        if (policy_count_ >= most_policies) {
            // What expires soonest is the least loss.
            auto const sql = "DELETE FROM policy WHERE domain IN (SELECT domain FROM policy ORDER BY expires LIMIT " +
                             std::to_string(most_policies / 10) + ')';
            if (auto r = db_.execute(sql.c_str()); !r) return r;
            if (auto r = count(); !r) return r;
        }
        store_.bind_text_copy(1, p.domain).bind_text_copy(2, p.id).bind_text_copy(3, p.text);
        store_.bind(4, to_microseconds(p.fetched)).bind(5, to_microseconds(p.expires));
        if (!store_.run()) return failed();
        ++policy_count_;
        return {};
    }

    result<> add(std::vector<session_row> const& rows) override
    {
        std::lock_guard const hold{lock_};
        if (rows.empty() || session_count_ >= most_sessions) return {};
        auto t = store::transaction::begin(db_);
        if (!t) return std::move(t.error());
        for (auto const& r : rows) {
            add_.bind(1, r.day).bind_text_copy(2, r.domain).bind_text_copy(3, r.policy.type);
            add_.bind_text_copy(4, r.policy.domain).bind_text_copy(5, r.policy.text).bind_text_copy(6, r.policy.mx);
            add_.bind_text_copy(7, r.result).bind_text_copy(8, r.host).bind_text_copy(9, r.address);
            add_.bind_text_copy(10, r.own_address).bind_text_copy(11, r.detail);
            add_.bind(12, static_cast<std::int64_t>(r.count));
            if (!add_.run()) return failed();
        }
        if (auto r = t->commit(); !r) return r;
        return count();
    }

    result<std::vector<day_summary>> days() override
    {
        std::lock_guard const hold{lock_};
        store::reset_after const end{days_};
        std::vector<day_summary> all;
        auto step = days_.step();
        for (; step == store::step_result::row; step = days_.step())
            all.push_back({days_.integer(0), std::string{days_.text(1)}, static_cast<std::uint64_t>(days_.integer(2)),
                           static_cast<std::uint64_t>(days_.integer(3))});
        if (step == store::step_result::failed) return failed();
        return all;
    }

    result<std::vector<session_row>> sessions(std::int64_t day, std::string const& domain) override
    {
        std::lock_guard const hold{lock_};
        store::reset_after const end{sessions_};
        std::vector<session_row> all;
        sessions_.bind(1, day).bind_text_copy(2, domain);
        auto const text = [this](int column) { return std::string{sessions_.text(column)}; };
        auto step = sessions_.step();
        for (; step == store::step_result::row; step = sessions_.step())
            all.push_back({day, domain, applied_policy{text(0), text(1), text(2), text(3)}, text(4), text(5), text(6),
                           text(7), text(8), static_cast<std::uint64_t>(sessions_.integer(9))});
        if (step == store::step_result::failed) return failed();
        return all;
    }

    result<> forget(std::int64_t day, std::string const& domain) override
    {
        std::lock_guard const hold{lock_};
        if (!forget_.bind(1, day).bind_text_copy(2, domain).run()) return failed();
        return count();
    }

    result<> forget_before(std::int64_t day) override
    {
        std::lock_guard const hold{lock_};
        if (!forget_before_.bind(1, day).run()) return failed();
        return count();
    }

private:
    error failed() const { return db_.failure("using transport.db"); }

    result<> count()
    {
        auto const policies = db_.number("SELECT count(*) FROM policy");
        if (!policies) return policies.error();
        auto const sessions = db_.number("SELECT count(*) FROM session");
        if (!sessions) return sessions.error();
        policy_count_ = *policies;
        session_count_ = *sessions;
        return {};
    }

    std::mutex lock_;
    store::connection db_;
    store::statement policies_, store_, add_, days_, sessions_, forget_, forget_before_;
    std::int64_t policy_count_ = 0, session_count_ = 0;
};

result<std::unique_ptr<database>> try_open(std::filesystem::path const& file)
{
    auto db = open_file(file);
    if (!db) return std::move(db.error());
    auto made = std::make_unique<sqlite_database>(std::move(*db));
    if (auto r = made->prepare(); !r) return std::move(r.error());
    return std::unique_ptr<database>{std::move(made)};
}

}  // namespace

result<std::unique_ptr<database>> open_database(std::filesystem::path const& folder)
{
    auto const file = folder / "transport.db";
    auto made = try_open(file);
    if (made) return made;
    log::event(log::level::error, "transport_state_put_aside",
               {{"problem", made.error().logged}, {"text", "policies are fetched anew; reports of today miss a part"}});
    std::error_code ignored;
    std::filesystem::rename(file, file.string() + ".bad", ignored);
    for (auto const* end : {"-wal", "-shm"}) std::filesystem::remove(file.string() + end, ignored);
    return try_open(file);
}

}  // namespace postern::escort
