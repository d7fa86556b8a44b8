// The writes of the account database. Each is one transaction: all of it, or nothing.
#include "base/crypto.hpp"
#include "base/text.hpp"
#include "directory/store.hpp"
#include "directory/verifier.hpp"

namespace postern::directory {
namespace {

error no_account(std::string_view address)
{
    return {{5, 1, 1}, "There is no such account", "there is no account " + printable(address)};
}

error taken(std::string_view address)
{
    return {
        {5, 1, 0}, "The address belongs to an account already", printable(address) + " belongs to an account already"};
}

/// Runs a statement with these parameters; gives the rows it changed.
template <class... Values>
result<std::int64_t> run(connection& c, char const* sql, Values const&... values)
{
    auto s = c.prepare(sql);
    if (!s) return std::move(s).error();
    int parameter = 0;
    (s->bind(++parameter, values), ...);
    if (auto r = s->run(); !r) return std::move(r).error();
    return c.changes();
}

/// The first column of the first row, or -1.
template <class... Values>
result<std::int64_t> look_up(connection& c, char const* sql, Values const&... values)
{
    auto s = c.prepare(sql);
    if (!s) return std::move(s).error();
    int parameter = 0;
    (s->bind(++parameter, values), ...);
    auto row = s->step();
    if (!row) return std::move(row).error();
    return *row ? s->number(0) : -1;
}

result<bool> is_taken(connection& c, std::string_view address)
{
    auto n = look_up(c,
                     "SELECT 1 WHERE EXISTS (SELECT 1 FROM accounts WHERE address = ?1)"
                     " OR EXISTS (SELECT 1 FROM aliases WHERE address = ?1)",
                     address);
    if (!n) return std::move(n).error();
    return *n == 1;
}

result<> drop_role(connection& c, std::string_view address)
{
    auto gone = run(c, "DELETE FROM roles WHERE address = ?1", address);
    if (!gone) return std::move(gone).error();
    return done{};
}

constexpr char const* insert_account =
    "INSERT INTO accounts (address, cost, verifier, cram_md5, password_set, created) VALUES (?1, ?2, ?3, ?4, ?5, ?5)"
    " RETURNING id";
constexpr char const* update_credentials =
    "UPDATE accounts SET previous_verifier = verifier, cost = ?2, verifier = ?3, cram_md5 = ?4, password_set = ?5"
    " WHERE address = ?1 RETURNING id";
constexpr char const* put_scram =
    "INSERT OR REPLACE INTO scram_keys (account, hash, iterations, salt, stored_key, server_key)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

result<> put_keys(connection& c, std::int64_t account, scram_set const& keys)
{
    for (hash const h : scram_set::hashes) {
        if (!keys[h].real) continue;
        auto s = c.prepare(put_scram);
        if (!s) return std::move(s).error();
        s->bind(1, account);
        s->bind(2, static_cast<std::int64_t>(digest_size(h)));
        s->bind(3, std::int64_t{keys[h].iterations});
        s->bind_blob(4, keys[h].salt);
        s->bind_blob(5, keys[h].stored_key);
        s->bind_blob(6, keys[h].server_key);
        if (auto r = s->run(); !r) return r;
    }
    return done{};
}

/// `sql` is one of the two above. What the password before left behind goes.
result<> put_credentials(connection& c, char const* sql, std::string_view address, new_credentials const& n,
                         wall_time now)
{
    auto s = c.prepare(sql);
    if (!s) return std::move(s).error();
    s->bind(1, address);
    s->bind(2, n.cost);
    s->bind(3, n.verifier);
    if (n.cram_md5.empty()) {
        s->bind_null(4);
    } else {
        s->bind_blob(4, n.cram_md5);
    }
    s->bind(5, to_microseconds(now));
    auto row = s->step();
    if (!row) return std::move(row).error();
    if (!*row) return no_account(address);
    std::int64_t const id = s->number(0);
    s->reset();
    // Those of a back end's user of that name are none of the account's.
    if (auto r = drop_app_passwords(c, address); !r) return r;
    auto gone = run(c, "DELETE FROM scram_keys WHERE account = ?1", id);
    if (!gone) return std::move(gone).error();
    return put_keys(c, id, n.scram);
}

/// What somebody else of that name might do is nothing that the new account may.
result<> insert(connection& c, std::string_view address, new_credentials const& n, wall_time now)
{
    if (auto r = drop_role(c, address); !r) return r;
    return put_credentials(c, insert_account, address, n, now);
}

}  // namespace

result<> store::write(std::function<result<>(connection&)> const& work)
{
    std::lock_guard lock{writer_lock_};
    // What is written to a file that was replaced is written to nowhere.
    if (must_reopen_) {
        if (auto opened = reopen_for_writing(); !opened) return opened;
        reopened_ = true;
    }
    if (lost_) return lost();
    auto attempt = [&]() -> result<> {
        auto t = transaction::begin(*writer_);
        if (!t) return std::move(t).error();
        if (auto worked = work(*writer_); !worked) return worked;
        return t->commit();
    };
    auto done = attempt();
    if (writer_->lost()) must_reopen_ = true;
    return done;
}

result<> store::change(std::string_view address, std::function<result<>(connection&, std::int64_t)> const& work)
{
    return write([&](connection& c) -> result<> {
        auto id = look_up(c, "SELECT id FROM accounts WHERE address = ?1", address);
        if (!id) return std::move(id).error();
        if (*id < 0) return no_account(address);
        return work(c, *id);
    });
}

result<> store::add_account(std::string_view address, new_credentials const& n, wall_time now)
{
    return write([&](connection& c) -> result<> {
        auto known = is_taken(c, address);
        if (!known) return std::move(known).error();
        if (*known) return taken(address);
        return insert(c, address, n, now);
    });
}

result<> store::set_credentials(std::string_view address, new_credentials const& n, wall_time now)
{
    return change(address, [&](connection& c, std::int64_t) -> result<> {
        return put_credentials(c, update_credentials, address, n, now);
    });
}

result<> store::set_scram(std::int64_t id, std::string_view verifier, scram_set const& keys)
{
    return write([&](connection& c) -> result<> {
        auto still = look_up(c, "SELECT 1 FROM accounts WHERE id = ?1 AND verifier = ?2", id, verifier);
        if (!still) return std::move(still).error();
        return *still == 1 ? put_keys(c, id, keys) : done{};
    });
}

namespace {

/// Which hash was in place of the present one before its upgrade, as digests: an import of
/// the same file again must leave the account alone. Made when first needed.
constexpr char const* make_upgrades =
    "CREATE TABLE IF NOT EXISTS hash_upgrades ("
    " account INTEGER PRIMARY KEY REFERENCES accounts ON DELETE CASCADE, was BLOB NOT NULL, became BLOB NOT NULL"
    ") STRICT";

}  // namespace

result<> store::upgrade_verifier(std::int64_t id, std::string_view old, std::string_view verifier,
                                 std::string_view cost)
{
    return write([&](connection& c) -> result<> {
        auto changed = run(c, "UPDATE accounts SET verifier = ?3, cost = ?4 WHERE id = ?1 AND verifier = ?2", id, old,
                           verifier, cost);
        if (!changed) return std::move(changed).error();
        // Without a salt even a digest of the hash would give the password away.
        bool const salted = cost_of(old) != "{SHA}" && cost_of(old) != "{LDAP-MD5}" && cost_of(old) != "{SHA256}" &&
                            cost_of(old) != "{SHA512}";
        if (*changed == 0 || !salted) return done{};
        if (auto r = c.execute(make_upgrades); !r) return r;
        auto s = c.prepare("INSERT OR REPLACE INTO hash_upgrades (account, was, became) VALUES (?1, ?2, ?3)");
        if (!s) return std::move(s).error();
        s->bind(1, id);
        s->bind_blob(2, digest(hash::sha256, old));
        s->bind_blob(3, digest(hash::sha256, verifier));
        return s->run();
    });
}

result<> store::remove_account(std::string_view address)
{
    return change(address, [&](connection& c, std::int64_t id) -> result<> {
        auto r = run(c, "DELETE FROM accounts WHERE id = ?1", id);
        if (!r) return std::move(r).error();
        return drop_role(c, address);
    });
}

result<std::int64_t> store::add_app_password(app_password_owner const& whose, app_password const& p,
                                             std::vector<app_password_key> const& keys, wall_time now)
{
    std::int64_t id = 0;
    auto written = write([&](connection& c) -> result<> {
        auto made = insert_app_password(c, whose, p, keys, now);
        if (!made) return std::move(made).error();
        id = *made;
        return done{};
    });
    if (!written) return std::move(written).error();
    return id;
}

result<> store::put_app_password_keys(std::int64_t app_password, std::vector<app_password_key> const& keys)
{
    return write([&](connection& c) -> result<> {
        for (auto const& k : keys)
            if (auto r = put_app_password_key(c, app_password, k); !r) return r;
        return done{};
    });
}

result<> store::revoke_app_password(app_password_owner const& whose, std::int64_t id, wall_time now)
{
    return write([&](connection& c) -> result<> { return mark_revoked(c, whose, id, now); });
}

result<> store::put_uses(std::vector<use_of_app_password> const& uses)
{
    return write([&](connection& c) -> result<> {
        for (auto const& u : uses)
            if (auto r = put_use(c, u); !r) return r;
        return done{};
    });
}

result<> store::put_note(std::string_view name, std::string_view text)
{
    return write([&](connection& c) -> result<> {
        auto s = c.prepare("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)");
        if (!s) return std::move(s).error();
        s->bind(1, name);
        s->bind_blob(2, text);
        return s->run();
    });
}

result<> store::set_enabled(std::string_view address, bool on)
{
    return change(address, [&](connection& c, std::int64_t id) -> result<> {
        auto r = run(c, "UPDATE accounts SET enabled = ?2 WHERE id = ?1", id, std::int64_t{on ? 1 : 0});
        if (!r) return std::move(r).error();
        return done{};
    });
}

result<> store::set_smtp_auth(std::string_view address, bool on, std::string_view by)
{
    return change(address, [&](connection& c, std::int64_t id) -> result<> {
        auto r = run(c, "UPDATE accounts SET smtp_auth = ?2, smtp_auth_by = ?3 WHERE id = ?1", id,
                     std::int64_t{on ? 1 : 0}, by);
        if (!r) return std::move(r).error();
        return done{};
    });
}

result<> store::set_role(std::string_view address, role r)
{
    return write([&](connection& c) -> result<> {
        if (r == role::none) return drop_role(c, address);
        auto put = run(c, "INSERT OR REPLACE INTO roles (address, role) VALUES (?1, ?2)", address, to_string(r));
        if (!put) return std::move(put).error();
        return done{};
    });
}

result<> store::set_basic(std::string_view address, std::optional<bool> allowed, std::string_view by, wall_time now)
{
    return change(address,
                  [&](connection& c, std::int64_t id) -> result<> { return put_basic(c, id, allowed, by, now); });
}

result<> store::set_basic_scope(std::string_view scope, std::optional<bool> allowed, std::string_view by, wall_time now)
{
    return write([&](connection& c) -> result<> { return put_basic_scope(c, scope, allowed, by, now); });
}

result<> store::add_alias(std::string_view address, std::string_view alias)
{
    return change(address, [&](connection& c, std::int64_t id) -> result<> {
        auto known = is_taken(c, alias);
        if (!known) return std::move(known).error();
        if (*known) return taken(alias);
        auto r = run(c, "INSERT INTO aliases (address, account) VALUES (?1, ?2)", alias, id);
        if (!r) return std::move(r).error();
        return done{};
    });
}

result<> store::remove_alias(std::string_view address, std::string_view alias)
{
    return change(address, [&](connection& c, std::int64_t id) -> result<> {
        auto r = run(c, "DELETE FROM aliases WHERE address = ?1 AND account = ?2", alias, id);
        if (!r) return std::move(r).error();
        if (*r == 0)
            return error{
                {5, 1, 0}, "The account has no such alias", printable(address) + " has no alias " + printable(alias)};
        return done{};
    });
}

result<> store::grant_send_as(std::string_view address, std::string_view sender)
{
    return change(address, [&](connection& c, std::int64_t id) -> result<> {
        auto r = run(c, "INSERT OR IGNORE INTO grants (account, sender) VALUES (?1, ?2)", id, sender);
        if (!r) return std::move(r).error();
        return done{};
    });
}

result<> store::revoke_send_as(std::string_view address, std::string_view sender)
{
    return change(address, [&](connection& c, std::int64_t id) -> result<> {
        auto r = run(c, "DELETE FROM grants WHERE account = ?1 AND sender = ?2", id, sender);
        if (!r) return std::move(r).error();
        if (*r == 0)
            return error{{5, 1, 0},
                         "The account has no such grant",
                         printable(address) + " may not send as " + printable(sender) + " anyway"};
        return done{};
    });
}

result<std::size_t> store::import_accounts(std::vector<imported_account> const& list, wall_time now)
{
    std::size_t count = 0;
    auto written = write([&](connection& c) -> result<> {
        if (auto r = c.execute(make_upgrades); !r) return r;
        auto find = c.prepare(
            "SELECT a.verifier, u.was, u.became FROM accounts a LEFT JOIN hash_upgrades u ON u.account = a.id"
            " WHERE a.address = ?1");
        if (!find) return std::move(find).error();
        auto alias = c.prepare("SELECT 1 FROM aliases WHERE address = ?1");
        if (!alias) return std::move(alias).error();
        for (auto const& item : list) {
            find->bind(1, item.address);
            auto known = find->step();
            if (!known) return std::move(known).error();
            // The same hash again keeps the SCRAM keys that were derived since.
            bool const same =
                *known && (find->text(0) == item.verifier || (find->text(1) == digest(hash::sha256, item.verifier) &&
                                                              find->text(2) == digest(hash::sha256, find->text(0))));
            bool const exists = *known;
            find->reset();
            if (same) continue;
            if (!exists) {
                alias->bind(1, item.address);
                auto is_alias = alias->step();
                if (!is_alias) return std::move(is_alias).error();
                bool const clash = *is_alias;
                alias->reset();
                if (clash) return taken(item.address);
            }
            new_credentials const n{item.verifier, item.cost, item.scram, {}};
            auto const r =
                exists ? put_credentials(c, update_credentials, item.address, n, now) : insert(c, item.address, n, now);
            if (!r) return r;
            ++count;
        }
        return done{};
    });
    if (!written) return std::move(written).error();
    return count;
}

result<> store::add_domain(std::string_view name)
{
    return write([&](connection& c) -> result<> {
        auto r = run(c, "INSERT OR IGNORE INTO domains (name) VALUES (?1)", name);
        if (!r) return std::move(r).error();
        return done{};
    });
}

result<> store::remove_domain(std::string_view name)
{
    return write([&](connection& c) -> result<> {
        auto r = run(c, "DELETE FROM domains WHERE name = ?1", name);
        if (!r) return std::move(r).error();
        if (*r == 0)
            return error{
                {5, 1, 2}, "There is no such local domain", printable(name) + " is not in the database's list"};
        return done{};
    });
}

}  // namespace postern::directory
