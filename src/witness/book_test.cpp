#include "witness/book.hpp"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

using namespace postern;
using namespace postern::witness;

namespace {

steady_time const start{std::chrono::hours{100}};

sighting seen(std::string id)
{
    sighting s;
    s.session = std::move(id);
    s.number = 2;
    s.clear.said = true;
    s.clear.name = "2.chk-k7q2m9tx4wza.check.invalid";
    s.clear.mechanisms = {"PLAIN"};
    s.verdicts = {"auth-failed"};
    return s;
}

}  // namespace

TEST_CASE("a mark goes into a name and comes back, in any letter case")
{
    mark const m{2, "CHK-K7Q2M9TX4WZA"};
    CHECK(to_string(m) == "2.chk-k7q2m9tx4wza.check.invalid");
    CHECK(parse_mark("2.CHK-k7q2m9tx4wza.Check.Invalid") == m);
    CHECK(parse_mark("chk-k7q2m9tx4wza.check.invalid") == mark{0, m.code});
    auto const code = make_code();
    CHECK(looks_like_code(code));
    CHECK(parse_mark(to_string({60, code})) == mark{60, code});
}

TEST_CASE("what is no mark")
{
    for (auto const* text :
         {"", "invalid", ".check.invalid", "laptop.example", "chk-k7q2m9tx4wza.check.invalid.",
          "0.chk-k7q2m9tx4wza.check.invalid", "61.chk-k7q2m9tx4wza.check.invalid", "x.chk-k7q2m9tx4wza.check.invalid",
          "2.2.chk-k7q2m9tx4wza.check.invalid", "-1.chk-k7q2m9tx4wza.check.invalid", "chk-k7q2m9tx4wz.check.invalid",
          "chk-k7q2m9tx4.1a.check.invalid", "99999999999999999999.chk-k7q2m9tx4wza.check.invalid"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_mark(text));
    }
}

TEST_CASE("sessions are kept for a code that is good, and for no other")
{
    book b;
    auto const code = *b.issue(std::chrono::seconds{10}, start);
    CHECK(b.knows(code, start));
    b.note("CHK-000000000000", seen("A"), start);
    CHECK_FALSE(b.read("CHK-000000000000", start));
    b.note(code, seen("A"), start);
    auto later = seen("A");
    later.over = true;
    b.note(code, later, start);
    b.note(code, seen("B"), start);
    auto const all = b.read(code, start);
    REQUIRE(all);
    REQUIRE(all->size() == 2);
    CHECK(all->front().over);
    CHECK_FALSE(b.read(code, start + std::chrono::seconds{10}));
    CHECK_FALSE(b.knows(code, start));
}

TEST_CASE("codes and sessions have bounds, and what expired makes room")
{
    book b;
    auto const first = *b.issue(std::chrono::seconds{10}, start);
    for (std::size_t i = 1; i < most_codes; ++i) CHECK(b.issue(std::chrono::seconds{10}, start));
    CHECK_FALSE(b.issue(std::chrono::seconds{10}, start));
    for (unsigned i = 0; i < most_sessions + 5; ++i) b.note(first, seen(std::to_string(i)), start);
    CHECK(b.read(first, start)->size() == most_sessions);
    CHECK(b.issue(std::chrono::seconds{10}, start + std::chrono::seconds{10}));
}

TEST_CASE("a record is the same behind its way through reply lines")
{
    std::vector<sighting> all{seen("A"), seen("B")};
    all[1].secured = all[1].clear;
    all[1].logged_in = all[1].implicit = true;
    std::string text;
    for (auto const& line : lines_of(all)) {
        CHECK(line.size() <= 480);
        text += line;
    }
    CHECK(parse_record(text) == all);
}

TEST_CASE("a record that is too large loses its oldest sessions")
{
    std::vector<sighting> all;
    for (unsigned i = 0; i < most_sessions; ++i) {
        auto s = seen(std::to_string(i));
        s.tried.assign(most_items, std::string(200, 'x'));
        all.push_back(s);
    }
    std::string text;
    for (auto const& line : lines_of(all)) text += line;
    CHECK(text.size() <= longest_record);
    auto const back = parse_record(text);
    REQUIRE(back);
    CHECK(back->back() == all.back());
}

TEST_CASE("what is no record is nothing")
{
    for (auto const* text :
         {"", "{}", "[1]", "[{\"number\":61}]", "[{\"number\":\"1\"}]", "[{\"session\":1}]", "[{\"tried\":\"PLAIN\"}]",
          "[{\"tried\":[1]}]", "[{\"clear\":[]}]", "[{\"clear\":{\"name\":7}}]", "[{\"over\":1}]", "[{}"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_record(text));
    }
    CHECK(parse_record("[]")->empty());
    CHECK_FALSE(parse_record("[{\"session\":\"" + std::string(300, 'x') + "\"}]"));
}
