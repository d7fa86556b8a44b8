#include "directory/schema.hpp"

#include "base/crypto.hpp"

namespace postern::directory {
namespace {

constexpr std::int64_t application_id = 0x50736163;  // "Psac"

// Addresses are mailbox::key(); times are microseconds since 1970 UTC. `cost` is the
// verifier without salt and hash, so that typical_verifier() can count.
constexpr char const* tables = R"(
CREATE TABLE accounts (
    id                INTEGER PRIMARY KEY,
    address           TEXT NOT NULL UNIQUE,
    enabled           INTEGER NOT NULL DEFAULT 1,
    smtp_auth         INTEGER NOT NULL DEFAULT 1,
    cost              TEXT NOT NULL,
    verifier          TEXT NOT NULL,
    scram_iterations  INTEGER,
    scram_salt        BLOB,
    scram_stored_key  BLOB,
    scram_server_key  BLOB,
    created           INTEGER NOT NULL,
    password_set      INTEGER NOT NULL
) STRICT;
CREATE TABLE aliases (
    address  TEXT PRIMARY KEY,
    account  INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_account ON aliases (account);
CREATE TABLE grants (
    account  INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    sender   TEXT NOT NULL,
    PRIMARY KEY (account, sender)
) STRICT, WITHOUT ROWID;
CREATE TABLE domains (
    name  TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE settings (
    name   TEXT PRIMARY KEY,
    value  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
)";

result<std::int64_t> one_number(connection& c, char const* sql)
{
    auto s = c.prepare(sql);
    if (!s) return std::move(s).error();
    auto row = s->step();
    if (!row) return std::move(row).error();
    return *row ? s->number(0) : 0;
}

error bad_file(std::string text) { return {{4, 3, 0}, "The account database is not available", std::move(text)}; }

result<> create(connection& c, int version)
{
    auto t = transaction::begin(c);
    if (!t) return std::move(t).error();
    // Someone else may have been quicker.
    auto made = one_number(c, "PRAGMA user_version");
    if (!made) return std::move(made).error();
    if (*made != 0) return done{};
    if (auto r = c.execute(tables); !r) return r;
    auto insert = c.prepare("INSERT INTO settings (name, value) VALUES ('server_secret', ?1)");
    if (!insert) return std::move(insert).error();
    insert->bind_blob(1, random_octets(32));
    if (auto r = insert->run(); !r) return r;
    std::string const marks = "PRAGMA application_id = " + std::to_string(application_id) +
                              "; PRAGMA user_version = " + std::to_string(version);
    if (auto r = c.execute(marks.c_str()); !r) return r;
    return t->commit();
}

}  // namespace

result<std::string> prepare_schema(connection& c, std::string const& file, int version)
{
    auto found = one_number(c, "PRAGMA user_version");
    if (!found) return std::move(found).error();
    auto owner = one_number(c, "PRAGMA application_id");
    if (!owner) return std::move(owner).error();
    auto objects = one_number(c, "SELECT count(*) FROM sqlite_master");
    if (!objects) return std::move(objects).error();

    bool const empty = *found == 0 && *owner == 0 && *objects == 0;
    if (!empty && *owner != application_id) return bad_file(file + " is a database, but not one of Postern's accounts");
    if (*found > version)
        return bad_file(file + " was written by a newer Postern (version " + std::to_string(*found) +
                        " of its tables, this program knows up to " + std::to_string(version) +
                        "): install that version or restore a backup");
    if (auto r = c.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"); !r) return std::move(r).error();
    if (empty) {
        if (auto r = create(c, version); !r) return std::move(r).error();
    } else {
        // Bounded: a large database is not read from end to end at each start.
        auto check = c.prepare("PRAGMA quick_check(1)");
        if (!check) return std::move(check).error();
        auto pages = one_number(c, "PRAGMA page_count");
        if (!pages) return std::move(pages).error();
        if (*pages < 16'384) {
            auto row = check->step();
            if (!row || !*row || check->text(0) != "ok")
                return bad_file(file + " is damaged: restore it from a backup, or move it away to begin with none");
        }
    }
    auto secret = c.prepare("SELECT value FROM settings WHERE name = 'server_secret'");
    if (!secret) return std::move(secret).error();
    auto row = secret->step();
    if (!row) return std::move(row).error();
    if (!*row || secret->text(0).size() != 32) return bad_file(file + " is damaged: its server secret is missing");
    return secret->text(0);
}

}  // namespace postern::directory
