#include "directory/basic_rows.hpp"

#include "base/crypto.hpp"

namespace postern::directory {
namespace {

// Whether basic passwords are taken of account a. Behind the last @ of its address begins its domain.
constexpr char const* taken_of_a =
    " coalesce(a.basic_passwords, (SELECT d.allowed FROM basic_passwords d WHERE d.scope ="
    " substr(a.address, length(rtrim(a.address, replace(a.address, '@', ''))))), ?1) = 1";
constexpr char const* works_of_p = " p.revoked IS NULL AND (p.expires IS NULL OR p.expires > ?1)";

result<bool> any(connection& c, std::string const& from_where, std::int64_t first, std::int64_t second = 0)
{
    auto s = c.prepare(("SELECT 1 FROM " + from_where + " LIMIT 1").c_str());
    if (!s) return std::move(s).error();
    s->bind(1, first);
    if (from_where.find("?2") != std::string::npos) s->bind(2, second);
    return s->step();
}

std::int64_t size_of(hash h) { return static_cast<std::int64_t>(digest_size(h)); }

}  // namespace

result<std::vector<basic_scope>> read_basic_scopes(connection& c)
{
    auto s = c.prepare("SELECT scope, allowed, set_by, since FROM basic_passwords ORDER BY scope");
    if (!s) return std::move(s).error();
    std::vector<basic_scope> list;
    for (;;) {
        auto row = s->step();
        if (!row) return std::move(row).error();
        if (!*row) return list;
        list.push_back({s->text(0), {s->number(1) != 0, s->text(2), from_microseconds(s->number(3))}});
    }
}

result<means_found> read_means(connection& c, bool organisation, wall_time now)
{
    means_found found;
    std::string const taken = taken_of_a;
    std::string const keys = "scram_keys k JOIN accounts a ON a.id = k.account WHERE k.hash = ?2 AND" + taken;
    std::string const works = works_of_p;
    std::string const app_keys =
        "app_password_keys k JOIN app_passwords p ON p.id = k.app_password WHERE k.hash = ?2 AND" + works;
    std::int64_t const org = organisation ? 1 : 0;
    // Where nothing says "on", nobody needs to be looked at one by one.
    auto on = c.prepare(
        "SELECT ?1 OR EXISTS (SELECT 1 FROM accounts WHERE basic_passwords = 1)"
        " OR EXISTS (SELECT 1 FROM basic_passwords WHERE scope <> '' AND allowed = 1)");
    if (!on) return std::move(on).error();
    on->bind(1, org);
    auto somewhere = on->step();
    if (!somewhere) return std::move(somewhere).error();
    bool const basic = *somewhere && on->number(0) != 0;
    std::int64_t const at = to_microseconds(now);
    struct {
        bool& to;
        std::string from_where;
        std::int64_t first, second;
        bool ask = true;
    } const questions[] = {
        {found.basic, "accounts a WHERE" + taken, org, 0, basic},
        {found.basic_sha1, keys, org, size_of(hash::sha1), basic},
        {found.basic_sha512, keys, org, size_of(hash::sha512), basic},
        {found.basic_cram_md5, "accounts a WHERE a.cram_md5 IS NOT NULL AND" + taken, org, 0, basic},
        {found.app, "app_passwords p WHERE" + works, at, 0},
        {found.app_sha1, app_keys, at, size_of(hash::sha1)},
        {found.app_sha256, app_keys, at, size_of(hash::sha256)},
        {found.app_sha512, app_keys, at, size_of(hash::sha512)},
    };
    for (auto const& q : questions) {
        if (!q.ask) continue;
        auto answer = any(c, q.from_where, q.first, q.second);
        if (!answer) return std::move(answer).error();
        q.to = *answer;
    }
    auto next = c.prepare("SELECT min(expires) FROM app_passwords WHERE revoked IS NULL AND expires > ?1");
    if (!next) return std::move(next).error();
    next->bind(1, at);
    auto row = next->step();
    if (!row) return std::move(row).error();
    if (*row && !next->is_null(0)) found.until = from_microseconds(next->number(0));
    return found;
}

result<> put_basic(connection& c, std::int64_t account, std::optional<bool> allowed, std::string_view by, wall_time now)
{
    auto s = c.prepare(
        "UPDATE accounts SET basic_passwords = ?2, basic_passwords_by = ?3, basic_passwords_since = ?4 WHERE id = ?1");
    if (!s) return std::move(s).error();
    s->bind(1, account);
    if (allowed) {
        s->bind(2, std::int64_t{*allowed ? 1 : 0});
        s->bind(3, by);
        s->bind(4, to_microseconds(now));
    } else {
        for (int i : {2, 3, 4}) s->bind_null(i);
    }
    return s->run();
}

result<> put_basic_scope(connection& c, std::string_view scope, std::optional<bool> allowed, std::string_view by,
                         wall_time now)
{
    auto s = c.prepare(allowed ? "INSERT OR REPLACE INTO basic_passwords (scope, allowed, set_by, since)"
                                 " VALUES (?1, ?2, ?3, ?4)"
                               : "DELETE FROM basic_passwords WHERE scope = ?1");
    if (!s) return std::move(s).error();
    s->bind(1, scope);
    if (allowed) {
        s->bind(2, std::int64_t{*allowed ? 1 : 0});
        s->bind(3, by);
        s->bind(4, to_microseconds(now));
    }
    return s->run();
}

}  // namespace postern::directory
