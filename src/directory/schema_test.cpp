// Files of older versions are brought up to date, with all that is in them; files of newer
// ones are left alone.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include "base/crypto.hpp"
#include "directory/import.hpp"
#include "directory/schema.hpp"
#include "directory/test_directory.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

namespace {

// As version 1 made it, with an account that has SCRAM keys and one that has none.
constexpr char const* old_file = R"(
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
INSERT INTO settings VALUES ('server_secret', x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
INSERT INTO domains VALUES ('example.org');
INSERT INTO aliases VALUES ('rob@example.org', 2);
INSERT INTO grants VALUES (2, '@lists.example');
PRAGMA application_id = 1349738851;
PRAGMA user_version = 1;
)";

// The password is "sesame".
constexpr char const* sha512 =
    "$6$W5Xf6WCjp0LWYyQC$efawLaUKwo1JAnd6N0nQhF/QrhtOYhKYqz7lXATLhcSSBgeLwzDmlqOI9p8Q3zY6AxP8lII0/bo7LZTj8xnsX/";

class raw_database {
public:
    explicit raw_database(std::filesystem::path const& file) { REQUIRE(sqlite3_open(file.c_str(), &db_) == SQLITE_OK); }
    ~raw_database() { sqlite3_close(db_); }
    raw_database(raw_database const&) = delete;
    raw_database& operator=(raw_database const&) = delete;

    void run(std::string const& sql) { REQUIRE(takes(sql)); }
    bool takes(std::string const& sql)
    {
        return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
    }
    std::string ask(std::string const& sql)
    {
        std::string text;
        auto const each = [](void* out, int columns, char** values, char**) {
            for (int i = 0; i < columns; ++i) *static_cast<std::string*>(out) += values[i] ? values[i] : "NULL";
            *static_cast<std::string*>(out) += '\n';
            return 0;
        };
        REQUIRE(sqlite3_exec(db_, sql.c_str(), each, &text, nullptr) == SQLITE_OK);
        return text;
    }
    void add_account(int id, std::string const& address, sasl::scram_keys const* keys)
    {
        sqlite3_stmt* s = nullptr;
        REQUIRE(sqlite3_prepare_v2(db_,
                                   "INSERT INTO accounts VALUES (?, ?, 1, 0, '$6$', ?, ?, ?, ?, ?, 1000000, 2000000)",
                                   -1, &s, nullptr) == SQLITE_OK);
        sqlite3_bind_int(s, 1, id);
        sqlite3_bind_text(s, 2, address.c_str(), -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(s, 3, sha512, -1, SQLITE_STATIC);
        if (keys) {
            sqlite3_bind_int64(s, 4, keys->iterations);
            int column = 5;
            for (auto const* octets : {&keys->salt, &keys->stored_key, &keys->server_key})
                sqlite3_bind_blob(s, column++, octets->data(), static_cast<int>(octets->size()), SQLITE_TRANSIENT);
        }
        REQUIRE(sqlite3_step(s) == SQLITE_DONE);
        sqlite3_finalize(s);
    }

private:
    sqlite3* db_ = nullptr;
};

/// What prepare_schema() of a program that knows `version` says; empty: all is well.
std::string open_as(folder const& where, int version)
{
    auto c = connection::open(where.file(), connection::mode::existing, 100);
    REQUIRE(c);
    auto secret = prepare_schema(**c, where.file().string(), version);
    return secret ? "" : secret.error().logged;
}

}  // namespace

TEST_CASE("a version 1 file is migrated when it is opened, and keeps what is in it")
{
    folder where;
    auto const keys = make_scram_keys(hash::sha256, "sesame", "0123456789abcdef");
    {
        raw_database old{where.file()};
        old.run(old_file);
        old.add_account(1, "first@example.org", nullptr);
        old.add_account(2, "bob@example.org", &keys);
    }
    {
        auto d = open(where, {});
        CHECK(*d->is_local("example.org"));
        auto const list = *d->list_accounts();
        REQUIRE(list.size() == 2);
        auto const& bob = list.front();
        CHECK(bob.address == "bob@example.org");
        CHECK(bob.aliases == std::vector<std::string>{"rob@example.org"});
        CHECK(bob.send_as == std::vector<std::string>{"@lists.example"});
        CHECK_FALSE(bob.smtp_auth);
        CHECK(bob.scram_hashes == std::vector<hash>{hash::sha256});
        CHECK(to_microseconds(bob.created) == 1'000'000);
        CHECK(to_microseconds(bob.password_set) == 2'000'000);
        CHECK(list.back().scram_hashes.empty());
        auto const now = *d->scram("bob@example.org", hash::sha256);
        CHECK(now.real);
        CHECK(now.salt == keys.salt);
        CHECK(now.iterations == keys.iterations);
        CHECK(now.stored_key == keys.stored_key);
        CHECK(now.server_key == keys.server_key);
        CHECK(log_in(*d, "first@example.org", "sesame").state == login_state::smtp_auth_off);
        CHECK(log_in(*d, "first@example.org", "wrong").state == login_state::bad_credentials);
    }
    raw_database migrated{where.file()};
    CHECK(migrated.ask("PRAGMA user_version") == "5\n");
    CHECK(migrated.ask("SELECT hex(value) FROM settings WHERE name = 'server_secret'").starts_with("00010203"));
    CHECK(migrated.ask("PRAGMA foreign_key_check").empty());
    // The same tables as in a file that was made today.
    folder fresh;
    open(fresh, {});
    raw_database made{fresh.file()};
    auto const tables = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name";
    CHECK(migrated.ask(tables) == made.ask(tables));
}

TEST_CASE("a version 2 file is migrated when it is opened, and its app passwords then get SCRAM keys")
{
    folder where;
    auto const letters = make_app_password();
    {
        raw_database old{where.file()};
        old.run(old_file);
        old.add_account(1, "bob@example.org", nullptr);
    }
    REQUIRE(open_as(where, 2).empty());
    {
        raw_database old{where.file()};
        CHECK(old.ask("PRAGMA user_version") == "2\n");
        auto const unhex = "SELECT hex(value) FROM settings WHERE name = 'server_secret'";
        std::string key;
        auto const hex = old.ask(unhex);
        for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
            key += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
        std::string kept;
        for (char const c : app_password_verifier(key, "1", *read_app_password(letters.reveal()))) {
            constexpr char digits[] = "0123456789abcdef";
            kept += digits[static_cast<unsigned char>(c) >> 4];
            kept += digits[static_cast<unsigned char>(c) & 15];
        }
        old.run(("INSERT INTO app_passwords (account, label, verifier, created, created_by)"
                 " VALUES (1, 'phone', x'" +
                 kept + "', 1, 'operator')")
                    .c_str());
    }
    auto d = open(where, {});
    CHECK(d->list_app_passwords("bob@example.org")->front().scram_hashes.empty());
    CHECK(log_in(*d, "bob@example.org", letters.reveal()).app);
    CHECK(eventually([&] {
        auto const now = *d->list_app_passwords("bob@example.org");
        return now.front().scram_hashes == std::vector<hash>{hash::sha256};
    }));
    raw_database migrated{where.file()};
    CHECK(migrated.ask("PRAGMA user_version") == "5\n");
}

TEST_CASE("a version 3 file keeps its app passwords, and no number is given twice")
{
    folder where;
    {
        raw_database old{where.file()};
        old.run(old_file);
        old.add_account(2, "bob@example.org", nullptr);
    }
    REQUIRE(open_as(where, 3).empty());
    auto const everything =
        "SELECT p.id, p.account, p.label, hex(p.verifier), p.created, p.expires, p.revoked, l.kind, l.value, k.form,"
        " hex(k.salt) FROM app_passwords p LEFT JOIN app_password_limits l ON l.app_password = p.id"
        " LEFT JOIN app_password_keys k ON k.app_password = p.id ORDER BY p.id, k.form";
    std::string before;
    {
        raw_database old{where.file()};
        old.run(
            "INSERT INTO app_passwords (id, account, label, verifier, created, created_by, revoked) VALUES"
            " (3, 2, 'phone', x'01', 1, 'operator', NULL), (5, 2, 'laptop', x'02', 2, 'operator', 7),"
            " (9, 2, 'gone', x'03', 3, 'operator', NULL);"
            "DELETE FROM app_passwords WHERE id = 9;"
            "INSERT INTO app_password_limits VALUES (3, 'sender', '@example.org');"
            "INSERT INTO app_password_keys VALUES (3, 32, 0, 10000, x'aa', x'bb', x'cc'),"
            " (3, 32, 1, 10000, x'ab', x'bb', x'cc');");
        before = old.ask(everything);
    }
    {
        auto d = open(where, {});
        CHECK(d->list_app_passwords("bob@example.org")->size() == 2);
        CHECK(d->add_app_password("bob@example.org", {"new", "operator", {}, {}})->id == 10);
        REQUIRE(d->revoke_app_password("bob@example.org", 3));
    }
    raw_database migrated{where.file()};
    CHECK(migrated.ask("PRAGMA user_version") == "5\n");
    CHECK(migrated.ask("PRAGMA foreign_key_check").empty());
    CHECK(migrated.ask("SELECT count(*) FROM app_password_keys WHERE app_password = 3") == "0\n");
    migrated.run(
        "UPDATE app_passwords SET revoked = NULL WHERE id = 3; DELETE FROM app_passwords WHERE id = 10;"
        "INSERT INTO app_password_keys VALUES (3, 32, 0, 10000, x'aa', x'bb', x'cc'),"
        " (3, 32, 1, 10000, x'ab', x'bb', x'cc');");
    CHECK(migrated.ask(everything) == before);
    // Whose it is, is one of the two.
    for (char const* owner : {"NULL, NULL", "2, 'x@example.org'"})
        CHECK_FALSE(migrated.takes(std::string{"INSERT INTO app_passwords (account, address, label, verifier, created,"
                                               " created_by) VALUES ("} +
                                   owner + ", 'x', x'00', 1, 'operator')"));
}

TEST_CASE("in a version 4 file nobody has a role, and nobody has set SMTP AUTH")
{
    folder where;
    {
        raw_database old{where.file()};
        old.run(old_file);
        old.add_account(2, "bob@example.org", nullptr);
    }
    REQUIRE(open_as(where, 4).empty());
    auto d = open(where, {});
    auto const bob = *d->find_account("bob@example.org");
    REQUIRE(bob);
    CHECK_FALSE(bob->smtp_auth);
    CHECK(bob->smtp_auth_by.empty());
    CHECK(d->role_of(*bob) == role::none);
    REQUIRE(d->set_role(*bob, role::owner));
    CHECK(d->role_of(*bob) == role::owner);
    raw_database migrated{where.file()};
    CHECK(migrated.ask("PRAGMA user_version") == "5\n");
    CHECK(migrated.ask("SELECT * FROM roles") == "bob@example.orgowner\n");
}

TEST_CASE("a migration that fails changes nothing")
{
    folder where;
    {
        raw_database old{where.file()};
        old.run(old_file);
        old.run("CREATE TABLE app_passwords (x)");  // in the way
    }
    CHECK_FALSE(open_as(where, 2).empty());
    raw_database left{where.file()};
    CHECK(left.ask("PRAGMA user_version") == "1\n");
    CHECK(left.ask("SELECT count(*) FROM sqlite_master WHERE name = 'scram_keys'") == "0\n");
    CHECK(left.ask("SELECT count(*) FROM pragma_table_info('accounts') WHERE name LIKE 'scram%'") == "4\n");
}

TEST_CASE("an older program refuses a newer file and says so")
{
    folder where;
    open(where, {});
    auto const text = open_as(where, 1);
    CHECK(text.find("newer Postern (version 5 of its tables, this program knows up to 1)") != std::string::npos);
    CHECK(open_as(where, 2).find("this program knows up to 2)") != std::string::npos);
    CHECK(open_as(where, 5).empty());
}

TEST_CASE("keys are made for every hash that the mechanisms need, and for SHA-256 always")
{
    using names = std::vector<std::string>;
    using hashes = std::vector<hash>;
    CHECK(scram_hashes_of(names{}) == hashes{hash::sha256});
    CHECK(scram_hashes_of(names{"PLAIN", "SCRAM-SHA-256"}) == hashes{hash::sha256});
    CHECK(scram_hashes_of(names{"SCRAM-SHA-1"}) == hashes{hash::sha256, hash::sha1});
    CHECK(scram_hashes_of(names{"SCRAM-SHA-512-PLUS", "SCRAM-SHA-1-PLUS"}) ==
          hashes{hash::sha256, hash::sha1, hash::sha512});

    folder where;
    options o;
    o.folder = where.path();
    o.hash_threads = 1;
    o.scram_hashes = {hash::sha256, hash::sha1};
    auto d = std::move(open_embedded(o)).value();
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    auto const found = [&] { return *d->find_account("bob@example.org"); };
    CHECK(found()->scram_hashes == hashes{hash::sha1, hash::sha256});
    for (hash const h : {hash::sha1, hash::sha256}) {
        auto const keys = *d->scram("bob@example.org", h);
        REQUIRE(keys.real);
        auto const expected = make_scram_keys(h, "sesame", keys.salt);
        CHECK(keys.stored_key == expected.stored_key);
        CHECK(keys.server_key == expected.server_key);
        CHECK(d->authorize("bob@example.org", "", keys.stored_key)->state == login_state::accepted);
    }
    // Not there yet: made up, of the hash's size, and the same each time.
    auto const missing = *d->scram("bob@example.org", hash::sha512);
    CHECK_FALSE(missing.real);
    CHECK(missing.stored_key.size() == 64);
    CHECK(d->authorize("bob@example.org", "", missing.stored_key)->state == login_state::bad_credentials);

    CHECK(d->means().scram_sha1);
    CHECK(d->means().scram_sha256);
    CHECK_FALSE(d->means().scram_sha512);

    // Asked for from now on: the next log-in with the password makes them, with that salt.
    d->set_scram_hashes({hash::sha256, hash::sha512});
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
    CHECK(eventually([&] { return found()->has_scram(hash::sha512); }));
    CHECK(eventually([&] { return d->means().scram_sha512; }));
    CHECK((*d->scram("bob@example.org", hash::sha512)).salt == missing.salt);
    CHECK(found()->scram_hashes.size() == 3);
    // A new password leaves none of the old keys.
    REQUIRE(d->set_password("bob@example.org", secret{"other"}));
    CHECK(found()->scram_hashes == hashes{hash::sha256, hash::sha512});
    CHECK_FALSE(d->means().scram_sha1);
}
