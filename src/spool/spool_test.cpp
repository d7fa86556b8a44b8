#include "spool/spool.hpp"

#include "spool/fixture.hpp"

namespace postern::spool {
namespace {

using namespace std::chrono_literals;
using namespace postern::testing;
using namespace testing;

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

}  // namespace
}  // namespace postern::spool
