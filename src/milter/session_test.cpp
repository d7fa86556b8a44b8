#include "milter/session.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::milter;
using progress = session::progress;

namespace {

std::string number(std::uint32_t n)
{
    std::string out;
    append_number(out, n);
    return out;
}

std::string packet(char letter, std::string_view data = {})
{
    std::string out;
    append_packet(out, letter, data);
    return out;
}

std::string negotiated(std::uint32_t actions = 0x1ff, std::uint32_t steps = 0, std::uint32_t version = 6)
{
    return packet('O', number(version) + number(actions) + number(steps));
}

using std::string_literals::operator""s;

// Feeds octets one by one: no state may depend on how they are cut.
progress feed(session& s, std::string_view octets)
{
    auto state = progress::more;
    for (char const& c : octets) {
        std::string_view one{&c, 1};
        state = s.on_octets(one);
        REQUIRE(one.empty());
    }
    return state;
}

session after_negotiation(std::string_view answer)
{
    session s;
    std::string out;
    CHECK(s.negotiate(out));
    CHECK(out == packet('O', number(6) + number(0x1ff) + number(0x1ff7ff)));
    CHECK(feed(s, answer) == progress::answered);
    return s;
}

endpoint const client{*ip_address::parse("192.0.2.7"), 4711};
macros const known{{"j", "mail.example"}, {"i", "Q1"}, {"{auth_authen}", ""}, {"{rcpt_addr}", "bob@example.net"}};

// To the point at which a milter answers the end of a message.
session at_end(std::uint32_t actions = 0x1ff, std::uint32_t steps = 0)
{
    auto s = after_negotiation(negotiated(actions, steps));
    std::string out;
    s.connect(out, "[192.0.2.7]", client, known);
    s.end(out, known);
    return s;
}

}  // namespace

TEST_CASE("The steps of a message, octet by octet")
{
    auto s = after_negotiation(negotiated());
    std::string out;
    CHECK(s.connect(out, "[192.0.2.7]", client, known));
    CHECK(out ==
          packet('D', "Cj\0mail.example\0"s) + packet('C', "[192.0.2.7]\0"s + '4' + "\x12\x67" + "192.0.2.7\0"s));
    CHECK(feed(s, packet('c')) == progress::answered);
    out.clear();
    CHECK(s.helo(out, "client.example", known));
    CHECK(out == packet('H', "client.example\0"s));
    out.clear();
    CHECK(s.mail(out, "<anna@example.com>", known));
    CHECK(out == packet('D', "Mi\0Q1\0"s) + packet('M', "<anna@example.com>\0"s));
    out.clear();
    CHECK(s.rcpt(out, "<bob@example.net>", known));
    CHECK(out == packet('D', "R{rcpt_addr}\0bob@example.net\0"s) + packet('R', "<bob@example.net>\0"s));
    out.clear();
    CHECK(s.data(out, known));
    CHECK(out == packet('D', "Ti\0Q1\0"s) + packet('T'));
    out.clear();
    CHECK(s.header(out, "Subject", " two\r\n lines"));
    CHECK(out == packet('L', "Subject\0two\n lines\0"s));
    out.clear();
    CHECK(s.end_of_header(out, known));
    CHECK(out == packet('D', "Ni\0Q1\0"s) + packet('N'));
    out.clear();
    CHECK(s.body(out, "Hello.\r\n"));
    CHECK(out == packet('B', "Hello.\r\n"));
    out.clear();
    CHECK(s.end(out, known));
    CHECK(out == packet('D', "Ei\0Q1\0"s) + packet('E'));
    CHECK(feed(s, packet('c')) == progress::answered);
    CHECK(s.last().what == answer::kind::go_on);
    out.clear();
    CHECK(s.next_connection(out));
    CHECK(out == packet('K'));
}

TEST_CASE("What a milter does not want is not sent, and what it does not answer is not waited for")
{
    auto s = after_negotiation(negotiated(0x1ff, 0x7f | 0x200));
    std::string out;
    CHECK_FALSE(s.helo(out, "client.example", known));
    CHECK_FALSE(s.rcpt(out, "<bob@example.net>", known));
    CHECK_FALSE(s.data(out, known));
    CHECK_FALSE(s.header(out, "Subject", " Hi"));
    CHECK_FALSE(s.end_of_header(out, known));
    CHECK_FALSE(s.body(out, "Hello.\r\n"));
    CHECK(out.empty());
    CHECK_FALSE(s.wants_body());

    auto mute = after_negotiation(negotiated(0x1ff, 0xdf080));
    CHECK_FALSE(mute.connect(out, "[192.0.2.7]", client, known));
    CHECK_FALSE(mute.header(out, "Subject", " Hi"));
    CHECK_FALSE(mute.body(out, "Hello.\r\n"));
    CHECK(out.find("Subject") != std::string::npos);
    CHECK(mute.end(out, known));
}

TEST_CASE("A field's leading blank goes to whoever asks for it")
{
    std::string out;
    auto s = after_negotiation(negotiated(0x1ff, 0x100000));
    s.header(out, "Subject", " Hi");
    CHECK(out == packet('L', "Subject\0 Hi\0"s));
}

TEST_CASE("A milter's own list of macros stands in the place of the usual ones")
{
    session s;
    std::string out;
    s.negotiate(out);
    CHECK(feed(s, packet('O', number(6) + number(0x100) + number(0) + number(2) + "{i}, j {no_such}\0"s)) ==
          progress::answered);
    out.clear();
    s.mail(out, "<>", known);
    CHECK(out == packet('D', "Mi\0Q1\0j\0mail.example\0"s) + packet('M', "<>\0"s));
}

TEST_CASE("Old milters are told less")
{
    auto s = after_negotiation(negotiated(0x1f, 0, 2));
    std::string out;
    CHECK_FALSE(s.data(out, known));
    s.end(out, known);
    CHECK(feed(s, packet('c')) == progress::answered);
    CHECK_FALSE(s.next_connection(out));
}

TEST_CASE("Negotiations that can't be")
{
    struct row {
        char const* name;
        std::string said;
    };
    row const rows[] = {
        {"another answer", packet('c')},
        {"too short", packet('O', "\0\0\0\6"s)},
        {"version 1", negotiated(0x1ff, 0, 1)},
        {"version 7", negotiated(0x1ff, 0, 7)},
        {"an action that was not offered", negotiated(0x200)},
        {"a step that was not offered", negotiated(0x1ff, 0x800)},
        {"a list without end", packet('O', number(6) + number(0) + number(0) + number(0) + "j")},
        {"an empty packet", number(0)},
        {"a packet without end", number(0x7fffffff)},
    };
    for (auto const& r : rows) {
        CAPTURE(r.name);
        session s;
        std::string out;
        s.negotiate(out);
        CHECK(feed(s, r.said) == progress::failed);
        CHECK_FALSE(s.problem().empty());
    }
}

TEST_CASE("Answers, and what they mean")
{
    struct row {
        std::string said;
        answer::kind what;
        char const* text;
        bool reusable;
    };
    using kind = answer::kind;
    row const rows[] = {
        {packet('c'), kind::go_on, "", true},
        {packet('a'), kind::accept, "", false},
        {packet('r'), kind::refuse, "", false},
        {packet('t'), kind::defer, "", false},
        {packet('d'), kind::discard, "", false},
        {packet('4'), kind::defer, "", false},
        {packet('y', "554 5.7.1 Spam\0"s), kind::refuse, "554 5.7.1 Spam", false},
        {packet('y', "451 later\0"s), kind::defer, "451 later", false},
        {packet('y', "550-5.7.1 one\r\n550 5.7.1 two\0"s), kind::refuse, "550 5.7.1 one 5.7.1 two", false},
        {packet('y', "550 a\x01z\0"s), kind::refuse, "550 a\\x01z", false},
        {packet('p') + packet('p') + packet('c'), kind::go_on, "", true},
    };
    for (auto const& r : rows) {
        CAPTURE(r.said);
        auto s = at_end();
        CHECK(feed(s, r.said) == progress::answered);
        CHECK(s.last().what == r.what);
        CHECK(s.last().text == r.text);
        std::string out;
        CHECK(s.next_connection(out) == r.reusable);
    }
}

TEST_CASE("What a milter may not say ends the session")
{
    struct row {
        char const* name;
        std::string said;
        std::uint32_t actions = 0x1ff;
    };
    row const rows[] = {
        {"a success as a reply", packet('y', "250 fine\0"s)},
        {"a reply that is no code", packet('y', "5x0 no\0"s)},
        {"a reply without end", packet('y', "550 no")},
        {"a skip at the end", packet('s')},
        {"a failure of its own", packet('f')},
        {"an unknown letter", packet('Z')},
        {"a field that it may not add", packet('h', "X\0y\0"s), 0x1fe},
        {"a body that it may not change", packet('b', "x"), 0x1fd},
        {"a recipient that it may not add", packet('+', "<a@b.c>\0"s), 0x1fb},
        {"a recipient with parameters that it may not add", packet('2', "<a@b.c>\0"s), 0x17f},
        {"a recipient that it may not remove", packet('-', "<a@b.c>\0"s), 0x1f7},
        {"a field that it may not change", packet('m', number(1) + "X\0y\0"s), 0x1ef},
        {"a quarantine that it may not ask for", packet('q', "why\0"s), 0x1df},
        {"a sender that it may not change", packet('e', "<a@b.c>\0"s), 0x1bf},
        {"a field without end", packet('h', "X\0y"s)},
        {"a field whose name is none", packet('h', "X Y\0z\0"s)},
        {"a field whose name holds a colon", packet('h', "X:\0z\0"s)},
        {"a field that hides another", packet('h', "X\0y\nBcc: a@b.c\0"s)},
        {"a field that begins the body", packet('h', "X\0y\n\nbody\0"s)},
        {"a field with a bare CR", packet('h', "X\0y\rz\0"s)},
        {"a place without a field", packet('i', number(1))},
    };
    for (auto const& r : rows) {
        CAPTURE(r.name);
        auto s = at_end(r.actions);
        CHECK(feed(s, r.said) == progress::failed);
        std::string out;
        CHECK_FALSE(s.next_connection(out));
    }
    auto early = after_negotiation(negotiated());
    std::string out;
    early.connect(out, "[192.0.2.7]", client, known);
    CHECK(feed(early, packet('h', "X\0y\0"s)) == progress::failed);
}

TEST_CASE("Changes are gathered in order")
{
    auto s = at_end();
    CHECK(feed(s, packet('h', "X-A\0one\n two\0"s)) == progress::waits);
    CHECK(feed(s, packet('i', number(1) + "X-B\0\ttab\0"s)) == progress::waits);
    CHECK(feed(s, packet('m', number(2) + "Subject\0\0"s)) == progress::waits);
    CHECK(feed(s, packet('+', "<c@example.net>\0"s)) == progress::waits);
    CHECK(feed(s, packet('2', "<d@example.net>\0NOTIFY=NEVER\0"s)) == progress::waits);
    CHECK(feed(s, packet('-', "<b@example.net>\0"s)) == progress::waits);
    CHECK(feed(s, packet('e', "<>\0"s)) == progress::waits);
    CHECK(feed(s, packet('q', "looks odd\0"s)) == progress::waits);
    CHECK(feed(s, packet('b', "new ")) == progress::body);
    CHECK(s.piece() == "new ");
    CHECK(feed(s, packet('a')) == progress::answered);
    auto const& w = s.wanted();
    REQUIRE(w.header.size() == 3);
    CHECK(w.header[0].value == " one\r\n two");
    CHECK(w.header[1].what == header_change::kind::insert);
    CHECK(w.header[1].index == 1);
    CHECK(w.header[2].what == header_change::kind::replace);
    CHECK(w.header[2].value.empty());
    CHECK(w.added == std::vector<std::string>{"<c@example.net>", "<d@example.net>"});
    CHECK(w.removed == std::vector<std::string>{"<b@example.net>"});
    CHECK(w.sender == "<>");
    CHECK(w.hold == "looks odd");
    CHECK(w.body);
}

TEST_CASE("A milter that has seen enough of the body gets no more of it")
{
    auto s = after_negotiation(negotiated(0x1ff, 0x400));
    std::string out;
    s.connect(out, "[192.0.2.7]", client, known);
    CHECK(s.body(out, "first"));
    CHECK(feed(s, packet('s')) == progress::answered);
    CHECK(s.last().what == answer::kind::go_on);
    CHECK_FALSE(s.wants_body());
    out.clear();
    CHECK_FALSE(s.body(out, "second"));
    CHECK(out.empty());
}

TEST_CASE("The number of changes has a limit")
{
    auto s = at_end();
    std::size_t taken = 0;
    while (taken < 5000 && feed(s, packet('h', "X\0y\0"s)) == progress::waits) ++taken;
    CHECK(taken == 1000);
    CHECK(s.problem() == "it wants too many changes");
}
