#include "directory/schema.hpp"

#include <array>

#include "base/crypto.hpp"

namespace postern::directory {
namespace {

constexpr std::int64_t application_id = 0x50736163;  // "Psac"

// Addresses are mailbox::key(); times are microseconds since 1970 UTC. `cost` is the
// verifier without salt and hash, so that typical_verifier() can count.
constexpr char const* version_1 = R"(
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

// SCRAM keys per hash (`hash`: octets of its output). App passwords, and what each may do. Where
// basic passwords are off: null in an account is "as its domain says"; a scope is "@domain", or ""
// for what the configuration said last. `cram_md5` is sealed with the key file; the previous
// verifier only names the cause of a failed login.
constexpr char const* version_2 = R"(
CREATE TABLE scram_keys (
    account     INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    hash        INTEGER NOT NULL,
    iterations  INTEGER NOT NULL,
    salt        BLOB NOT NULL,
    stored_key  BLOB NOT NULL,
    server_key  BLOB NOT NULL,
    PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX scram_keys_by_hash ON scram_keys (hash);
INSERT INTO scram_keys SELECT id, 32, scram_iterations, scram_salt, scram_stored_key, scram_server_key FROM accounts
    WHERE scram_iterations IS NOT NULL AND scram_salt IS NOT NULL AND scram_stored_key IS NOT NULL
    AND scram_server_key IS NOT NULL;
ALTER TABLE accounts DROP COLUMN scram_iterations;
ALTER TABLE accounts DROP COLUMN scram_salt;
ALTER TABLE accounts DROP COLUMN scram_stored_key;
ALTER TABLE accounts DROP COLUMN scram_server_key;
ALTER TABLE accounts ADD COLUMN previous_verifier TEXT;
ALTER TABLE accounts ADD COLUMN cram_md5 BLOB;
CREATE INDEX accounts_with_cram_md5 ON accounts (id) WHERE cram_md5 IS NOT NULL;
ALTER TABLE accounts ADD COLUMN basic_passwords INTEGER;
ALTER TABLE accounts ADD COLUMN basic_passwords_by TEXT;
ALTER TABLE accounts ADD COLUMN basic_passwords_since INTEGER;
CREATE TABLE basic_passwords (
    scope    TEXT PRIMARY KEY,
    allowed  INTEGER NOT NULL,
    set_by   TEXT NOT NULL,
    since    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE app_passwords (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    account      INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    label        TEXT NOT NULL,
    verifier     BLOB NOT NULL,
    created      INTEGER NOT NULL,
    created_by   TEXT NOT NULL,
    expires      INTEGER,
    revoked      INTEGER,
    last_used    INTEGER,
    last_client  TEXT
) STRICT;
CREATE INDEX app_passwords_by_account ON app_passwords (account);
CREATE TABLE app_password_limits (
    app_password  INTEGER NOT NULL REFERENCES app_passwords ON DELETE CASCADE,
    kind          TEXT NOT NULL,
    value         TEXT NOT NULL,
    PRIMARY KEY (app_password, kind, value)
) STRICT, WITHOUT ROWID;
)";

// SCRAM keys of app passwords: for each form in which one may be entered, with the salt that the
// account's keys have, since the server names one salt for all.
constexpr char const* version_3 = R"(
CREATE TABLE app_password_keys (
    app_password  INTEGER NOT NULL REFERENCES app_passwords ON DELETE CASCADE,
    hash          INTEGER NOT NULL,
    form          INTEGER NOT NULL,
    iterations    INTEGER NOT NULL,
    salt          BLOB NOT NULL,
    stored_key    BLOB NOT NULL,
    server_key    BLOB NOT NULL,
    PRIMARY KEY (app_password, hash, form)
) STRICT, WITHOUT ROWID;
CREATE INDEX app_password_keys_by_hash ON app_password_keys (hash);
)";

// App passwords of users of back ends, who have no row of their own: by address. Either that or the
// account is null. A number is never given twice, so the next one is taken over, too.
constexpr char const* version_4 = R"(
CREATE TABLE app_passwords_4 (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    account      INTEGER REFERENCES accounts ON DELETE CASCADE,
    address      TEXT,
    label        TEXT NOT NULL,
    verifier     BLOB NOT NULL,
    created      INTEGER NOT NULL,
    created_by   TEXT NOT NULL,
    expires      INTEGER,
    revoked      INTEGER,
    last_used    INTEGER,
    last_client  TEXT,
    CHECK ((account IS NULL) <> (address IS NULL))
) STRICT;
INSERT INTO app_passwords_4 SELECT id, account, NULL, label, verifier, created, created_by, expires, revoked, last_used,
    last_client FROM app_passwords;
DELETE FROM sqlite_sequence WHERE name = 'app_passwords_4';
INSERT INTO sqlite_sequence (name, seq) SELECT 'app_passwords_4', seq FROM sqlite_sequence WHERE name = 'app_passwords';
CREATE TABLE app_password_limits_4 (
    app_password  INTEGER NOT NULL REFERENCES app_passwords_4 ON DELETE CASCADE,
    kind          TEXT NOT NULL,
    value         TEXT NOT NULL,
    PRIMARY KEY (app_password, kind, value)
) STRICT, WITHOUT ROWID;
INSERT INTO app_password_limits_4 SELECT app_password, kind, value FROM app_password_limits;
CREATE TABLE app_password_keys_4 (
    app_password  INTEGER NOT NULL REFERENCES app_passwords_4 ON DELETE CASCADE,
    hash          INTEGER NOT NULL,
    form          INTEGER NOT NULL,
    iterations    INTEGER NOT NULL,
    salt          BLOB NOT NULL,
    stored_key    BLOB NOT NULL,
    server_key    BLOB NOT NULL,
    PRIMARY KEY (app_password, hash, form)
) STRICT, WITHOUT ROWID;
INSERT INTO app_password_keys_4 SELECT app_password, hash, form, iterations, salt, stored_key, server_key
    FROM app_password_keys;
DROP TABLE app_password_limits;
DROP TABLE app_password_keys;
DROP TABLE app_passwords;
ALTER TABLE app_passwords_4 RENAME TO app_passwords;
ALTER TABLE app_password_limits_4 RENAME TO app_password_limits;
ALTER TABLE app_password_keys_4 RENAME TO app_password_keys;
CREATE INDEX app_passwords_by_owner ON app_passwords (account, address);
CREATE INDEX app_passwords_by_address ON app_passwords (address);
CREATE INDEX app_password_keys_by_hash ON app_password_keys (hash);
)";

// What accounts may do for others on the web pages; by address, since users of back ends have no row of their own.
// Who set SMTP AUTH last: what an operator switched off is not the account's to switch on.
constexpr char const* version_5 = R"(
CREATE TABLE roles (
    address  TEXT PRIMARY KEY,
    role     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE accounts ADD COLUMN smtp_auth_by TEXT;
)";

// What makes version N of version N - 1. A new file goes all the way, so that it has the
// same tables as an old one.
constexpr std::array<char const*, 5> steps = {version_1, version_2, version_3, version_4, version_5};

result<std::int64_t> one_number(connection& c, char const* sql)
{
    auto s = c.prepare(sql);
    if (!s) return std::move(s).error();
    auto row = s->step();
    if (!row) return std::move(row).error();
    return *row ? s->number(0) : 0;
}

error bad_file(std::string text) { return {{4, 3, 0}, "The account database is not available", std::move(text)}; }

/// From no tables, or an older version's, to ours: all of it or nothing.
result<> migrate(connection& c, int version)
{
    auto t = transaction::begin(c);
    if (!t) return std::move(t).error();
    // Someone else may have been quicker.
    auto from = one_number(c, "PRAGMA user_version");
    if (!from) return std::move(from).error();
    if (*from >= version) return done{};
    for (auto step = static_cast<std::size_t>(*from); step < static_cast<std::size_t>(version); ++step)
        if (auto r = c.execute(steps.at(step)); !r) return r;
    if (*from == 0) {
        auto insert = c.prepare("INSERT INTO settings (name, value) VALUES ('server_secret', ?1)");
        if (!insert) return std::move(insert).error();
        insert->bind_blob(1, random_octets(32));
        if (auto r = insert->run(); !r) return r;
    }
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
    if (!empty) {
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
    // After the look at the whole file: a damaged one stays as it is.
    if (*found < version) {
        if (auto r = migrate(c, version); !r) return std::move(r).error();
    }
    auto secret = c.prepare("SELECT value FROM settings WHERE name = 'server_secret'");
    if (!secret) return std::move(secret).error();
    auto row = secret->step();
    if (!row) return std::move(row).error();
    if (!*row || secret->text(0).size() != 32) return bad_file(file + " is damaged: its server secret is missing");
    return secret->text(0);
}

}  // namespace postern::directory
