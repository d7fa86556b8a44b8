// The writes of the account database. Each is one transaction: all of it, or nothing.
#include "base/text.hpp"
#include "directory/store.hpp"

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

void bind_credentials(statement& s, int first, std::string_view cost, std::string_view verifier,
                      sasl::scram_keys const& keys, wall_time now)
{
    s.bind(first, cost);
    s.bind(first + 1, verifier);
    if (keys.real) {
        s.bind(first + 2, std::int64_t{keys.iterations});
        s.bind_blob(first + 3, keys.salt);
        s.bind_blob(first + 4, keys.stored_key);
        s.bind_blob(first + 5, keys.server_key);
    } else {
        for (int i = 2; i < 6; ++i) s.bind_null(first + i);
    }
    s.bind(first + 6, to_microseconds(now));
}

constexpr char const* insert_account =
    "INSERT INTO accounts (address, cost, verifier, scram_iterations, scram_salt, scram_stored_key, scram_server_key,"
    " password_set, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)";
constexpr char const* update_credentials =
    "UPDATE accounts SET cost = ?2, verifier = ?3, scram_iterations = ?4, scram_salt = ?5, scram_stored_key = ?6,"
    " scram_server_key = ?7, password_set = ?8 WHERE address = ?1";

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
        auto s = c.prepare(insert_account);
        if (!s) return std::move(s).error();
        s->bind(1, address);
        bind_credentials(*s, 2, n.cost, n.verifier, n.scram, now);
        return s->run();
    });
}

result<> store::set_credentials(std::string_view address, new_credentials const& n, wall_time now)
{
    return change(address, [&](connection& c, std::int64_t) -> result<> {
        auto s = c.prepare(update_credentials);
        if (!s) return std::move(s).error();
        s->bind(1, address);
        bind_credentials(*s, 2, n.cost, n.verifier, n.scram, now);
        return s->run();
    });
}

result<> store::set_scram(std::int64_t id, std::string_view verifier, sasl::scram_keys const& keys)
{
    return write([&](connection& c) -> result<> {
        auto s = c.prepare(
            "UPDATE accounts SET scram_iterations = ?3, scram_salt = ?4, scram_stored_key = ?5, scram_server_key = ?6"
            " WHERE id = ?1 AND verifier = ?2");
        if (!s) return std::move(s).error();
        s->bind(1, id);
        s->bind(2, verifier);
        s->bind(3, std::int64_t{keys.iterations});
        s->bind_blob(4, keys.salt);
        s->bind_blob(5, keys.stored_key);
        s->bind_blob(6, keys.server_key);
        return s->run();
    });
}

result<> store::remove_account(std::string_view address)
{
    return change(address, [&](connection& c, std::int64_t id) -> result<> {
        auto r = run(c, "DELETE FROM accounts WHERE id = ?1", id);
        if (!r) return std::move(r).error();
        return done{};
    });
}

result<> store::set_flag(std::string_view address, flag f, bool on)
{
    return change(address, [&](connection& c, std::int64_t id) -> result<> {
        char const* sql = f == flag::enabled ? "UPDATE accounts SET enabled = ?2 WHERE id = ?1"
                                             : "UPDATE accounts SET smtp_auth = ?2 WHERE id = ?1";
        auto r = run(c, sql, id, std::int64_t{on ? 1 : 0});
        if (!r) return std::move(r).error();
        return done{};
    });
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
        auto find = c.prepare("SELECT verifier FROM accounts WHERE address = ?1");
        if (!find) return std::move(find).error();
        auto alias = c.prepare("SELECT 1 FROM aliases WHERE address = ?1");
        if (!alias) return std::move(alias).error();
        auto insert = c.prepare(insert_account);
        if (!insert) return std::move(insert).error();
        auto update = c.prepare(update_credentials);
        if (!update) return std::move(update).error();
        for (auto const& item : list) {
            find->bind(1, item.address);
            auto known = find->step();
            if (!known) return std::move(known).error();
            // The same hash again keeps the SCRAM keys that were derived since.
            bool const same = *known && find->text(0) == item.verifier;
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
            statement& s = exists ? *update : *insert;
            s.bind(1, item.address);
            bind_credentials(s, 2, item.cost, item.verifier, item.scram, now);
            if (auto r = s.run(); !r) return r;
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
