// What somebody else did to the database or its files: nothing is lost that can be saved, and nothing is made worse.
#include <fstream>

#include "spool/fixture.hpp"
#include "support/run_sql.hpp"

namespace postern::spool {
namespace {

using namespace std::chrono_literals;
using namespace postern::testing;
using namespace testing;

/// Contents that lie in files of their own lose their ends.
void cut_contents(throw_away_folder const& folder)
{
    for (auto const& e : std::filesystem::recursive_directory_iterator(folder.path() / "content"))
        if (e.is_regular_file()) std::filesystem::resize_file(e.path(), 1000);
}

TEST_CASE("a second spool in the same folder is refused")
{
    throw_away_folder folder;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    auto const second = open(options_in(folder.path()));
    REQUIRE_FALSE(second);
    CHECK(second.error().logged.find("in use") != std::string::npos);
    s = error{};
    CHECK(open(options_in(folder.path())));
}

TEST_CASE("a database of a newer version, or somebody else's, is refused and left alone")
{
    throw_away_folder folder;
    {
        REQUIRE(open(options_in(folder.path())));
    }
    SUBCASE("newer")
    {
        run_sql(folder.path() / "spool.db", "PRAGMA user_version = 99");
        auto const s = open(options_in(folder.path()));
        REQUIRE_FALSE(s);
        CHECK(s.error().logged.find("newer") != std::string::npos);
    }
    SUBCASE("not ours")
    {
        run_sql(folder.path() / "spool.db", "PRAGMA application_id = 1");
        auto const s = open(options_in(folder.path()));
        REQUIRE_FALSE(s);
        CHECK(s.error().logged.find("not a spool") != std::string::npos);
    }
    SUBCASE("no database at all")
    {
        std::ofstream{folder.path() / "spool.db"} << std::string(100'000, 'x');
        auto const s = open(options_in(folder.path()));
        REQUIRE_FALSE(s);
        CHECK(std::filesystem::file_size(folder.path() / "spool.db") == 100'000);
    }
}

TEST_CASE("a damaged row is put aside, the others go on")
{
    throw_away_folder folder;
    {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        for (int i = 0; i < 6; ++i)
            REQUIRE(accept(**s, some_message("Q00000000000" + std::to_string(i)),
                           i == 3 ? big_text(200'000) : std::string{some_text}));
    }
    run_sql(folder.path() / "spool.db",
            "UPDATE message SET envelope = zeroblob(length(envelope)) WHERE queue_id = 'Q000000000000';"
            "UPDATE message SET content = cast(replace(cast(content AS TEXT), 'Bob', 'Cob') AS BLOB)"
            " WHERE queue_id = 'Q000000000001';"
            "UPDATE message SET size = size + 1 WHERE queue_id = 'Q000000000002';"
            "INSERT INTO recipient (message, number, state, attempts, next_attempt, last_reply) VALUES ((SELECT id "
            "FROM message WHERE queue_id = 'Q000000000004'), 77, 0, 1, 0, '');"
            "INSERT INTO schedule (message, queue_id, next_attempt, held) VALUES (4711, 'Q00000000000X', 0, 0)");
    cut_contents(folder);

    for (int round = 0; round < 2; ++round) {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        auto const due = (*s)->take_due(wall_clock::now(), 100);
        REQUIRE(due);
        REQUIRE(due->size() == 1);
        CHECK((*due)[0].what->queue_id == "Q000000000005");
        CHECK_FALSE(*(*s)->next_due());
        REQUIRE((*s)->hold("Q000000000005", false));
        CHECK(*(*s)->count() == 1);
    }
    run_sql(folder.path() / "spool.db",
            "CREATE TEMP TABLE t (n INTEGER CHECK (n = 5)); INSERT INTO t SELECT count(*) FROM damaged");
}

TEST_CASE("a message that can't be read stays in the operator's sight, with its recipients")
{
    throw_away_folder folder;
    auto const later = from_microseconds(to_microseconds(wall_clock::now() + 1h));
    {
        arrivals got;
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        (*s)->on_arrival(got.handler());
        REQUIRE(accept(**s, some_message("Q000000000001", 2), std::string{some_text}));
        REQUIRE(got.next().what != nullptr);
        settlement both = fate_of("Q000000000001", 0, recipient_state::delivered);
        both.recipients.push_back({1, recipient_state::queued, later, "451 4.7.1 Come back"});
        REQUIRE(settle(**s, both));
        REQUIRE(accept(**s, some_message("Q000000000002"), big_text(200'000)));
        REQUIRE(accept(**s, some_message("Q000000000003"), std::string{some_text}));
        REQUIRE(accept(**s, some_message("Q000000000004"), std::string{some_text}));
    }
    run_sql(folder.path() / "spool.db",
            "UPDATE message SET content = cast(replace(cast(content AS TEXT), 'Bob', 'Cob') AS BLOB)"
            " WHERE queue_id = 'Q000000000001';"
            "UPDATE message SET envelope = zeroblob(length(envelope)) WHERE queue_id = 'Q000000000003'");
    cut_contents(folder);

    for (int round = 0; round < 2; ++round) {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        REQUIRE((*s)->take_due(later, 100)->size() == 1);
        // Behind what was set aside.
        REQUIRE((*s)->hold("Q000000000004", false));
        CHECK(*(*s)->count() == 1);
        auto const all = (*s)->list({});
        REQUIRE(all);
        REQUIRE(all->size() == 4);
        auto const& first = (*all)[0];
        CHECK(first.what.queue_id == "Q000000000001");
        CHECK(first.unreadable.find("content") != std::string::npos);
        REQUIRE(first.what.recipients.size() == 2);
        CHECK(first.what.recipients[0].state == recipient_state::delivered);
        CHECK(first.what.recipients[1].state == recipient_state::queued);
        CHECK(first.what.recipients[1].attempts == 1);
        CHECK(first.what.recipients[1].last_reply == "451 4.7.1 Come back");
        CHECK_FALSE((*all)[1].unreadable.empty());
        CHECK((*all)[2].unreadable.find("envelope") != std::string::npos);
        CHECK((*all)[2].what.env.reverse_path.to_string() == "anna@example.com");
        CHECK((*all)[3].unreadable.empty());
        filter one;
        one.queue_id = "Q000000000001";
        REQUIRE((*s)->list(one)->size() == 1);
        CHECK_FALSE((*s)->list(one)->front().unreadable.empty());
        // Few are asked for: these are the ones that somebody has to see to.
        filter few;
        few.limit = 3;
        auto const most_urgent = (*s)->list(few);
        REQUIRE(most_urgent->size() == 3);
        for (auto const& m : *most_urgent) CHECK_FALSE(m.unreadable.empty());
        auto const held = (*s)->hold("Q000000000001", true);
        REQUIRE_FALSE(held);
        CHECK(held.error().logged.find("unreadable") != std::string::npos);
    }
    // Put back from a backup, it is delivered after all; what is beyond help is thrown away.
    run_sql(folder.path() / "spool.db",
            "UPDATE damaged SET content = cast(replace(cast(content AS TEXT), 'Cob', 'Bob') AS BLOB)"
            " WHERE queue_id = 'Q000000000001'");
    {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        REQUIRE((*s)->retry_now("Q000000000001"));
        CHECK(*(*s)->count() == 2);
        auto const due = (*s)->take_due(later, 100);
        REQUIRE(due);
        REQUIRE(due->size() == 2);
        REQUIRE(settle(**s, fate_of("Q000000000001", 1, recipient_state::delivered)));
        REQUIRE((*s)->remove("Q000000000002"));
        CHECK_FALSE((*s)->remove("Q000000000002"));
        // Looked at again, and found to be as it was.
        REQUIRE((*s)->retry_now("Q000000000003"));
        CHECK((*s)->take_due(later, 100)->empty());
        REQUIRE((*s)->hold("Q000000000004", false));
        CHECK((*s)->list({})->size() == 2);
        REQUIRE((*s)->remove("Q000000000003"));
        CHECK((*s)->list({})->size() == 1);
        CHECK(*(*s)->count() == 1);
    }
    CHECK(content_files_in(folder.path()) == 0);
    run_sql(folder.path() / "spool.db",
            "CREATE TEMP TABLE t (n INTEGER CHECK (n = 0)); INSERT INTO t SELECT count(*) FROM damaged;"
            "INSERT INTO t SELECT count(*) FROM recipient WHERE message NOT IN (SELECT id FROM message);"
            "INSERT INTO t SELECT count(*) FROM file");
}

TEST_CASE("no row's id is used twice, and nothing of one message is taken for another's")
{
    throw_away_folder folder;
    auto const accept_and_deliver = [&](std::string const& id) {
        arrivals got;
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        (*s)->on_arrival(got.handler());
        REQUIRE(accept(**s, some_message(id), std::string{some_text}));
        REQUIRE(settle(**s, fate_of(id, 0, recipient_state::delivered)));
    };
    accept_and_deliver("Q000000000001");
    accept_and_deliver("Q000000000002");
    {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        REQUIRE(accept(**s, some_message("Q000000000003"), std::string{some_text}));
    }
    run_sql(folder.path() / "spool.db",
            "CREATE TEMP TABLE t (n INTEGER CHECK (n = 3)); INSERT INTO t SELECT max(id) FROM message;"
            "INSERT INTO schedule (message, queue_id, next_attempt, held) VALUES (4711, 'Q00000000000X', 0, 0);"
            "INSERT INTO recipient (message, number, state, attempts, next_attempt, last_reply) VALUES (4711, 0, 1, 1, "
            "0, 'of another')");
    {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        REQUIRE((*s)->take_due(wall_clock::now(), 100)->size() == 1);
        REQUIRE(accept(**s, some_message("Q000000000004"), std::string{some_text}));
    }
    run_sql(folder.path() / "spool.db",
            "CREATE TEMP TABLE t (n INTEGER CHECK (n = 0)); INSERT INTO t SELECT count(*) FROM recipient"
            " WHERE last_reply = 'of another'; INSERT INTO t SELECT max(id) <= 4711 FROM message");
}

}  // namespace
}  // namespace postern::spool
