#include <future>
#include <set>

#include "spool/spool.hpp"
#include "support/run_sql.hpp"
#include "support/spool_fixture.hpp"

namespace postern::spool {
namespace {

using namespace std::chrono_literals;
using namespace postern::testing;

constexpr char const* text = "Subject: Hello\r\n\r\nHello, Bob.\r\n";

message letter(std::string id, std::vector<std::string> const& to, std::string const& account = "anna@example.com")
{
    message m = some_message(std::move(id), 0);
    auto const at = account.find('@');
    m.account = account;
    m.env.reverse_path.address = {account.substr(0, at), account.substr(at + 1)};
    for (auto const& domain : to) {
        mail::recipient r;
        r.forward_path = {"bob", domain};
        m.env.recipients.push_back(std::move(r));
    }
    return m;
}

struct queue {
    throw_away_folder folder;
    std::unique_ptr<spool> s;

    queue() { open_it(); }
    void open_it()
    {
        s.reset();
        auto opened = open(options_in(folder.path()));
        REQUIRE(opened);
        s = std::move(*opened);
    }
    void add(message m) { REQUIRE(accept(*s, std::move(m), text)); }
    /// As after a first attempt that failed.
    void defer(std::string const& id, std::uint32_t number, std::string const& hop, wall_time next)
    {
        auto what = fate_of(id, number, recipient_state::queued, next, "450 4.2.0 not now");
        what.next_hop = hop;
        REQUIRE(settle(*s, std::move(what)));
    }
    std::set<std::string> found(filter const& f)
    {
        auto const all = s->list(f);
        REQUIRE(all);
        std::set<std::string> ids;
        for (auto const& one : *all) ids.insert(one.what.queue_id);
        return ids;
    }
    recipient_state state_of(std::string const& id, std::size_t number)
    {
        auto const all = s->list({.queue_id = id});
        REQUIRE(all);
        REQUIRE(all->size() == 1);
        return all->front().what.recipients.at(number).state;
    }
};
using ids = std::set<std::string>;

TEST_CASE("messages are found by what they are and by where they go")
{
    queue q;
    auto const now = wall_clock::now();
    q.add(letter("Q000000000001", {"one.example"}));
    q.add(letter("Q000000000002", {"one.example", "two.example"}, "carl@example.com"));
    auto old = letter("Q000000000003", {"two.example"});
    old.accepted_at = now - 48h;
    old.env.reverse_path.null = true;
    old.env.reverse_path.address = {};
    old.account.clear();
    q.add(std::move(old));
    q.defer("Q000000000001", 0, "mx:one.example", now + 1h);
    q.defer("Q000000000002", 1, "smtp:relay.example:25", now + 1h);
    REQUIRE(q.s->hold("Q000000000003", true));

    CHECK(q.found({.domain = "one.example"}) == ids{"Q000000000001", "Q000000000002"});
    CHECK(q.found({.domain = "TWO.example"}) == ids{"Q000000000002", "Q000000000003"});
    CHECK(q.found({.next_hop = "mx:one.example"}) == ids{"Q000000000001"});
    CHECK(q.found({.next_hop = "relay.example:25"}) == ids{"Q000000000002"});
    CHECK(q.found({.domain = "one.example", .next_hop = "relay.example:25"}).empty());
    CHECK(q.found({.sender = "Carl@example.com"}) == ids{"Q000000000002"});
    CHECK(q.found({.sender = ""}) == ids{"Q000000000003"});
    CHECK(q.found({.account = "anna@example.com"}) == ids{"Q000000000001"});
    CHECK(q.found({.accepted_before = now - 24h}) == ids{"Q000000000003"});
    CHECK(q.found({.accepted_after = now - 24h}) == ids{"Q000000000001", "Q000000000002"});
    CHECK(q.found({.state = condition::held}) == ids{"Q000000000003"});
    CHECK(q.found({.state = condition::deferred}) == ids{"Q000000000001", "Q000000000002"});
    CHECK(q.found({.state = condition::waiting}).empty());
    CHECK(q.found({.state = condition::active}).empty());
    CHECK(q.found({.queue_id = "Q000000000002"}) == ids{"Q000000000002"});
    CHECK(q.found({.limit = 1, .domain = "one.example"}) == ids{"Q000000000001"});
}

TEST_CASE("what is at its first attempt is found like everything else")
{
    queue q;
    arrivals got;
    q.s->on_arrival(got.handler());
    q.add(letter("Q000000000001", {"one.example"}));
    REQUIRE(got.next().what != nullptr);
    CHECK(q.found({.domain = "one.example"}) == ids{"Q000000000001"});
    CHECK(q.found({.state = condition::active}) == ids{"Q000000000001"});
    CHECK(q.found({.state = condition::deferred}).empty());
    CHECK(q.found({.domain = "two.example"}).empty());
    auto const all = q.s->look_over();
    REQUIRE(all);
    CHECK(all->messages == 1);
    CHECK(all->active == 1);
    CHECK_FALSE(*q.s->take("Q000000000001"));
    // Held, it stays where it is when its attempt has ended.
    CHECK(q.s->apply(wish::hold, {.domain = "one.example"})->messages == 1);
    q.defer("Q000000000001", 0, "mx:one.example", wall_clock::now());
    CHECK(q.found({.state = condition::held}) == ids{"Q000000000001"});
}

TEST_CASE("many messages are changed portion by portion, each once")
{
    queue q;
    for (int i = 0; i < 25; ++i) {
        std::string const id = "Q0000000000" + std::to_string(10 + i);
        q.add(letter(id, {i % 5 == 0 ? "other.example" : "one.example"}));
        q.defer(id, 0, "mx:one.example", wall_clock::now() + 1h);
    }
    filter f{.limit = 7, .domain = "one.example"};
    std::uint64_t changed = 0, calls = 0;
    for (bool finished = false; !finished; ++calls) {
        auto const done_with = q.s->apply(wish::hold, f);
        REQUIRE(done_with);
        changed += done_with->messages;
        finished = done_with->finished;
        f.after = done_with->after;
    }
    CHECK(changed == 20);
    CHECK(calls == 3);
    CHECK(q.found({.state = condition::held}).size() == 20);
    CHECK(q.s->apply(wish::release, {.state = condition::held})->messages == 20);
    CHECK(q.s->take_due(wall_clock::now(), 100)->empty());
    CHECK(q.s->apply(wish::retry, {.domain = "other.example"})->messages == 5);
    auto const due = q.s->take_due(wall_clock::now(), 100);
    REQUIRE(due);
    CHECK(due->size() == 5);
    CHECK(q.s->apply(wish::remove, {})->messages == 25);
    CHECK(*q.s->count() == 0);
}

// One in each state: first and later attempts, a deferred one, one for later, a held and an unreadable one.
struct mixed_queue : queue {
    arrivals got;
    mixed_queue()
    {
        add(letter("Q00000000000U", {"one.example"}));
        s.reset();
        run_sql(folder.path() / "spool.db", "UPDATE message SET size = size + 1");
        open_it();
        REQUIRE(s->take_due(wall_clock::now(), 10)->empty());
        auto const later = wall_clock::now() + 1h;
        for (auto const* id : {"Q00000000000B", "Q00000000000D", "Q00000000000H"}) {
            add(letter(id, {"one.example"}));
            defer(id, 0, "mx:one.example", later);
        }
        REQUIRE(s->hold("Q00000000000H", true));
        REQUIRE(*s->take("Q00000000000B"));
        auto waits = letter("Q00000000000W", {"one.example"});
        waits.env.release_at = later;
        add(std::move(waits));
        s->on_arrival(got.handler());
        add(letter("Q00000000000A", {"one.example"}));
        REQUIRE(got.next().what != nullptr);
    }
};

TEST_CASE("what is done to messages in a state is done to those that the list shows, and to no other")
{
    struct {
        condition state;
        ids listed;
    } const rows[] = {
        {condition::any,
         {"Q00000000000A", "Q00000000000B", "Q00000000000D", "Q00000000000H", "Q00000000000W", "Q00000000000U"}},
        {condition::active, {"Q00000000000A", "Q00000000000B"}},
        {condition::deferred, {"Q00000000000D"}},
        {condition::waiting, {"Q00000000000W"}},
        {condition::held, {"Q00000000000H"}},
        {condition::unreadable, {"Q00000000000U"}},
    };
    ids const held{"Q00000000000H"}, unreadable{"Q00000000000U"};
    for (auto const& row : rows) {
        for (auto const w : {wish::retry, wish::hold, wish::release, wish::remove}) {
            CAPTURE(static_cast<int>(row.state));
            CAPTURE(static_cast<int>(w));
            mixed_queue q;
            filter const f{.state = row.state};
            REQUIRE(q.found(f) == row.listed);
            auto const done_with = q.s->apply(w, f);
            bool const about_unreadable = row.state == condition::unreadable;
            if (about_unreadable && (w == wish::hold || w == wish::release)) {
                CHECK_FALSE(done_with);
                continue;
            }
            REQUIRE(done_with);
            CHECK(done_with->finished);
            // Who wants these has to say so.
            ids touched = row.listed;
            if (!about_unreadable) touched.erase("Q00000000000U");
            CHECK(done_with->messages == touched.size());
            auto const touches = [&](char const* id) { return touched.contains(id); };
            ids left, held_now, due;
            for (auto const& id : rows[0].listed)
                if (w != wish::remove || !touched.contains(id)) left.insert(id);
            for (auto const& id : left)
                if (w == wish::hold ? held.contains(id) || touched.contains(id)
                                    : held.contains(id) && !(w == wish::release && touched.contains(id)))
                    held_now.insert(id);
            for (auto const* id : {"Q00000000000D", "Q00000000000W", "Q00000000000U"})
                if (w == wish::retry && touches(id) && !unreadable.contains(id)) due.insert(id);
            // What was removed while it is tried stays in sight until that has ended.
            for (auto const* id : {"Q00000000000A", "Q00000000000B"})
                if (w == wish::remove && touches(id)) REQUIRE(settle(*q.s, fate_of(id, 0, recipient_state::delivered)));
            CHECK(q.found({}) == left);
            CHECK(q.found({.state = condition::held}) == held_now);
            CHECK(q.found({.state = condition::unreadable}) == (about_unreadable ? ids{} : ids{"Q00000000000U"}));
            ids taken;
            auto const handed_out = q.s->take_due(wall_clock::now(), 100);
            if (handed_out)
                for (auto const& m : *handed_out) taken.insert(m.what->queue_id);
            CHECK(taken == due);
        }
    }
}

TEST_CASE("unreadable messages are chosen by sender and domain like others")
{
    mixed_queue q;
    CHECK(q.found({.state = condition::unreadable, .domain = "one.example"}) == ids{"Q00000000000U"});
    CHECK(q.found({.state = condition::unreadable, .sender = "anna@example.com"}) == ids{"Q00000000000U"});
    filter const others[] = {
        {.state = condition::unreadable, .domain = "two.example"},
        {.state = condition::unreadable, .sender = "carl@example.com"},
        {.state = condition::unreadable, .account = "carl@example.com"},
        {.state = condition::unreadable, .accepted_before = wall_clock::now() - 1h},
    };
    for (auto const& f : others) {
        CHECK(q.found(f).empty());
        CHECK(q.s->apply(wish::remove, f)->messages == 0);
        CHECK(q.s->apply(wish::retry, f)->messages == 0);
    }
    CHECK(q.s->apply(wish::remove, {.state = condition::unreadable, .domain = "one.example"})->messages == 1);
    CHECK(q.found({.state = condition::unreadable}).empty());
}

TEST_CASE("removal by destination takes the other recipients nothing away")
{
    queue q;
    auto const later = wall_clock::now() + 1h;
    q.add(letter("Q000000000001", {"one.example", "two.example"}));
    q.add(letter("Q000000000002", {"one.example"}));
    q.defer("Q000000000001", 0, "mx:one.example", later);
    q.defer("Q000000000002", 0, "mx:one.example", later);
    CHECK(q.s->apply(wish::remove, {.domain = "one.example"})->messages == 2);
    CHECK(*q.s->count() == 1);
    CHECK(q.state_of("Q000000000001", 0) == recipient_state::removed);
    CHECK(q.state_of("Q000000000001", 1) == recipient_state::queued);
    CHECK(q.found({.domain = "one.example"}).empty());
    q.open_it();
    CHECK(q.state_of("Q000000000001", 0) == recipient_state::removed);
    CHECK(q.s->take_due(wall_clock::now() + 2h, 10)->size() == 1);
}

TEST_CASE("one message can be taken out, whether it is due or not, and only once")
{
    queue q;
    q.add(letter("Q000000000001", {"one.example"}));
    q.defer("Q000000000001", 0, "mx:one.example", wall_clock::now() + 1h);
    auto const taken = q.s->take("Q000000000001");
    REQUIRE(taken);
    REQUIRE(*taken);
    CHECK((*taken)->what->recipients[0].next_hop == "mx:one.example");
    CHECK_FALSE(*q.s->take("Q000000000001"));
    CHECK(q.s->take_due(wall_clock::now() + 2h, 10)->empty());
    q.s->release("Q000000000001");
    CHECK(settle(*q.s, fate_of("Q000000000001", 0, recipient_state::delivered)));
    CHECK_FALSE(q.s->take("Q000000000001"));
}

TEST_CASE("what waits for a destination is made due when that works again, in portions")
{
    queue q;
    auto const later = wall_clock::now() + 4h;
    for (int i = 0; i < 9; ++i) {
        std::string const id = "Q00000000000" + std::to_string(i);
        q.add(letter(id, {"one.example"}));
        q.defer(id, 0, i < 6 ? "mx:one.example" : "mx:two.example", later);
    }
    REQUIRE(q.s->hold("Q000000000005", true));
    portion last;
    auto const hurry = [&](std::size_t limit) {
        std::promise<portion> told;
        q.s->hurry("mx:one.example", last.after, limit, [&](portion p) { told.set_value(p); });
        last = told.get_future().get();
        return last.messages;
    };
    CHECK(hurry(3) == 3);
    CHECK_FALSE(last.finished);
    auto const taken = q.s->take_due(wall_clock::now(), 100);
    CHECK(taken->size() == 3);
    // What is deferred again had its turn, and does not take that of the others.
    for (auto const& m : *taken) q.defer(m.what->queue_id, 0, "mx:one.example", later);
    CHECK(hurry(3) == 2);
    CHECK(last.finished);
    CHECK(hurry(3) == 0);
    CHECK(q.s->take_due(wall_clock::now(), 100)->size() == 2);
}

TEST_CASE("what waits is counted by destination, those with most of it first")
{
    queue q;
    auto const now = wall_clock::now();
    for (int i = 0; i < 5; ++i) {
        std::string const id = "Q00000000000" + std::to_string(i);
        auto m = letter(id, {"one.example"});
        m.accepted_at = now - std::chrono::minutes{10 - i};
        q.add(std::move(m));
        if (i < 4) q.defer(id, 0, i == 0 ? "mx:two.example" : "mx:one.example", now + 1h);
    }
    auto const all = q.s->destinations(10);
    REQUIRE(all);
    REQUIRE(all->size() == 3);
    CHECK((*all)[0].next_hop == "mx:one.example");
    CHECK((*all)[0].recipients == 3);
    CHECK((*all)[0].oldest == from_microseconds(to_microseconds(now - 9min)));
    CHECK((*all)[0].last_reply == "450 4.2.0 not now");
    CHECK(q.s->destinations(1)->size() == 1);
    auto const total = q.s->look_over();
    REQUIRE(total);
    CHECK(total->messages == 5);
    CHECK(total->recipients == 5);
    CHECK(total->deferred == 4);
    CHECK(total->waiting == 1);
    CHECK(total->held == 0);
}

TEST_CASE("a backlog is taken out in turn: nobody waits for the end of another's mailing")
{
    queue q;
    auto const due = wall_clock::now() - 1min;
    for (int i = 0; i < 60; ++i) {
        std::string const id = "Q0000000000" + std::to_string(10 + i);
        q.add(
            letter(id, {"one.example"}, i < 58 ? "mailing@example.com" : "anna" + std::to_string(i) + "@example.com"));
        q.defer(id, 0, "mx:one.example", due + std::chrono::milliseconds{i});
    }
    auto const first = q.s->take_due(wall_clock::now(), 16);
    REQUIRE(first);
    CHECK(first->size() == 16);
    std::set<std::string> senders;
    for (auto const& m : *first) senders.insert(m.what->account);
    CHECK(senders.size() == 3);
    // And all of it comes in the end.
    std::size_t count = first->size();
    for (;;) {
        auto const next = q.s->take_due(wall_clock::now(), 16);
        REQUIRE(next);
        if (next->empty()) break;
        count += next->size();
    }
    CHECK(count == 60);
}

TEST_CASE("mail that is to be sent later waits until then, also after a restart")
{
    queue q;
    arrivals got;
    q.s->on_arrival(got.handler());
    auto m = letter("Q000000000001", {"one.example"});
    auto const at = from_microseconds(to_microseconds(wall_clock::now() + 2h));
    m.env.release_at = at;
    m.env.priority = 4;
    m.env.by = {mail::by_mode::notify, true, at + 1h};
    q.add(std::move(m));
    CHECK(got.next(50ms).what == nullptr);
    CHECK(*q.s->next_due() == at);
    CHECK(q.found({.state = condition::waiting}) == ids{"Q000000000001"});
    q.open_it();
    CHECK(*q.s->next_due() == at);
    CHECK(q.s->take_due(at - 1s, 10)->empty());
    auto const due = q.s->take_due(at, 10);
    REQUIRE(due);
    REQUIRE(due->size() == 1);
    auto const& env = due->front().what->env;
    CHECK(env.release_at == at);
    CHECK(env.priority == 4);
    CHECK(env.by.mode == mail::by_mode::notify);
    CHECK(env.by.trace);
    CHECK(env.by.until == at + 1h);
}

TEST_CASE("a queue of the first version knows after the update what it asks of every message")
{
    throw_away_folder folder;
    auto const later = wall_clock::now() + 1h;
    {
        auto s = open(options_in(folder.path()));
        REQUIRE(s);
        REQUIRE(accept(**s, letter("Q000000000001", {"one.example", "two.example"}), text));
        auto what = fate_of("Q000000000001", 0, recipient_state::queued, later);
        what.next_hop = "mx:one.example";
        REQUIRE(settle(**s, std::move(what)));
        REQUIRE(accept(**s, letter("Q000000000002", {"three.example"}), text));
    }
    run_sql(folder.path() / "spool.db",
            "DROP INDEX schedule_sender; DROP INDEX schedule_held; DROP INDEX recipient_domain; DROP INDEX "
            "recipient_next_hop;"
            "ALTER TABLE schedule DROP COLUMN accepted_at; ALTER TABLE schedule DROP COLUMN reverse_path;"
            "ALTER TABLE schedule DROP COLUMN account; ALTER TABLE recipient DROP COLUMN domain;"
            "ALTER TABLE recipient DROP COLUMN next_hop; DELETE FROM recipient WHERE attempts = 0;"
            "PRAGMA user_version = 1");
    auto s = open(options_in(folder.path()));
    REQUIRE(s);
    CHECK((*s)->list({.domain = "two.example"})->size() == 1);
    CHECK((*s)->list({.next_hop = "mx:one.example"})->size() == 1);
    CHECK((*s)->list({.domain = "three.example", .account = "anna@example.com"})->size() == 1);
    CHECK((*s)->list({.sender = "anna@example.com"})->size() == 2);
    CHECK((*s)->take_due(later + 1h, 10)->size() == 2);
}

}  // namespace
}  // namespace postern::spool
