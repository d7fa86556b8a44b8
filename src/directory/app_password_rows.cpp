#include "directory/app_password_rows.hpp"

#include <algorithm>

#include "directory/store.hpp"

namespace postern::directory {
namespace {

constexpr std::string_view network_kind = "network";
constexpr std::string_view sender_kind = "sender";
constexpr std::string_view recipient_kind = "recipient";

std::optional<wall_time> time_of(statement const& s, int column)
{
    if (s.is_null(column)) return std::nullopt;
    return from_microseconds(s.number(column));
}

app_password* find(std::vector<app_password>& list, std::int64_t id)
{
    auto const found = std::find_if(list.begin(), list.end(), [&](app_password const& p) { return p.id == id; });
    return found == list.end() ? nullptr : &*found;
}

/// The two columns that say whose a row is: one of them is null.
constexpr char const* of_owner = "account IS ?1 AND address IS ?2";
void bind_owner(statement& s, app_password_owner const& whose)
{
    if (whose.account != 0) {
        s.bind(1, whose.account);
        s.bind_null(2);
    } else {
        s.bind_null(1);
        s.bind(2, whose.address);
    }
}

result<std::int64_t> working(connection& c, app_password_owner const& whose, std::int64_t now)
{
    auto s = c.prepare((std::string{"SELECT count(*) FROM app_passwords WHERE "} + of_owner +
                        " AND revoked IS NULL AND (expires IS NULL OR expires > ?3)")
                           .c_str());
    if (!s) return std::move(s).error();
    bind_owner(*s, whose);
    s->bind(3, now);
    auto row = s->step();
    if (!row) return std::move(row).error();
    return *row ? s->number(0) : 0;
}

result<> put_limit(connection& c, std::int64_t id, std::string_view kind, std::string const& value)
{
    auto s = c.prepare("INSERT OR IGNORE INTO app_password_limits (app_password, kind, value) VALUES (?1, ?2, ?3)");
    if (!s) return std::move(s).error();
    s->bind(1, id);
    s->bind(2, kind);
    s->bind(3, value);
    return s->run();
}

result<> put_limits(connection& c, std::int64_t id, app_password_limits const& l)
{
    for (auto const& n : l.networks)
        if (auto r = put_limit(c, id, network_kind, n.to_string()); !r) return r;
    for (auto const& text : l.senders)
        if (auto r = put_limit(c, id, sender_kind, text); !r) return r;
    for (auto const& text : l.recipients)
        if (auto r = put_limit(c, id, recipient_kind, text); !r) return r;
    return done{};
}

}  // namespace

app_password_owner owner_of(stored_account const& a)
{
    return a.id != 0 ? app_password_owner{a.id, {}} : app_password_owner{0, a.who.address};
}

std::string name_of(app_password_owner const& o) { return o.account != 0 ? std::to_string(o.account) : o.address; }

result<> app_password_reader::prepare(connection& c)
{
    struct {
        statement& to;
        std::string sql;
    } const list[] = {
        {passwords_,
         "SELECT id, label, verifier, created, created_by, expires, revoked, last_used, last_client"
         " FROM app_passwords WHERE " +
             std::string{of_owner} + " ORDER BY id"},
        {limits_,
         "SELECT l.app_password, l.kind, l.value FROM app_passwords p JOIN app_password_limits l"
         " ON l.app_password = p.id WHERE " +
             std::string{of_owner}},
        {keys_,
         "SELECT k.app_password, k.hash, k.form, k.iterations, k.salt, k.stored_key, k.server_key"
         " FROM app_passwords p JOIN app_password_keys k ON k.app_password = p.id WHERE " +
             std::string{of_owner}},
    };
    for (auto const& item : list) {
        auto s = c.prepare(item.sql.c_str());
        if (!s) return std::move(s).error();
        item.to = std::move(*s);
    }
    return done{};
}

result<> app_password_reader::fill(stored_account& a)
{
    std::vector<app_password> list;
    auto const whose = owner_of(a);
    {
        reset_at_end at_end{passwords_};
        bind_owner(passwords_, whose);
        for (;;) {
            auto row = passwords_.step();
            if (!row) return std::move(row).error();
            if (!*row) break;
            app_password p;
            p.id = passwords_.number(0);
            p.label = passwords_.text(1);
            p.verifier = passwords_.text(2);
            p.created = from_microseconds(passwords_.number(3));
            p.created_by = passwords_.text(4);
            p.expires = time_of(passwords_, 5);
            p.revoked = time_of(passwords_, 6);
            p.last_used = time_of(passwords_, 7);
            p.last_client = passwords_.text(8);
            list.push_back(std::move(p));
        }
    }
    if (list.empty()) return done{};
    if (auto r = fill_limits(whose, list); !r) return r;
    if (auto r = fill_keys(a, list); !r) return r;
    for (auto& p : list) a.who.app_passwords.push_back(std::make_shared<app_password const>(std::move(p)));
    return done{};
}

result<> app_password_reader::fill_limits(app_password_owner const& whose, std::vector<app_password>& list)
{
    reset_at_end at_end{limits_};
    bind_owner(limits_, whose);
    for (;;) {
        auto row = limits_.step();
        if (!row) return std::move(row).error();
        if (!*row) return done{};
        auto* const p = find(list, limits_.number(0));
        if (p == nullptr) continue;
        auto const kind = limits_.text(1);
        auto value = limits_.text(2);
        if (kind == sender_kind) {
            p->limits.senders.push_back(std::move(value));
        } else if (kind == recipient_kind) {
            p->limits.recipients.push_back(std::move(value));
        } else if (auto n = kind == network_kind ? network::parse(value) : std::nullopt) {
            p->limits.networks.push_back(*n);
        } else {
            // A limit that can't be understood must not be one less.
            p->revoked = p->created;
        }
    }
}

result<> app_password_reader::fill_keys(stored_account& a, std::vector<app_password>& list)
{
    reset_at_end at_end{keys_};
    bind_owner(keys_, owner_of(a));
    for (;;) {
        auto row = keys_.step();
        if (!row) return std::move(row).error();
        if (!*row) return done{};
        auto* const p = find(list, keys_.number(0));
        for (hash const h : scram_set::hashes) {
            auto const size = digest_size(h);
            if (p == nullptr || keys_.number(1) != static_cast<std::int64_t>(size)) continue;
            app_password_key k;
            k.app_password = p->id;
            k.hash = h;
            k.form = keys_.number(2);
            std::int64_t const iterations = keys_.number(3);
            k.keys.salt = keys_.text(4);
            k.keys.stored_key = keys_.text(5);
            k.keys.server_key = keys_.text(6);
            // A row that someone edited must not take part in an exchange.
            if (iterations < 4096 || iterations > 10'000'000 || k.keys.salt.empty() ||
                k.keys.stored_key.size() != size || k.keys.server_key.size() != size)
                continue;
            k.keys.iterations = static_cast<std::uint32_t>(iterations);
            k.keys.real = true;
            if (std::find(p->scram_hashes.begin(), p->scram_hashes.end(), h) == p->scram_hashes.end())
                p->scram_hashes.push_back(h);
            a.app_keys.push_back(std::move(k));
        }
    }
}

result<std::int64_t> insert_app_password(connection& c, app_password_owner const& whose, app_password const& p,
                                         std::vector<app_password_key> const& keys, wall_time now)
{
    auto const at = to_microseconds(now);
    auto count = working(c, whose, at);
    if (!count) return std::move(count).error();
    if (*count >= static_cast<std::int64_t>(most_app_passwords))
        return error{{5, 7, 0},
                     "The account has as many app passwords as one can have",
                     "the account has " + std::to_string(most_app_passwords) +
                         " app passwords, which is as many as one can have: revoke one that is not used any more"};
    std::string const mine = of_owner;
    auto old =
        c.prepare(("DELETE FROM app_passwords WHERE " + mine +
                   " AND (revoked IS NOT NULL OR expires <= ?3) AND id NOT IN (SELECT id FROM app_passwords WHERE " +
                   mine + " ORDER BY id DESC LIMIT ?4)")
                      .c_str());
    if (!old) return std::move(old).error();
    bind_owner(*old, whose);
    old->bind(3, at);
    old->bind(4, static_cast<std::int64_t>(most_app_passwords_kept - most_app_passwords));
    if (auto r = old->run(); !r) return std::move(r).error();

    auto s = c.prepare(
        "INSERT INTO app_passwords (account, address, label, verifier, created, created_by, expires)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    if (!s) return std::move(s).error();
    bind_owner(*s, whose);
    s->bind(3, p.label);
    s->bind_blob(4, p.verifier);
    s->bind(5, at);
    s->bind(6, p.created_by);
    if (p.expires) {
        s->bind(7, to_microseconds(*p.expires));
    } else {
        s->bind_null(7);
    }
    if (auto r = s->run(); !r) return std::move(r).error();
    std::int64_t const id = c.last_row();
    if (auto r = put_limits(c, id, p.limits); !r) return std::move(r).error();
    for (auto const& k : keys)
        if (auto r = put_app_password_key(c, id, k); !r) return std::move(r).error();
    return id;
}

result<> put_app_password_key(connection& c, std::int64_t app_password, app_password_key const& k)
{
    // Not for one that was revoked meanwhile.
    auto s = c.prepare(
        "INSERT OR REPLACE INTO app_password_keys (app_password, hash, form, iterations, salt, stored_key, server_key)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 FROM app_passwords WHERE id = ?1 AND revoked IS NULL");
    if (!s) return std::move(s).error();
    s->bind(1, app_password);
    s->bind(2, static_cast<std::int64_t>(digest_size(k.hash)));
    s->bind(3, k.form);
    s->bind(4, std::int64_t{k.keys.iterations});
    s->bind_blob(5, k.keys.salt);
    s->bind_blob(6, k.keys.stored_key);
    s->bind_blob(7, k.keys.server_key);
    return s->run();
}

result<> mark_revoked(connection& c, app_password_owner const& whose, std::int64_t app_password, wall_time now)
{
    auto s = c.prepare(
        (std::string{"UPDATE app_passwords SET revoked = ?4 WHERE "} + of_owner + " AND id = ?3 AND revoked IS NULL")
            .c_str());
    if (!s) return std::move(s).error();
    bind_owner(*s, whose);
    s->bind(3, app_password);
    s->bind(4, to_microseconds(now));
    if (auto r = s->run(); !r) return r;
    if (c.changes() == 0)
        return error{{5, 7, 0},
                     "The account has no such app password",
                     "the account has no app password " + std::to_string(app_password) +
                         " that works; `postern account app-password list ADDRESS` shows all"};
    auto keys = c.prepare("DELETE FROM app_password_keys WHERE app_password = ?1");
    if (!keys) return std::move(keys).error();
    keys->bind(1, app_password);
    return keys->run();
}

result<> drop_app_passwords(connection& c, std::string_view address)
{
    auto s = c.prepare("DELETE FROM app_passwords WHERE address = ?1");
    if (!s) return std::move(s).error();
    s->bind(1, address);
    return s->run();
}

result<> put_use(connection& c, use_of_app_password const& u)
{
    auto s = c.prepare(
        "UPDATE app_passwords SET last_used = ?2, last_client = ?3 WHERE id = ?1"
        " AND (last_used IS NULL OR last_used < ?2)");
    if (!s) return std::move(s).error();
    s->bind(1, u.app_password);
    s->bind(2, to_microseconds(u.when));
    s->bind(3, u.client);
    return s->run();
}

}  // namespace postern::directory
