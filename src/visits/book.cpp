#include "visits/book.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "store/stamped.hpp"
#include "visits/token.hpp"

namespace postern::visits {
namespace {

constexpr std::int64_t application = 0x50737773;  // "Psws"
constexpr std::int64_t version = 1;
constexpr store::texts told{"The sessions are not available", "There is no room for sessions"};
constexpr std::size_t longest_agent = 200;
// A use is written down when the file is behind by so much: a restart may cost somebody that.
constexpr std::chrono::minutes behind{2};

constexpr char const* tables = R"(
CREATE TABLE visits (
    digest        BLOB PRIMARY KEY,     -- SHA-256 of the token
    id            TEXT NOT NULL,
    account       TEXT NOT NULL,
    role          TEXT NOT NULL,
    password_set  INTEGER NOT NULL,     -- microseconds since 1970
    created       INTEGER NOT NULL,
    last_used     INTEGER NOT NULL,
    client        TEXT NOT NULL,
    agent         TEXT NOT NULL,
    login         TEXT NOT NULL         -- what the account is found by
) STRICT, WITHOUT ROWID;
)";

bool is_over(visit const& v, limits const& bounds, wall_time now)
{
    return now - v.last_used >= bounds.idle || now - v.created >= bounds.whole;
}

}  // namespace

result<std::unique_ptr<book>> book::open(std::filesystem::path const& folder, wall_time now)
{
    auto const file = folder / "web-sessions.db";
    std::unique_ptr<book> made{new book};
    auto read = made->read(file);
    if (!read) {
        log::event(log::level::error, "sessions_put_aside",
                   {{"problem", read.error().logged}, {"text", "everybody has to sign in to the web pages again"}});
        made.reset(new book);
        std::error_code failed;
        std::filesystem::rename(file, file.string() + ".bad", failed);
        for (auto const* end : {"-wal", "-shm"}) std::filesystem::remove(file.string() + end, failed);
        if (read = made->read(file); !read) return std::move(read.error());
    }
    std::scoped_lock const hold{made->lock_};
    for (auto at = made->all_.begin(); at != made->all_.end();) {
        auto const next = std::next(at);
        // The clock was wrong then or is wrong now: nobody stays signed in until it comes.
        if (at->second.what.created > now + std::chrono::hours{1}) made->forget(at);
        at = next;
    }
    return made;
}

result<> book::read(std::filesystem::path const& file)
{
    auto db = store::open_stamped(file, told,
                                  "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON",
                                  {application, version}, tables);
    if (!db) return std::move(db.error());
    auto rows = db->prepare(
        "SELECT digest, id, account, role, password_set, created, last_used, client, agent, login FROM visits");
    if (!rows) return std::move(rows.error());
    store::step_result step{};
    while ((step = rows->step()) == store::step_result::row) {
        auto const role = directory::parse_role(rows->text(3));
        if (!role) continue;
        visit v;
        v.id = rows->text(1);
        v.account = rows->text(2);
        v.role = *role;
        v.password_set = from_microseconds(rows->integer(4));
        v.created = from_microseconds(rows->integer(5));
        v.last_used = from_microseconds(rows->integer(6));
        v.client = rows->text(7);
        v.agent = rows->text(8);
        v.login = rows->text(9);
        std::string const digest{rows->blob(0)};
        of_account_[v.account].push_back(digest);
        auto const used = v.last_used;
        all_.emplace(digest, entry{std::move(v), used});
    }
    if (step == store::step_result::failed) return db->failure("reading web-sessions.db");
    rows = store::statement{};
    struct {
        store::statement& to;
        char const* sql;
    } const statements[] = {
        {put_, "INSERT OR REPLACE INTO visits VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"},
        {touch_, "UPDATE visits SET last_used = ?2 WHERE digest = ?1"},
        {drop_, "DELETE FROM visits WHERE digest = ?1"},
    };
    for (auto const& s : statements) {
        auto prepared = db->prepare(s.sql);
        if (!prepared) return std::move(prepared.error());
        s.to = std::move(*prepared);
    }
    db_ = std::move(*db);
    return {};
}

/// What can't be written is in memory all the same; a restart would forget it.
void book::complain(std::string_view doing)
{
    if (std::exchange(complained_, true)) return;
    log::event(log::level::error, "sessions_not_stored", {{"problem", db_.failure(doing).logged}});
}

void book::store(std::string const& digest, entry const& e)
{
    auto const& v = e.what;
    put_.bind_blob(1, digest).bind_text(2, v.id).bind_text(3, v.account).bind_text(4, directory::to_string(v.role));
    put_.bind(5, to_microseconds(v.password_set)).bind(6, to_microseconds(v.created));
    put_.bind(7, to_microseconds(v.last_used)).bind_text(8, v.client).bind_text(9, v.agent).bind_text(10, v.login);
    if (!put_.run()) complain("storing a session");
    put_.forget_parameters();
}

void book::forget(entries::iterator at)
{
    if (!drop_.bind_blob(1, at->first).run()) complain("ending a session");
    drop_.forget_parameters();
    auto const account = of_account_.find(at->second.what.account);
    if (account != of_account_.end()) {
        std::erase(account->second, at->first);
        if (account->second.empty()) of_account_.erase(account);
    }
    all_.erase(at);
}

void book::make_room(std::string const& account, limits const& bounds, wall_time now)
{
    auto const oldest = [](auto first, auto last, auto use_of) {
        return std::min_element(first, last, [&](auto const& a, auto const& b) { return use_of(a) < use_of(b); });
    };
    for (auto mine = of_account_.find(account); mine != of_account_.end() && mine->second.size() >= bounds.per_account;
         mine = of_account_.find(account)) {
        auto const& digests = mine->second;
        auto const first =
            oldest(digests.begin(), digests.end(), [&](std::string const& d) { return all_.at(d).what.last_used; });
        forget(all_.find(*first));
    }
    if (all_.size() < bounds.in_total) return;
    for (auto at = all_.begin(); at != all_.end();) {
        auto const next = std::next(at);
        if (is_over(at->second.what, bounds, now)) forget(at);
        at = next;
    }
    while (!all_.empty() && all_.size() >= bounds.in_total)
        forget(oldest(all_.begin(), all_.end(), [](auto const& e) { return e.second.what.last_used; }));
}

opened_visit book::begin(new_visit v, limits const& bounds, wall_time now)
{
    opened_visit made;
    made.token = make_token();
    made.what.id = make_session_id();
    made.what.account = std::move(v.account);
    made.what.login = std::move(v.login);
    made.what.role = v.role;
    made.what.password_set = v.password_set;
    made.what.created = made.what.last_used = now;
    made.what.client = std::move(v.client);
    made.what.agent = printable(v.agent, longest_agent);
    auto const digest = token_digest(made.token.reveal());
    std::scoped_lock const hold{lock_};
    make_room(made.what.account, bounds, now);
    auto const& kept = all_.emplace(digest, entry{made.what, now}).first->second;
    of_account_[made.what.account].push_back(digest);
    store(digest, kept);
    return made;
}

/// One whose time is over is gone then.
book::entries::iterator book::living(std::string const& digest, limits const& bounds, wall_time now)
{
    auto const at = all_.find(digest);
    if (at == all_.end() || !is_over(at->second.what, bounds, now)) return at;
    forget(at);
    return all_.end();
}

std::optional<visit> book::look(std::string_view token, limits const& bounds, wall_time now)
{
    auto const digest = token_digest(token);
    std::scoped_lock const hold{lock_};
    auto const at = living(digest, bounds, now);
    return at == all_.end() ? std::nullopt : std::optional{at->second.what};
}

std::optional<visit> book::use(std::string_view token, limits const& bounds, wall_time now)
{
    auto const digest = token_digest(token);
    std::scoped_lock const hold{lock_};
    auto const at = living(digest, bounds, now);
    if (at == all_.end()) return std::nullopt;
    auto& e = at->second;
    e.what.last_used = std::max(e.what.last_used, now);
    if (e.what.last_used - e.stored_use >= behind) {
        e.stored_use = e.what.last_used;
        if (!touch_.bind_blob(1, digest).bind(2, to_microseconds(e.stored_use)).run()) complain("noting a use");
        touch_.forget_parameters();
    }
    return e.what;
}

bool book::end(std::string_view token)
{
    auto const digest = token_digest(token);
    std::scoped_lock const hold{lock_};
    auto const at = all_.find(digest);
    if (at == all_.end()) return false;
    forget(at);
    return true;
}

bool book::end_by_id(std::string_view account, std::string_view id)
{
    std::scoped_lock const hold{lock_};
    auto const mine = of_account_.find(account);
    if (mine == of_account_.end()) return false;
    for (auto const& digest : mine->second) {
        auto const at = all_.find(digest);
        if (at->second.what.id != id) continue;
        forget(at);
        return true;
    }
    return false;
}

std::size_t book::end_all(std::string_view account, std::string_view but)
{
    std::scoped_lock const hold{lock_};
    auto const mine = of_account_.find(account);
    if (mine == of_account_.end()) return 0;
    std::size_t count = 0;
    for (auto const& digest : std::vector<std::string>{mine->second}) {
        auto const at = all_.find(digest);
        if (!but.empty() && at->second.what.id == but) continue;
        forget(at);
        ++count;
    }
    return count;
}

std::vector<visit> book::list(std::string_view account, limits const& bounds, wall_time now) const
{
    std::vector<visit> found;
    std::scoped_lock const hold{lock_};
    auto const mine = of_account_.find(account);
    if (mine == of_account_.end()) return found;
    for (auto const& digest : mine->second)
        if (auto const& v = all_.at(digest).what; !is_over(v, bounds, now)) found.push_back(v);
    std::sort(found.begin(), found.end(), [](auto const& a, auto const& b) { return a.last_used > b.last_used; });
    return found;
}

std::size_t book::size() const
{
    std::scoped_lock const hold{lock_};
    return all_.size();
}

}  // namespace postern::visits
