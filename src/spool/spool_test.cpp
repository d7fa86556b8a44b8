#include "spool/spool.hpp"

#include <sqlite3.h>

#include <fstream>
#include <set>
#include <thread>

#include "support/spool_fixture.hpp"

namespace postern::spool {
namespace {

using namespace std::chrono_literals;
using namespace postern::testing;

constexpr std::string_view some_text = "Subject: Hello\r\n\r\nHello, Bob.\r\n";

void run_sql(std::filesystem::path const& folder, std::string const& sql)
{
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open((folder / "spool.db").c_str(), &db) == SQLITE_OK);
    char* why = nullptr;
    int const code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &why);
    INFO((why == nullptr ? "" : why));
    CHECK(code == SQLITE_OK);
    sqlite3_free(why);
    sqlite3_close(db);
}

std::string big_text(std::size_t size)
{
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i) text += "line " + std::to_string(i) + "\r\n";
    return text;
}

std::string all_of(content const& c)
{
    std::string text;
    while (text.size() < c.size()) {
        auto piece = c.read(text.size(), 100'000);
        REQUIRE(piece);
        REQUIRE(!piece->empty());
        text += *piece;
    }
    return text;
}

TEST_CASE("an accepted message arrives with its content, and is gone when it is delivered")
{
    throw_away_folder folder;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    REQUIRE(accept(**s, some_message("Q000000000001"), std::string{some_text}));
    auto const m = got.next();
    REQUIRE(m.what != nullptr);
    CHECK(m.what->queue_id == "Q000000000001");
    CHECK(m.what->size == some_text.size());
    CHECK(m.what->env.recipients.empty());
    REQUIRE(m.what->recipients.size() == 1);
    CHECK(m.what->recipients[0].to.forward_path.to_string() == "r0@example.net");
    REQUIRE(m.body->in_memory());
    CHECK(*m.body->in_memory() == some_text);
    CHECK(*(*s)->count() == 1);
    CHECK((*s)->take_due(wall_clock::now() + 1h, 10)->empty());

    CHECK(settle(**s, fate_of("Q000000000001", 0, recipient_state::delivered)));
    CHECK(*(*s)->count() == 0);
    CHECK((*s)->list({})->empty());
    CHECK_FALSE((*s)->find("Q000000000001"));
}

TEST_CASE("what was not settled is due again after a restart")
{
    throw_away_folder folder;
    std::string const big = big_text(300'000);
    {
        arrivals got;
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        (*s)->on_arrival(got.handler());
        auto first = some_message("Q000000000001", 2);
        first.env.smtputf8 = true;
        first.env.envelope_id = "env";
        REQUIRE(accept(**s, first, std::string{some_text}));
        REQUIRE(accept(**s, some_message("Q000000000002"), big));
        REQUIRE(accept(**s, some_message("Q000000000003"), "x"));
        REQUIRE(settle(**s, fate_of("Q000000000003", 0, recipient_state::delivered)));
    }
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    CHECK(*(*s)->count() == 2);
    auto const next = (*s)->next_due();
    REQUIRE(next);
    REQUIRE(*next);
    CHECK(**next <= wall_clock::now());
    auto const due = (*s)->take_due(wall_clock::now(), 10);
    REQUIRE(due);
    REQUIRE(due->size() == 2);
    CHECK((*due)[0].what->queue_id == "Q000000000001");
    CHECK((*due)[0].what->recipients.size() == 2);
    CHECK((*due)[0].what->env.smtputf8);
    CHECK((*due)[0].what->env.envelope_id == "env");
    CHECK((*due)[0].what->account == "anna@example.com");
    CHECK(all_of(*(*due)[0].body) == some_text);
    CHECK((*due)[1].body->file() >= 0);
    CHECK(all_of(*(*due)[1].body) == big);
    CHECK((*s)->take_due(wall_clock::now(), 10)->empty());
    CHECK_FALSE(*(*s)->next_due());
}

TEST_CASE("a deferred recipient is due when its time has come, with what was said")
{
    throw_away_folder folder;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    REQUIRE(accept(**s, some_message("Q000000000001", 3), std::string{some_text}));
    REQUIRE(got.next().what != nullptr);
    auto const later = from_microseconds(to_microseconds(wall_clock::now() + 1h));

    settlement first = fate_of("Q000000000001", 0, recipient_state::delivered);
    first.recipients.push_back({1, recipient_state::queued, later, "451 4.7.1 Come back"});
    REQUIRE(settle(**s, first));
    // The third is still under way: nothing of it is handed out twice.
    CHECK((*s)->take_due(later + 1h, 10)->empty());
    REQUIRE(settle(**s, fate_of("Q000000000001", 2, recipient_state::queued, later + 1h, "450 4.2.0 Busy")));

    CHECK(*(*s)->next_due() == later);
    CHECK((*s)->take_due(later - 1s, 10)->empty());
    auto const due = (*s)->take_due(later, 10);
    REQUIRE(due);
    REQUIRE(due->size() == 1);
    auto const& r = (*due)[0].what->recipients;
    REQUIRE(r.size() == 3);
    CHECK(r[0].state == recipient_state::delivered);
    CHECK(r[1].state == recipient_state::queued);
    CHECK(r[1].attempts == 1);
    CHECK(r[1].last_reply == "451 4.7.1 Come back");
    CHECK(r[1].next_attempt == later);
    CHECK(r[2].next_attempt == later + 1h);

    // Only the second was due: when it is done with, the message waits for the third.
    REQUIRE(settle(**s, fate_of("Q000000000001", 1, recipient_state::bounced)));
    CHECK(*(*s)->next_due() == later + 1h);
    REQUIRE((*s)->take_due(later + 2h, 10)->size() == 1);
    REQUIRE(settle(**s, fate_of("Q000000000001", 2, recipient_state::expired)));
    CHECK(*(*s)->count() == 0);
    CHECK_FALSE(*(*s)->next_due());
}

TEST_CASE("a settlement that says nothing gives the message back")
{
    throw_away_folder folder;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    REQUIRE(accept(**s, some_message("Q000000000001"), std::string{some_text}));
    REQUIRE(got.next().what != nullptr);
    CHECK((*s)->take_due(wall_clock::now(), 10)->empty());
    REQUIRE(settle(**s, settlement{"Q000000000001", {}}));
    CHECK((*s)->take_due(wall_clock::now(), 10)->size() == 1);
}

TEST_CASE("a bounce becomes ours together with the settlement, and arrives")
{
    throw_away_folder folder;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    REQUIRE(accept(**s, some_message("Q000000000001"), std::string{some_text}));
    REQUIRE(got.next().what != nullptr);
    auto report = some_message("Q000000000002");
    report.env.reverse_path = {};
    report.env.reverse_path.null = true;
    answer a;
    (*s)->settle(fate_of("Q000000000001", 0, recipient_state::bounced), std::pair{report, std::string{"report"}},
                 a.handler());
    REQUIRE(a.wait());
    auto const m = got.next();
    REQUIRE(m.what != nullptr);
    CHECK(m.what->queue_id == "Q000000000002");
    CHECK(m.what->env.reverse_path.null);
    CHECK(*m.body->in_memory() == "report");
    auto const all = (*s)->list({});
    REQUIRE(all->size() == 1);
    CHECK((*all)[0].what.queue_id == "Q000000000002");
}

TEST_CASE("nobody is told of recipients that the operator took out meanwhile")
{
    throw_away_folder folder;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    REQUIRE(accept(**s, some_message("Q000000000001", 2), std::string{some_text}));
    REQUIRE(got.next().what != nullptr);
    REQUIRE(settle(**s, fate_of("Q000000000001", 1, recipient_state::removed)));
    answer a;
    (*s)->settle(fate_of("Q000000000001", 1, recipient_state::bounced),
                 std::pair{some_message("Q000000000002"), std::string{"report"}}, a.handler());
    REQUIRE(a.wait());
    auto const all = (*s)->list({});
    REQUIRE(all->size() == 1);
    CHECK((*all)[0].what.queue_id == "Q000000000001");
}

TEST_CASE("messages take a recipient's place, all of them at once or none")
{
    throw_away_folder folder;
    arrivals got;
    auto o = options_in(folder.path());
    o.memory_limit = 1000;
    auto s = open(o);
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    REQUIRE(accept(**s, some_message("Q000000000001"), std::string{some_text}));
    REQUIRE(got.next().what != nullptr);
    auto const by = [&](std::vector<std::string> const& texts) {
        std::vector<successor> all;
        for (auto const& text : texts) {
            auto& one = all.emplace_back();
            one.what = some_message("Q00000000000" + std::to_string(all.size() + 1));
            one.what.env.recipients[0].stays = true;
            one.body = (*s)->new_content();
            REQUIRE(one.body->append(text));
        }
        return all;
    };
    std::string const big(5000, 'x');
    answer a, late;
    (*s)->replace(fate_of("Q000000000001", 0, recipient_state::delivered), by({"small", big}), a.handler());
    REQUIRE(a.wait());
    for (std::string const& text : {std::string{"small"}, big}) {
        auto const m = got.next();
        REQUIRE(m.what != nullptr);
        CHECK(m.what->recipients[0].to.stays);
        CHECK(*m.body->read(0, 10'000) == text);
    }
    CHECK((*s)->list({})->size() == 2);
    // It is gone: nothing takes its place once more, and nothing stays of what was to.
    (*s)->replace(fate_of("Q000000000001", 0, recipient_state::delivered), by({big, big, big}), late.handler());
    CHECK_FALSE(late.wait());
    CHECK((*s)->list({})->size() == 2);
    CHECK(content_files_in(folder.path()) == 1);
    (*s).reset();
    s = open(o);
    REQUIRE(s);
    auto const kept = (*s)->take_due(wall_clock::now(), 10);
    REQUIRE(kept->size() == 2);
    CHECK((*kept)[0].what->recipients[0].to.stays);
}

TEST_CASE("without anybody to deliver, messages wait to be taken")
{
    throw_away_folder folder;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    REQUIRE(accept(**s, some_message("Q000000000001"), std::string{some_text}));
    REQUIRE((*s)->find("Q000000000001"));
    auto const due = (*s)->take_due(wall_clock::now() + 1s, 10);
    REQUIRE(due->size() == 1);
    CHECK(all_of(*(*due)[0].body) == some_text);
}

TEST_CASE("a message whose content file can't be looked at just now waits, and the others go on")
{
    throw_away_folder folder;
    auto o = options_in(folder.path());
    auto s = open(o);
    REQUIRE(s);
    // The first to be due is the one in a file.
    REQUIRE(accept(**s, some_message("Q000000000001"), std::string(200 << 10, 'x')));
    REQUIRE(accept(**s, some_message("Q000000000002"), std::string{some_text}));
    auto const content = folder.path() / "content";
    auto const aside = folder.path() / "aside";
    // Neither there nor gone: a loop of links gives ELOOP, as root too.
    std::filesystem::rename(content, aside);
    std::filesystem::create_directory_symlink("content", content);

    auto due = (*s)->take_due(wall_clock::now() + 1s, 10);
    REQUIRE(due);
    REQUIRE(due->size() == 1);
    CHECK((*due)[0].what->queue_id == "Q000000000002");
    // It rests, and is not asked for at once.
    CHECK((*s)->take_due(wall_clock::now() + 1s, 10)->empty());
    auto const next = (*s)->next_due();
    REQUIRE(next);
    REQUIRE(*next);
    CHECK(**next > wall_clock::now() + 10s);
    CHECK(**next < wall_clock::now() + 2min);

    std::filesystem::remove(content);
    std::filesystem::rename(aside, content);
    s->reset();
    auto again = open(o);
    REQUIRE(again);
    due = (*again)->take_due(wall_clock::now() + 1s, 10);
    REQUIRE(due);
    CHECK(due->size() == 2);
}

TEST_CASE("a message that comes held waits until it is released, over a restart too")
{
    throw_away_folder folder;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    auto m = some_message("Q000000000001");
    m.held = true;
    REQUIRE(accept(**s, std::move(m), std::string{some_text}));
    REQUIRE(accept(**s, some_message("Q000000000002"), std::string{some_text}));
    CHECK(got.next().what->queue_id == "Q000000000002");
    CHECK((*s)->find("Q000000000001")->what->held);
    CHECK((*s)->take_due(wall_clock::now() + 1h, 10)->empty());
    s->reset();
    s = open(options_in(folder.path()));
    REQUIRE(s);
    CHECK((*s)->find("Q000000000001")->what->held);
    REQUIRE((*s)->hold("Q000000000001", false));
    auto const due = (*s)->take_due(wall_clock::now() + 1h, 10);
    REQUIRE(due);
    bool found = false;
    for (auto const& d : *due) found = found || d.what->queue_id == "Q000000000001";
    CHECK(found);
}

TEST_CASE("the operator can hold, release, hurry and remove messages")
{
    throw_away_folder folder;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    REQUIRE(accept(**s, some_message("Q000000000001", 2), std::string{some_text}));
    REQUIRE(got.next().what != nullptr);
    auto const later = from_microseconds(to_microseconds(wall_clock::now() + 5h));
    settlement both = fate_of("Q000000000001", 0, recipient_state::queued, later);
    both.recipients.push_back({1, recipient_state::queued, later, "450 Later"});
    REQUIRE(settle(**s, both));

    SUBCASE("held, it is never due; released, it is again")
    {
        REQUIRE((*s)->hold("Q000000000001", true));
        CHECK((*s)->find("Q000000000001")->what->held);
        CHECK_FALSE(*(*s)->next_due());
        CHECK((*s)->take_due(later + 1h, 10)->empty());
        REQUIRE((*s)->retry_now(""));
        CHECK((*s)->take_due(later + 1h, 10)->empty());
        auto const before = got.nudges();
        REQUIRE((*s)->hold("Q000000000001", false));
        CHECK((*s)->take_due(later + 1h, 10)->size() == 1);
        CHECK(got.nudges() > before);
    }
    SUBCASE("hurried, all its recipients are due at once")
    {
        SUBCASE("by name") { REQUIRE((*s)->retry_now("Q000000000001")); }
        SUBCASE("with all others") { REQUIRE((*s)->retry_now("")); }
        auto const due = (*s)->take_due(wall_clock::now() + 1s, 10);
        REQUIRE(due->size() == 1);
        for (auto const& r : (*due)[0].what->recipients) CHECK(r.next_attempt <= wall_clock::now());
    }
    SUBCASE("removed, it is gone")
    {
        REQUIRE((*s)->remove("Q000000000001"));
        CHECK(*(*s)->count() == 0);
        CHECK_FALSE((*s)->find("Q000000000001"));
        CHECK_FALSE((*s)->remove("Q000000000001"));
        CHECK_FALSE((*s)->hold("Q000000000001", true));
        CHECK_FALSE((*s)->retry_now("Q000000000001"));
    }
    SUBCASE("removed in mid-flight, nothing that comes of the attempt brings it back")
    {
        REQUIRE((*s)->take_due(later, 10)->size() == 1);
        REQUIRE((*s)->remove("Q000000000001"));
        answer a;
        (*s)->settle(fate_of("Q000000000001", 0, recipient_state::bounced),
                     std::pair{some_message("Q000000000009"), std::string{"report"}}, a.handler());
        REQUIRE(a.wait());
        CHECK(*(*s)->count() == 0);
        CHECK((*s)->list({})->empty());
        CHECK_FALSE(*(*s)->next_due());
    }
    SUBCASE("held in mid-flight, a deferral leaves it held")
    {
        REQUIRE((*s)->take_due(later, 10)->size() == 1);
        REQUIRE((*s)->hold("Q000000000001", true));
        REQUIRE(settle(**s, both));
        CHECK((*s)->take_due(later + 1h, 10)->empty());
        CHECK((*s)->list({})->front().what.held);
    }
}

TEST_CASE("a message at its first attempt can be held and removed")
{
    throw_away_folder folder;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    REQUIRE(accept(**s, some_message("Q000000000001"), std::string{some_text}));
    REQUIRE(accept(**s, some_message("Q000000000002"), big_text(200'000)));
    REQUIRE((*s)->hold("Q000000000001", true));
    REQUIRE(settle(**s, settlement{"Q000000000001", {}}));
    CHECK((*s)->take_due(wall_clock::now() + 1h, 10)->empty());
    REQUIRE((*s)->remove("Q000000000002"));
    CHECK(*(*s)->count() == 1);
    s = error{};
    CHECK(content_files_in(folder.path()) == 0);
}

TEST_CASE("the front of content can be replaced, in memory, in a file, and between")
{
    throw_away_folder folder;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    std::string const front(2000, 'a'), other(2000, 'b');
    for (std::size_t const size : {std::size_t{0}, std::size_t{10}, std::size_t{140'000}, std::size_t{3'000'000}}) {
        CAPTURE(size);
        std::string const rest = big_text(size);
        auto body = (*s)->new_content();
        REQUIRE(body->append(front));
        for (std::size_t at = 0; at < rest.size(); at += 10'000)
            REQUIRE(body->append(std::string_view{rest}.substr(at, 10'000)));
        REQUIRE(body->replace_front(other));
        CHECK(body->size() == front.size() + rest.size());
        answer a;
        (*s)->accept(some_message(make_queue_id()), std::move(body), a.handler());
        REQUIRE(a.wait());
        auto const m = got.next();
        REQUIRE(m.what != nullptr);
        CHECK(all_of(*m.body) == other + rest);
    }
    auto body = (*s)->new_content();
    REQUIRE(body->append("ab"));
    CHECK_FALSE(body->replace_front("abc"));
}

TEST_CASE("big content lives in a file as long as the message does")
{
    throw_away_folder folder;
    arrivals got;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    std::string const text = big_text(3'000'000);
    {
        auto aborted = (*s)->new_content();
        for (std::size_t at = 0; at < text.size(); at += 10'000)
            REQUIRE(aborted->append(std::string_view{text}.substr(at, 10'000)));
        CHECK(aborted->size() == text.size());
        CHECK(content_files_in(folder.path()) == 1);
    }
    CHECK(content_files_in(folder.path()) == 0);
    REQUIRE(accept(**s, some_message("Q000000000001"), text));
    auto const m = got.next();
    REQUIRE(m.what != nullptr);
    CHECK_FALSE(m.body->in_memory());
    CHECK(m.body->file() >= 0);
    CHECK(all_of(*m.body) == text);
    CHECK(content_files_in(folder.path()) == 1);
    REQUIRE(settle(**s, fate_of("Q000000000001", 0, recipient_state::delivered)));
    s = error{};
    CHECK(content_files_in(folder.path()) == 0);
}

TEST_CASE("content of every size around the limits is read back as it came")
{
    throw_away_folder folder;
    options o = options_in(folder.path());
    o.memory_limit = 5000;
    arrivals got;
    auto s = open(o);
    REQUIRE(s);
    (*s)->on_arrival(got.handler());
    int number = 0;
    for (std::size_t size : {0u, 1u, 4999u, 5000u, 5001u, 65'535u, 65'536u, 65'537u, 70'000u, 200'000u}) {
        std::string const text = big_text(size).substr(0, size);
        std::string const id = "Q00000000000" + std::to_string(number++);
        REQUIRE(accept(**s, some_message(id), text));
        auto const m = got.next();
        REQUIRE(m.what != nullptr);
        CHECK(m.body->size() == size);
        CHECK(all_of(*m.body) == text);
        CHECK((m.body->file() >= 0) == (size > 5000));
        CHECK(all_of(*(*s)->find(id)->body) == text);
        CHECK(m.body->read(size, 10)->empty());
    }
}

TEST_CASE("files that no message names are swept at the start; files of others stay")
{
    throw_away_folder folder;
    {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        REQUIRE(accept(**s, some_message("Q000000000001"), big_text(200'000)));
    }
    std::filesystem::create_directories(folder.path() / "content/00");
    std::ofstream{folder.path() / "content/00/00ffffffffffffff"} << "left over";
    std::ofstream{folder.path() / "content/00/README"} << "not ours";
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "content/00/00ffffffffffffff"));
    CHECK(std::filesystem::exists(folder.path() / "content/00/README"));
    REQUIRE((*s)->take_due(wall_clock::now(), 10)->size() == 1);
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
        run_sql(folder.path(), "PRAGMA user_version = 99");
        auto const s = open(options_in(folder.path()));
        REQUIRE_FALSE(s);
        CHECK(s.error().logged.find("newer") != std::string::npos);
    }
    SUBCASE("not ours")
    {
        run_sql(folder.path(), "PRAGMA application_id = 1");
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
    run_sql(folder.path(),
            "UPDATE message SET envelope = zeroblob(length(envelope)) WHERE queue_id = 'Q000000000000';"
            "UPDATE message SET content = cast(replace(cast(content AS TEXT), 'Bob', 'Cob') AS BLOB)"
            " WHERE queue_id = 'Q000000000001';"
            "UPDATE message SET size = size + 1 WHERE queue_id = 'Q000000000002';"
            "INSERT INTO recipient (message, number, state, attempts, next_attempt, last_reply) VALUES ((SELECT id "
            "FROM message WHERE queue_id = 'Q000000000004'), 77, 0, 1, 0, '');"
            "INSERT INTO schedule (message, queue_id, next_attempt, held) VALUES (4711, 'Q00000000000X', 0, 0)");
    for (auto const& e : std::filesystem::recursive_directory_iterator(folder.path() / "content"))
        if (e.is_regular_file()) std::filesystem::resize_file(e.path(), 1000);

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
    run_sql(folder.path(), "CREATE TEMP TABLE t (n INTEGER CHECK (n = 5)); INSERT INTO t SELECT count(*) FROM damaged");
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
    run_sql(folder.path(),
            "UPDATE message SET content = cast(replace(cast(content AS TEXT), 'Bob', 'Cob') AS BLOB)"
            " WHERE queue_id = 'Q000000000001';"
            "UPDATE message SET envelope = zeroblob(length(envelope)) WHERE queue_id = 'Q000000000003'");
    for (auto const& e : std::filesystem::recursive_directory_iterator(folder.path() / "content"))
        if (e.is_regular_file()) std::filesystem::resize_file(e.path(), 1000);

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
    run_sql(folder.path(),
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
    run_sql(folder.path(),
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
    run_sql(folder.path(),
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
    run_sql(folder.path(),
            "CREATE TEMP TABLE t (n INTEGER CHECK (n = 0)); INSERT INTO t SELECT count(*) FROM recipient"
            " WHERE last_reply = 'of another'; INSERT INTO t SELECT max(id) <= 4711 FROM message");
}

TEST_CASE("a long queue is listed in order, however many portions that takes")
{
    throw_away_folder folder;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    constexpr std::size_t count = 450;
    std::deque<answer> answers(count);
    for (std::size_t i = 0; i < count; ++i) {
        auto body = (*s)->new_content();
        REQUIRE(body->append("text"));
        (*s)->accept(some_message("Q" + std::to_string(100'000 + i)), std::move(body), answers[i].handler());
    }
    for (auto& a : answers) REQUIRE(a.wait());
    for (std::size_t const limit : {1u, 199u, 200u, 201u, 400u, 450u, 1000u}) {
        filter f;
        f.limit = limit;
        auto const all = (*s)->list(f);
        REQUIRE(all);
        REQUIRE(all->size() == std::min(limit, count));
        for (std::size_t i = 0; i < all->size(); ++i)
            CHECK((*all)[i].what.queue_id == "Q" + std::to_string(100'000 + i));
    }
}

TEST_CASE("a log of no size is none that stays")
{
    throw_away_folder folder;
    options o = options_in(folder.path());
    o.log_size = 0;
    auto s = open(o);
    REQUIRE(s);
    REQUIRE(accept(**s, some_message("Q000000000001"), std::string{some_text}));
    CHECK(std::filesystem::file_size(folder.path() / "spool.db-wal") < 256u << 10);
}

TEST_CASE("a hundred thousand deferred messages are no burden")
{
    throw_away_folder folder;
    {
        REQUIRE(open(options_in(folder.path())));
    }
    {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        REQUIRE(accept(**s, some_message("Q000000000000"), std::string{some_text}));
    }
    // As if all had been deferred: the checksum holds for this queue_id only, so what is taken is damaged,
    // but finding what is due is what is measured.
    run_sql(folder.path(),
            "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= 100000)"
            "INSERT INTO schedule (message, queue_id, next_attempt, held) SELECT i, 'Q' || i, 4102444800000000 + i, 0 "
            "FROM n");
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    CHECK(*(*s)->count() == 100'001);
    auto const begin = steady_clock::now();
    for (int i = 0; i < 100; ++i) {
        auto const due = (*s)->take_due(wall_clock::now(), 1000);
        REQUIRE(due);
        CHECK(due->size() == (i == 0 ? 1 : 0));
        CHECK(*(*s)->next_due() == from_microseconds(4'102'444'800'000'002));
    }
    CHECK(steady_clock::now() - begin < 2s);
    CHECK((*s)->find("Q000000000000"));
}

TEST_CASE("many threads at once: each message arrives once, and all are settled")
{
    throw_away_folder folder;
    constexpr int threads = 8, each = 100;
    {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        std::mutex mutex;
        std::set<std::string> seen;
        std::atomic<int> twice = 0, settled = 0, failed = 0;
        (*s)->on_arrival([&](std::vector<queued_message> const& all) {
            for (auto const& m : all) {
                {
                    std::scoped_lock lock{mutex};
                    if (!seen.insert(m.what->queue_id).second) ++twice;
                }
                (*s)->settle(fate_of(m.what->queue_id, 0, recipient_state::delivered), std::nullopt,
                             [&](result<> const& r) {
                                 if (!r) ++failed;
                                 ++settled;
                             });
            }
        });
        std::vector<std::thread> senders;
        senders.reserve(threads);
        for (int t = 0; t < threads; ++t)
            senders.emplace_back([&, t] {
                for (int i = 0; i < each; ++i) {
                    std::string const text(i % 10 == 0 ? 150'000 : 2000, 'x');
                    if (!accept(**s, some_message("Q" + std::to_string(t) + "-" + std::to_string(i)), text)) ++failed;
                    if (i % 7 == 0) static_cast<void>((*s)->take_due(wall_clock::now(), 5));
                    if (i % 11 == 0) static_cast<void>((*s)->list({}));
                    if (i % 13 == 0) static_cast<void>((*s)->room_for(1000));
                }
            });
        for (auto& t : senders) t.join();
        for (int i = 0; i < 1000 && settled < threads * each; ++i) std::this_thread::sleep_for(10ms);
        CHECK(settled == threads * each);
        CHECK(failed == 0);
        CHECK(twice == 0);
        CHECK(seen.size() == threads * each);
        CHECK(*(*s)->count() == 0);
    }
    CHECK(content_files_in(folder.path()) == 0);
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    CHECK((*s)->list({})->empty());
}

TEST_CASE("the write-ahead log begins anew, however long the load lasts")
{
    throw_away_folder folder;
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    (*s)->on_arrival([&](std::vector<queued_message> const& all) {
        for (auto const& m : all)
            (*s)->settle(fate_of(m.what->queue_id, 0, recipient_state::delivered), std::nullopt, {});
    });
    std::string const text(100'000, 'x');
    for (int round = 0; round < 60; ++round) {
        std::deque<answer> answers(20);
        for (auto& a : answers) {
            auto body = (*s)->new_content();
            REQUIRE(body->append(text));
            (*s)->accept(some_message(make_queue_id()), std::move(body), a.handler());
        }
        for (auto& a : answers) REQUIRE(a.wait());
    }
    // 120 MB went through it.
    CHECK(std::filesystem::file_size(folder.path() / "spool.db-wal") < 16u << 20);
}

}  // namespace
}  // namespace postern::spool
