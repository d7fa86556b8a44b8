#include <fstream>

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/log_listener.hpp"
#include "catalogue/rules.hpp"
#include "console/discovery_log.hpp"
#include "console/event_ring.hpp"
#include "console/logins.hpp"
#include "console/numbers.hpp"
#include "console/pace.hpp"
#include "console/sent.hpp"
#include "store/sqlite.hpp"
#include "support/throw_away_folder.hpp"

namespace postern::console {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

void tell(event_ring& ring, std::string_view name, std::string_view account, std::string_view text = "{}\n")
{
    log::field const fields[] = {{"account", account}};
    ring.on_event(name, fields, 1, text);
}

std::vector<json::object> events(std::initializer_list<char const*> lines)
{
    std::vector<json::object> list;
    for (auto const* line : lines) list.push_back(json::parse(line).as_object());
    return list;
}

std::string text(json::value const& v) { return std::string{v.as_string()}; }

TEST_CASE("the ring wants what people follow, and nothing else")
{
    event_ring const ring{wall_time{}};
    for (auto const* name : {"login", "refused", "accepted", "delivered", "login_cause", "account_changed"})
        CHECK(ring.wants(name));
    for (auto const* name : {"session", "converted", "", "zzz", "aaa", "listening"}) CHECK_FALSE(ring.wants(name));
}

TEST_CASE("who follows the ring gets each event once, in order")
{
    event_ring ring{wall_time{5s}};
    auto const begin = ring.last();
    CHECK(begin == 4999);
    tell(ring, "login", "Ann@Example.com", "{\"event\":\"login\"}\n");
    tell(ring, "refused", "bob@example.com");
    tell(ring, "login", "bob@example.com");
    auto const all = ring.after(begin, {}, 100);
    REQUIRE(all.events.size() == 3);
    CHECK(all.events[0]->number == 5000);
    CHECK(all.events[0]->json == "{\"event\":\"login\"}");
    CHECK(all.seen == 5002);
    CHECK_FALSE(all.gap);
    CHECK(ring.after(all.seen, {}, 100).events.empty());

    auto const ann = ring.after(begin, {{}, {"ann@example.com"}}, 100);
    REQUIRE(ann.events.size() == 1);
    CHECK(ann.seen == 5002);  // the others are looked through
    auto const first = ring.after(begin, {{"login"}, {}}, 1);
    REQUIRE(first.events.size() == 1);
    CHECK(first.seen == 5001);  // up to the one that there was no room for
    CHECK(ring.after(first.seen, {{"login"}, {}}, 1).events.at(0)->account == "bob@example.com");
    CHECK(ring.latest({{"login"}, {}}, 1).at(0)->number == 5002);

    log::field const unproven[] = {{"account", ""}, {"mail_from", "ann@example.com"}};
    ring.on_event("refused", unproven, 2, "{}\n");
    CHECK(ring.after(all.seen, {{}, {"ann@example.com"}}, 10).events.empty());
    CHECK(ring.after(all.seen, {{}, {"ann@example.com"}, true}, 10).events.size() == 1);
    CHECK(ring.after(all.seen, {{}, {"bob@example.com"}, true}, 10).events.empty());
}

TEST_CASE("what has fallen out of the ring is told as a gap")
{
    event_ring ring{wall_time{}, 3};
    auto const begin = ring.last();
    for (int i = 0; i < 5; ++i) tell(ring, "login", "a@b.c");
    auto const news = ring.after(begin, {}, 10);
    CHECK(news.gap);
    CHECK(news.events.size() == 3);
    CHECK_FALSE(ring.after(ring.last() - 3, {}, 10).gap);
    // A number from nowhere, such as of a process whose clock was ahead.
    auto const ahead = ring.after(ring.last() + 1000, {}, 10);
    CHECK(ahead.gap);
    CHECK(ahead.seen == ring.last());
}

TEST_CASE("the ring is bounded by octets too")
{
    event_ring ring{wall_time{}, 1000, 10'000};
    std::string const long_line = '"' + std::string(4000, 'x') + "\"\n";
    for (int i = 0; i < 10; ++i) tell(ring, "login", "a@b.c", long_line);
    CHECK(ring.latest({}, 100).size() == 2);
}

TEST_CASE("the log tells its listener what that wants")
{
    static auto* const ring = new event_ring{wall_clock::now()};
    auto const begin = ring->last();
    log::start({log::format::text, log::level::error, {}, 0});
    log::listen(ring);
    log::event(log::level::info, "login", {{"account", "ann@example.com"}, {"client", "192.0.2.7:5"}});
    log::event(log::level::info, "session", {{"account", "ann@example.com"}});
    log::event(log::level::debug, "login", {{"account", "debug@example.com"}});
    log::listen(nullptr);
    log::event(log::level::info, "login", {{"account", "late@example.com"}});
    log::stop();
    auto const news = ring->after(begin, {}, 10);
    REQUIRE(news.events.size() == 1);
    CHECK(json::parse(news.events[0]->json).at("client") == "192.0.2.7:5");
}

TEST_CASE("log-ins: results, causes, folding, and nobody else's")
{
    auto const told = events({
        R"({"time":"1","event":"login","session":"S1","account":"ann@example.com","mechanism":"PLAIN","credential":"app-password-7","label":"Phone","client":"192.0.2.7:50001","listener":"[::]:465","tls":"TLSv1.3","ehlo":"[10.0.0.5]","cause":"verified"})",
        R"({"time":"2","event":"refused","session":"S2.1","rule":"auth-failed","command":"AUTH PLAIN","account":"Ann@Example.com","mechanism":"PLAIN","client":"[2001:db8::1]:1","listener":"[::]:587","ehlo":"<script>","cause":"wrong_password","meaning":"m"})",
        R"({"time":"3","event":"login_cause","session":"S2","account":"Ann@Example.com","cause":"previous_password","meaning":"It is the old one."})",
        R"({"time":"4","event":"refused","session":"S3.1","rule":"auth-failed","command":"AUTH PLAIN","account":"ann@example.com","mechanism":"PLAIN","client":"[2001:db8::1]:2","listener":"[::]:587","ehlo":"<script>","cause":"previous_password","meaning":"It is the old one."})",
        R"({"time":"5","event":"refused","session":"S4.1","rule":"sender-not-owned","command":"MAIL FROM:<x>","account":"ann@example.com"})",
        R"({"time":"6","event":"login","session":"S5","account":"bob@example.com"})",
        R"({"time":"7","event":"login","session":"S6","account":"x","ehlo":"ann@example.com"})",
    });
    auto const list = list_logins(told, {.names = {"ann@example.com"}, .limit = 10});
    REQUIRE(list.size() == 2);
    auto const& latest = list[0];
    CHECK(text(latest.at("result")) == "refused");
    CHECK(latest.at("times") == 2);
    CHECK(text(latest.at("first")) == "2");
    CHECK(text(latest.at("time")) == "4");
    CHECK(text(latest.at("cause")) == "previous_password");
    CHECK(text(latest.at("meaning")) == "It is the old one.");
    CHECK(text(latest.at("client")) == "2001:db8::1");
    CHECK(latest.at("port") == 587);
    CHECK(text(latest.at("hello")) == "<script>");
    CHECK_FALSE(text(latest.at("remedy")).empty());
    auto const& first = list[1];
    CHECK(text(first.at("result")) == "ok");
    CHECK(text(first.at("cause")).empty());
    CHECK(text(first.at("label")) == "Phone");
    CHECK(text(first.at("client")) == "192.0.2.7");
    CHECK(text(first.at("device").at("name")) == "Thunderbird or a phone");
    CHECK(list_logins(told, {.names = {"ann@example.com"}, .limit = 1}).size() == 1);
    CHECK(list_logins(told, {.names = {"nobody@example.com"}}).empty());
}

json::array own_logins(std::initializer_list<char const*> lines, login_question q = {})
{
    q.names = {"ann@example.com"};
    return list_logins(events(lines), q);
}

constexpr char const* at_home =
    R"({"time":"1","event":"login","session":"S1","account":"ann@example.com","client":"192.0.2.7:1","ehlo":"PC-Ann"})";

TEST_CASE("who sends without logging in is shown to whose address was to be the sender")
{
    auto const list = own_logins({
        at_home,
        R"({"time":"2","event":"refused","session":"S2.1","rule":"auth-required","command":"MAIL FROM:<Ann@Example.com>","mail_from":"ann@example.com","client":"192.0.2.7:2","listener":"[::]:587","ehlo":"PC-Ann"})",
        R"({"time":"3","event":"refused","session":"S3.1","rule":"auth-required","command":"MAIL FROM:<ann@example.com>","mail_from":"ann@example.com","client":"203.0.113.9:2","ehlo":"SECRET-PC"})",
        R"({"time":"4","event":"refused","session":"S4.1","rule":"auth-required","command":"MAIL FROM:<bob@example.com>","mail_from":"bob@example.com","client":"192.0.2.7:3"})",
        R"({"time":"5","event":"refused","session":"S5.1","rule":"auth-required","account":"bob@example.com","mail_from":"ann@example.com","client":"192.0.2.7:3"})",
    });
    REQUIRE(list.size() == 3);
    auto const& stranger = list[0];
    CHECK(text(stranger.at("stage")) == "no log-in");
    CHECK(stranger.at("near") == false);
    CHECK(text(stranger.at("client")) == "203.0.113.9");
    CHECK(text(stranger.at("hello")).empty());
    CHECK(text(stranger.at("session")).empty());
    auto const& own = list[1];
    CHECK(text(own.at("result")) == "refused");
    CHECK(text(own.at("stage")) == "no log-in");
    CHECK(own.at("near") == true);
    CHECK(text(own.at("hello")) == "PC-Ann");
    CHECK(text(own.at("meaning")) == catalogue::rules::auth_required.what);
    CHECK(text(own.at("remedy")) == catalogue::rules::auth_required.user);
}

TEST_CASE("where one is signed in is near, and so is its IPv6 /64")
{
    auto const near = [](char const* here) {
        return own_logins(
                   {R"({"time":"2","event":"refused","session":"S2.1","rule":"auth-required","command":"MAIL","mail_from":"ann@example.com","client":"[2001:db8:1:2::9]:2"})"},
                   {.here = here})
            .at(0)
            .at("near");
    };
    CHECK(near("2001:db8:1:2:ffff::1") == true);
    CHECK(near("2001:db8:1:3::9") == false);
    CHECK(near("192.0.2.7") == false);
    CHECK(near("") == false);
}

TEST_CASE("of many strangers who give the address few are shown, and the account's own log-ins all the same")
{
    std::vector<json::object> told = events({at_home});
    for (int i = 0; i < 200; ++i) {
        auto e = events(
            {R"({"time":"2","event":"refused","rule":"auth-required","command":"MAIL","mail_from":"ann@example.com"})"});
        e[0]["client"] = "203.0.113." + std::to_string(i) + ":1";
        e[0]["session"] = "S" + std::to_string(i + 10) + ".1";
        told.push_back(std::move(e[0]));
    }
    auto const list = list_logins(told, {.names = {"ann@example.com"}, .limit = 100});
    CHECK(list.size() == 21);
    CHECK(text(list[20].at("result")) == "ok");
}

TEST_CASE("what a device does wrong before it says whose it is shows only to who waits for it, at its address")
{
    auto const shown = [](char const* since, char const* here) {
        return own_logins(
                   {R"({"time":"5","event":"refused","session":"S1","rule":"wants-tls-from-start","client":"192.0.2.7:1","listener":"[::]:465"})",
                    R"({"time":"6","event":"refused","session":"S2.1","rule":"tls-on-plain-port","client":"192.0.2.7:2","listener":"[::]:587"})",
                    R"({"time":"7","event":"refused","session":"S3.1","rule":"unknown-recipient","command":"RCPT","client":"192.0.2.7:3"})",
                    R"({"time":"8","event":"refused","session":"S4.1","rule":"tls-on-plain-port","client":"192.0.2.8:4"})",
                    R"({"time":"9","event":"refused","session":"S5.1","rule":"auth-required","client":"192.0.2.7:5","mail_from":"bob@example.com"})"},
                   {.here = here, .waiting_since = since})
            .size();
    };
    CHECK(shown("4", "192.0.2.7") == 2);
    CHECK(shown("6", "192.0.2.7") == 1);
    CHECK(shown("", "192.0.2.7") == 0);
    CHECK(shown("4", "") == 0);
    CHECK(shown("4", "192.0.2.9") == 0);
}

TEST_CASE("what was refused after the log-in is how that session ended")
{
    auto const list = own_logins({
        at_home,
        R"({"time":"2","event":"refused","session":"S1.1","rule":"sender-not-owned","command":"MAIL FROM:<bob@example.com>","account":"ann@example.com","logged_in":true,"credential":"app-password-7","label":"phone","client":"192.0.2.7:1","ehlo":"PC-Ann"})",
        R"({"time":"3","event":"refused","session":"S1.2","rule":"unknown-command","command":"XFOO","account":"ann@example.com","logged_in":true,"client":"192.0.2.7:1"})",
    });
    REQUIRE(list.size() == 1);
    CHECK(text(list[0].at("stage")) == "sending");
    CHECK(text(list[0].at("result")) == "refused");
    CHECK(text(list[0].at("rule")) == "sender-not-owned");
    CHECK(text(list[0].at("meaning")) == catalogue::rules::sender_not_owned.what);
    CHECK(text(list[0].at("label")) == "phone");
}

TEST_CASE("one session is one row, and what a device does again is counted, whatever others do meanwhile")
{
    constexpr auto failed = [](char const* time, char const* session, char const* mechanism, char const* hello) {
        return json::object{{"time", time},          {"event", "refused"},     {"session", session},
                            {"rule", "auth-failed"}, {"command", "AUTH"},      {"account", "ann@example.com"},
                            {"ehlo", hello},         {"mechanism", mechanism}, {"client", "192.0.2.7:1"}};
    };
    auto const list =
        list_logins({failed("1", "S1.1", "PLAIN", "[10.0.0.5]"), failed("2", "S1.2", "LOGIN", "[10.0.0.5]"),
                     failed("3", "S2.1", "PLAIN", "pc"), failed("4", "S3.1", "PLAIN", "[10.0.0.5]"),
                     failed("5", "S3.2", "LOGIN", "[10.0.0.5]")},
                    {.names = {"ann@example.com"}});
    REQUIRE(list.size() == 2);
    CHECK(list[0].at("times") == 2);
    CHECK(text(list[0].at("first")) == "1");
    CHECK(text(list[0].at("time")) == "5");
    CHECK(text(list[0].at("mechanism")) == "PLAIN");
    CHECK(text(list[0].at("device").at("name")) == "Thunderbird or a phone");
    CHECK(list[1].at("times") == 1);
}

TEST_CASE("what a device looks like")
{
    struct row {
        char const *hello, *mechanism, *name;
    };
    constexpr row rows[] = {
        {"[192.168.1.5]", "PLAIN", "Thunderbird or a phone"},
        {"PC-Anna", "LOGIN", "Outlook or a scanner"},
        {"DESKTOP-1A2B3C", "LOGIN", "Outlook or another program on Windows"},
        {"localhost", "PLAIN", "msmtp, a script or a device"},
        {"mail.example.com", "PLAIN", ""},
        {"", "", ""},
    };
    for (auto const& r : rows) {
        CAPTURE(r.hello);
        CHECK(guess_device(r.hello, r.mechanism).name == r.name);
    }
}

TEST_CASE("what was sent, and what became of it")
{
    auto const told = events({
        R"({"time":"1","event":"accepted","queue_id":"Q1","account":"ann@example.com","forward_path":"b@x.example","recipients":2,"size":100})",
        R"({"time":"2","event":"delivered","queue_id":"Q1","account":"ann@example.com","forward_path":"b@x.example","reply":"250 ok","attempts":1})",
        R"({"time":"3","event":"deferred","queue_id":"Q1","account":"ann@example.com","forward_path":"c@y.example","reply":"451 later","next_attempt":"9","attempts":1})",
        R"({"time":"4","event":"accepted","queue_id":"Q2","account":"bob@example.com","forward_path":"ann@example.com","recipients":1})",
        R"({"time":"5","event":"accepted","queue_id":"Q3","account":"ann@example.com","forward_path":"d@z.example","recipients":1})",
        R"({"time":"6","event":"bounced","queue_id":"Q3","forward_path":"d@z.example","reply":"550 no","rule":"unknown-recipient"})",
        R"({"time":"7","event":"accepted","queue_id":"Q4","account":"ann@example.com","forward_path":"e@z.example","recipients":1})",
        R"({"time":"8","event":"held","queue_id":"Q4"})",
    });
    auto const list = list_sent(told, {"ann@example.com"}, 10);
    REQUIRE(list.size() == 3);
    CHECK(text(list[0].at("state")) == "held");
    CHECK(text(list[1].at("state")) == "bounced");
    CHECK_FALSE(text(list[1].at("recipients").at(0).at("what")).empty());
    CHECK(text(list[2].at("queue_id")) == "Q1");
    CHECK(text(list[2].at("state")) == "deferred");
    CHECK(text(list[2].at("recipients").at(0).at("reply")) == "250 ok");
    CHECK(text(list[2].at("recipients").at(1).at("next_attempt")) == "9");
}

TEST_CASE("the way of a message is told step by step")
{
    auto const told = events({
        R"({"time":"1","event":"accepted","queue_id":"Q1","forward_path":"a@b.c"})",
        R"({"time":"2","event":"deferred","queue_id":"Q1","reply":"451 wait"})",
        R"({"time":"3","event":"delivered","queue_id":"Q1","next_hop":"maildir"})",
        R"({"time":"4","event":"delivered","queue_id":"Q2"})",
    });
    auto const way = tell_way(told, "Q1");
    CHECK(text(way.at("state")) == "arrived");
    CHECK(way.at("steps").as_array().size() == 3);
    CHECK(text(way.at("steps").at(1).at("reply")) == "451 wait");
    CHECK(text(tell_way({}, "Q1").at("state")) == "on its way");
    auto const back = tell_way(
        events({R"({"time":"1","event":"bounced","queue_id":"Q3","reply":"550 no","rule":"unknown-recipient"})"}),
        "Q3");
    auto const& last = back.at("steps").at(0);
    CHECK(text(last.at("rule")) == "unknown-recipient");
    CHECK(text(last.at("what")) == catalogue::rules::unknown_recipient.what);
    CHECK(text(last.at("text")).find(catalogue::rules::unknown_recipient.what) == std::string::npos);
}

TEST_CASE("a sample holds what was added since the one before")
{
    counters::all c;
    c.messages.add(7);
    sampler from{c};
    c.messages.add(3);
    c.octets.add(500);
    c.logins.add("PLAIN accepted");
    c.logins.add("LOGIN accepted");
    c.logins.add("PLAIN refused");
    c.refusals.add("auth-failed");
    c.deliveries.add("delivered");
    c.deliveries.add("expired");
    c.accept_spread.add(0.010);
    auto const s = from.take(100, 4, 2);
    CHECK(s[number::messages] == 3);
    CHECK(s[number::octets_in] == 500);
    CHECK(s[number::logins_accepted] == 2);
    CHECK(s[number::logins_refused] == 1);
    CHECK(s[number::refusals] == 1);
    CHECK(s[number::delivered] == 1);
    CHECK(s[number::bounced] == 1);
    CHECK(s[number::queue] == 4);
    CHECK(s[number::sessions] == 2);
    CHECK(*s[number::accept_p99] >= 10'000);
    CHECK_FALSE(s[number::delivery_p50]);
    REQUIRE(s.rules.size() == 1);
    CHECK(s.rules[0] == std::pair{std::string{"auth-failed"}, std::uint64_t{1}});
    auto const after = from.take(110, std::nullopt, 0);
    CHECK(after[number::messages] == 0);
    CHECK(after.rules.empty());
    CHECK_FALSE(after[number::queue]);
}

sample made(std::int64_t time, std::int64_t messages, std::int64_t queue)
{
    sample s;
    s.time = time;
    s[number::messages] = messages;
    s[number::queue] = queue;
    s[number::accept_p99] = messages * 1000;
    return s;
}

TEST_CASE("samples become steps: sums, last states, worst times, and gaps")
{
    auto first = made(1010, 1, 5);
    first.rules = {{"a", 2}};
    auto const s = gather({first, made(1020, 2, 6), made(1060, 4, 0)}, 1000, 1060, 20);
    CHECK(s.step == 20);
    CHECK(s.times == std::vector<std::int64_t>{1020, 1040, 1060});
    auto const at = [&](number n, std::size_t i) { return s.values[static_cast<std::size_t>(n)][i]; };
    CHECK(at(number::messages, 0) == 3);
    CHECK(at(number::queue, 0) == 6);
    CHECK(at(number::accept_p99, 0) == 2000);
    CHECK_FALSE(at(number::messages, 1));
    CHECK(at(number::messages, 2) == 4);
    REQUIRE(s.rules.size() == 1);
    CHECK(s.rules[0].second == std::vector<std::optional<std::int64_t>>{2, std::nullopt, 0});
}

TEST_CASE("a day is never more points than a picture has")
{
    auto const s = gather({}, 0, kept_seconds, 10);
    CHECK(s.times.size() <= static_cast<std::size_t>(most_points) + 2);
    CHECK(s.step % sample_seconds == 0);
    CHECK(gather({}, 100, 50, 10).times.size() <= 1);
}

TEST_CASE("of many rules the most frequent are named")
{
    sample s;
    s.time = 10;
    for (int i = 0; i < 20; ++i) s.rules.emplace_back("r" + std::to_string(i), static_cast<std::uint64_t>(i + 1));
    auto const got = gather({s}, 0, 10, 10);
    REQUIRE(got.rules.size() == most_rules + 1);
    CHECK(got.rules[0].first == "r19");
    CHECK(got.rules.back().first == "other");
    CHECK(got.rules.back().second[0] == 36);
}

TEST_CASE("numbers are kept for a day, and outlive the process")
{
    postern::testing::throw_away_folder folder;
    {
        auto book = number_book::open(folder.path());
        REQUIRE(book);
        auto s = made(1000, 1, 1);
        s.rules = {{"auth-failed", 3}};
        REQUIRE((*book)->add(s));
        REQUIRE((*book)->add(made(1010, 2, 2)));
    }
    auto book = number_book::open(folder.path());
    REQUIRE(book);
    auto read = (*book)->read(990, 2000);
    REQUIRE(read);
    REQUIRE(read->size() == 2);
    CHECK(read->at(0)[number::messages] == 1);
    CHECK_FALSE(read->at(0)[number::delivered]);
    CHECK(read->at(0).rules.at(0).second == 3);
    REQUIRE((*book)->add(made(1000 + kept_seconds, 3, 3)));
    read = (*book)->read(0, 1'000'000);
    REQUIRE(read);
    CHECK(read->size() == 2);
}

TEST_CASE("a file of numbers that is full or damaged begins anew")
{
    postern::testing::throw_away_folder folder;
    auto book = number_book::open(folder.path(), 8);
    REQUIRE(book);
    for (int i = 1; i <= 2000; ++i) {
        auto s = made(i * 10, i, i);
        for (int r = 0; r < 20; ++r) s.rules.emplace_back("a-long-name-of-a-rule-" + std::to_string(r), 1);
        REQUIRE((*book)->add(s));
    }
    auto const read = (*book)->read(0, 1'000'000);
    REQUIRE(read);
    CHECK(read->size() < 2000);
    CHECK(read->back().time == 20'000);
    book->reset();
    std::ofstream{folder.path() / "numbers.db", std::ios::trunc} << "this is no database, whatever its name says";
    auto const again = number_book::open(folder.path(), 8);
    REQUIRE(again);
    CHECK((*again)->add(made(10, 1, 1)));
}

TEST_CASE("the discovery log keeps the last, cut and made harmless")
{
    discovery_log log;
    for (std::size_t i = 0; i <= discovery_log::most; ++i) {
        discovery_row r;
        r.path = std::to_string(i);
        r.user_agent = "<script>\n" + std::string(1000, 'x');
        log.note(std::move(r));
    }
    auto const rows = log.latest(5000);
    REQUIRE(rows.size() == discovery_log::most);
    CHECK(rows.front().path == std::to_string(discovery_log::most));
    CHECK(rows.front().user_agent.size() <= discovery_log::longest_text + 3);
    CHECK(rows.front().user_agent.find('\n') == std::string::npos);
}

TEST_CASE("so many times in so long, for each name")
{
    pace p{2, 1h, 2};
    steady_time const t{100h};
    CHECK(p.allows("a", t));
    CHECK(p.allows("a", t + 1min));
    CHECK_FALSE(p.allows("a", t + 2min));
    CHECK(p.allows("b", t));
    CHECK_FALSE(p.allows("c", t));  // no room
    CHECK(p.allows("a", t + 61min));
    CHECK(p.allows("c", t + 62min));  // b is forgotten
}

}  // namespace
}  // namespace postern::console
