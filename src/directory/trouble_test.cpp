// Trouble with the database is an error with a 4.x.x status, never "wrong password" or
// "no such user", and ends when the trouble ends.
#include <csignal>
#include <fstream>

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "directory/test_file.hpp"
#include "support/run_sql.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;
using postern::testing::run_sql;

namespace {

void fill(std::filesystem::path const& file, std::string const& text)
{
    std::ofstream out{file, std::ios::binary | std::ios::trunc};
    out << text;
}

std::string open_error(folder const& where)
{
    options o;
    o.folder = where.path();
    auto d = open_embedded(o);
    return d ? "" : d.error().logged;
}

}  // namespace

TEST_CASE("the database is made with mode 0600, and a wider one is tightened")
{
    folder where;
    struct stat about {};
    open(where, {});
    REQUIRE(stat(where.file().c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    REQUIRE(chmod(where.file().c_str(), 0644) == 0);
    auto d = open(where, {});
    REQUIRE(stat(where.file().c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    REQUIRE(d->add_domain("example.org"));
    for (auto const& item : std::filesystem::directory_iterator{where.path()}) {
        REQUIRE(stat(item.path().c_str(), &about) == 0);
        CHECK_MESSAGE((about.st_mode & 0077) == 0, item.path().string());
    }
}

TEST_CASE("a folder that is not there yet is made, for its owner only")
{
    folder where;
    options o;
    o.folder = where.path() / "a" / "b";
    REQUIRE(open_embedded(o));
    struct stat about {};
    REQUIRE(stat(o.folder.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0700);
}

TEST_CASE("files that are no database of ours are refused with a reason, and left as they are")
{
    SUBCASE("something else")
    {
        folder where;
        fill(where.file(), std::string(5000, 'x'));
        CHECK(open_error(where).find("accounts.db") != std::string::npos);
        CHECK(std::filesystem::file_size(where.file()) == 5000);
    }
    SUBCASE("someone else's database")
    {
        folder where;
        run_sql(where.file(), "CREATE TABLE x (y)");
        CHECK(open_error(where).find("not one of Postern's") != std::string::npos);
    }
    SUBCASE("a newer version's")
    {
        folder where;
        open(where, {});
        run_sql(where.file(), "PRAGMA user_version = 9");
        auto const text = open_error(where);
        CHECK(text.find("newer Postern") != std::string::npos);
        CHECK(text.find("version 9") != std::string::npos);
    }
    SUBCASE("a damaged one")
    {
        folder where;
        {
            auto d = open(where, {});
            for (auto name : {"a", "b", "c", "d"}) REQUIRE(d->add_domain(std::string{name} + ".example"));
        }
        // The middle of it: the header stays good.
        std::fstream file{where.file(), std::ios::binary | std::ios::in | std::ios::out};
        file.seekp(4096);
        file << std::string(16'384, '\xee');
        file.close();
        CHECK(open_error(where).find("accounts.db") != std::string::npos);
    }
    SUBCASE("a directory")
    {
        folder where;
        std::filesystem::create_directory(where.file());
        CHECK(open_error(where).find("accounts.db") != std::string::npos);
    }
    SUBCASE("a symbolic link")
    {
        folder where;
        folder elsewhere;
        open(elsewhere, {});
        std::filesystem::create_symlink(elsewhere.file(), where.file());
        CHECK(open_error(where).find("accounts.db") != std::string::npos);
    }
}

TEST_CASE("a database that goes away is unavailable, and back when it is back")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    REQUIRE(d->add_account(address("alice@example.org"), secret{"sesame"}));
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);

    auto const away = where.path() / "away";
    std::filesystem::create_directory(away);
    auto const move_all = [](std::filesystem::path const& from, std::filesystem::path const& to) {
        for (auto name : {"accounts.db", "accounts.db-wal", "accounts.db-shm"}) {
            if (std::filesystem::exists(from / name)) std::filesystem::rename(from / name, to / name);
        }
    };
    move_all(where.path(), away);
    // Noticed within a tenth of a second; then no answer is made up.
    CHECK(eventually([&] { return !d->find_account("nobody@example.org"); }));
    CHECK(in_doubt(*d, "alice@example.org", "wrong"));
    CHECK(in_doubt(*d, "bob@example.org", "wrong"));
    CHECK(in_doubt(*d, "nobody@example.org", "x"));
    CHECK(d->scram("nobody@example.org", hash::sha256)->unsure);
    CHECK_FALSE(d->find_account("alice@example.org"));
    auto const recipient = d->find_recipient(address("alice@example.org"));
    REQUIRE_FALSE(recipient);
    CHECK(recipient.error().code.temporary());
    CHECK_FALSE(d->add_domain("x.example"));
    CHECK_FALSE(d->list_accounts());
    CHECK_FALSE(std::filesystem::exists(where.file()));  // no new, empty one in its place
    // Who is known from before still gets in for a while.
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);

    move_all(away, where.path());
    CHECK(eventually([&] { return log_in(*d, "alice@example.org", "sesame").state == login_state::accepted; }));
    CHECK(d->add_domain("x.example"));
}

TEST_CASE("a database overwritten while in use is unavailable, and a restored one is taken")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    run_sql(where.file(), "PRAGMA wal_checkpoint(TRUNCATE)");
    auto const backup = where.path() / "backup.db";
    std::filesystem::copy_file(where.file(), backup);
    fill(where.path() / "garbage", std::string(20'000, '\xee'));
    std::filesystem::rename(where.path() / "garbage", where.file());
    CHECK(eventually([&] { return !d->find_account("nobody@example.org"); }));
    CHECK(in_doubt(*d, "nobody@example.org", "x"));
    std::filesystem::rename(backup, where.file());
    CHECK(eventually([&] { return d->find_account("nobody@example.org").has_value(); }));
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
}

TEST_CASE("questions never open a file that is lost; whoever reopens it does")
{
    folder where;
    auto s = std::move(accounts_file::open(where.path())).value();
    REQUIRE(s->add_domain("b.example"));
    run_sql(where.file(), "PRAGMA wal_checkpoint(TRUNCATE)");
    auto const backup = where.path() / "backup.db";
    std::filesystem::copy_file(where.file(), backup);
    fill(where.path() / "garbage", std::string(20'000, '\xee'));
    std::filesystem::rename(where.path() / "garbage", where.file());

    auto const before = s->openings();
    s->poll();
    CHECK(s->wants_reopen());
    CHECK_FALSE(s->reopen());
    CHECK(s->openings() == before + 1);
    for (int i = 0; i < 20; ++i) {
        CHECK(s->poll() == accounts_file::news::trouble);
        auto const answer = s->find_login("bob@example.org");
        REQUIRE_FALSE(answer);
        CHECK(answer.error().code.temporary());
    }
    CHECK(s->openings() == before + 1);
    CHECK(s->wants_reopen());

    std::filesystem::rename(backup, where.file());
    CHECK(s->poll() == accounts_file::news::trouble);
    CHECK(s->openings() == before + 1);
    CHECK(s->reopen());
    CHECK_FALSE(s->wants_reopen());
    CHECK(s->poll() == accounts_file::news::none);
    CHECK(*s->list_domains() == std::vector<std::string>{"b.example"});

    // Nothing is written to a file that was replaced: a writer takes the new one first.
    std::filesystem::copy_file(where.file(), backup);
    std::filesystem::rename(backup, where.file());
    s->poll();
    REQUIRE(s->wants_reopen());
    CHECK(s->add_domain("c.example"));
    CHECK_FALSE(s->wants_reopen());
    auto const again = std::move(accounts_file::open(where.path())).value();
    CHECK(again->list_domains()->size() == 2);
    // What was read before is of another file, and whoever kept it learns that.
    CHECK(s->poll() == accounts_file::news::changed);
    CHECK(s->poll() == accounts_file::news::none);
}

TEST_CASE("nobody is known from a file that a writer found replaced")
{
    directory_with_file const world{"example.org"};
    auto& d = *world.accounts;
    auto const& where = world.where;
    REQUIRE(d.add_account(address("alice@example.org"), secret{"sesame"}));
    run_sql(where.file(), "PRAGMA wal_checkpoint(TRUNCATE)");
    auto const other = where.path() / "other.db";
    std::filesystem::copy_file(where.file(), other);
    run_sql(other, "UPDATE accounts SET enabled = 0");
    CHECK(log_in(d, "alice@example.org", "sesame").state == login_state::accepted);

    std::filesystem::rename(other, where.file());
    world.file->poll();
    // By itself, as when SCRAM keys are made: the directory does not read everything anew for that.
    REQUIRE(world.file->add_domain("b.example"));
    CHECK(eventually([&] { return log_in(d, "alice@example.org", "sesame").state == login_state::disabled; }));
    auto const recipient = d.find_recipient(address("alice@example.org"));
    REQUIRE(recipient);
    CHECK_FALSE((*recipient)->enabled);
}

TEST_CASE("a file that stays damaged is looked over more and more seldom")
{
    directory_with_file const world;
    auto& d = *world.accounts;
    auto const& where = world.where;
    run_sql(where.file(), "PRAGMA wal_checkpoint(TRUNCATE)");
    fill(where.path() / "garbage", std::string(20'000, '\xee'));
    std::filesystem::rename(where.path() / "garbage", where.file());
    auto const before = world.file->openings();
    auto const until = std::chrono::steady_clock::now() + std::chrono::milliseconds{1500};
    // Asked all the time; at most after 0, 100, 300 and 700 milliseconds, and 1.5 seconds.
    bool refused = false;
    while (std::chrono::steady_clock::now() < until) refused = !d.find_account("nobody@example.org") || refused;
    CHECK(refused);
    auto const tries = world.file->openings() - before;
    CHECK(tries >= 1);
    CHECK(tries <= 5);
}

TEST_CASE("while another program writes, reads go on and writes say so")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    sqlite3* other = nullptr;
    REQUIRE(sqlite3_open(where.file().c_str(), &other) == SQLITE_OK);
    REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
    auto const refused = d->set_enabled("bob@example.org", false);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code.temporary());
    sqlite3_close(other);
    CHECK(d->set_enabled("bob@example.org", false));
}

TEST_CASE("when nothing can be written, changes say so, reads go on, and it ends by itself")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    REQUIRE(d->add_account(address("alice@example.org"), secret{"sesame"}));
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    rlimit tight = before;
    tight.rlim_cur = 1024;
    auto* const old_handler = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &tight) == 0);
    auto const refused = d->set_enabled("bob@example.org", false);
    auto const imported = [&] {
        std::vector<std::string> problems;
        return d->import_accounts("carol@example.org:{PLAIN}x", problems);
    }();
    auto const read = log_in(*d, "bob@example.org", "sesame");
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old_handler);

    REQUIRE_FALSE(refused);
    CHECK(refused.error().code.temporary());
    REQUIRE_FALSE(imported);
    CHECK(imported.error().code.temporary());
    CHECK(read.state == login_state::accepted);
    CHECK(eventually([&] {
        bool const asked = d->find_account("bob@example.org").has_value();
        return asked && d->set_enabled("bob@example.org", false).has_value();
    }));
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::disabled);
    CHECK(log_in(*d, "alice@example.org", "sesame").state == login_state::accepted);
    CHECK(*d->find_account("carol@example.org") == nullptr);
}

TEST_CASE("rows that someone edited by hand do no harm")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    run_sql(where.file(), "UPDATE accounts SET verifier = 'nonsense'; UPDATE scram_keys SET iterations = 1");
    CHECK(eventually([&] { return (*d->find_account("bob@example.org"))->scheme == "unknown"; }));
    CHECK(in_doubt(*d, "bob@example.org", "sesame"));
    CHECK_FALSE((*d->scram("bob@example.org", hash::sha256)).real);
}
