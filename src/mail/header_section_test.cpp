#include "mail/header_section.hpp"

#include <doctest/doctest.h>

using namespace postern::mail;
using state = header_collector::state;

namespace {

struct collected {
    state result = state::more;
    std::string text, body;
    bool blank_line = false, malformed = false;
    friend bool operator==(collected const&, collected const&) = default;
};

// Feeds the content in pieces that end at the given places.
collected collect(std::string_view content, std::vector<std::size_t> const& cuts, std::size_t limit = 1000)
{
    header_collector c(limit);
    collected out;
    std::size_t from = 0;
    auto ends = cuts;
    ends.push_back(content.size());
    for (std::size_t const end : ends) {
        auto piece = content.substr(from, end - from);
        from = end;
        if (out.result == state::more) {
            out.result = c.add(piece);
            out.body = c.body_start();
        }
        if (out.result == state::complete) out.body += piece;
    }
    if (out.result == state::more) {
        out.result = c.finish();
        out.body = c.body_start();
    }
    out.text = c.text();
    out.blank_line = c.ended_by_blank_line();
    out.malformed = c.malformed();
    return out;
}

constexpr std::string_view nul_in_field{"A: b\0c\r\n\r\nd", 11};

struct row {
    char const* name;
    std::string_view content;
    std::string_view text, body;
    bool blank_line, malformed;
};
constexpr row rows[] = {
    {"fields, empty line, body", "A: b\r\nC: d\r\n\r\nbody\r\n", "A: b\r\nC: d\r\n", "body\r\n", true, false},
    {"a folded field", "A: b\r\n c\r\n\td\r\n\r\nbody", "A: b\r\n c\r\n\td\r\n", "body", true, false},
    {"fields only", "A: b\r\nC: d\r\n", "A: b\r\nC: d\r\n", "", false, false},
    {"a last field without line end gets one", "A: b\r\nC: d", "A: b\r\nC: d\r\n", "", false, false},
    {"nothing at all", "", "", "", false, false},
    {"an empty line at once", "\r\nbody", "", "body", true, false},
    {"no fields: body at once", "Hello, world\r\nA: b\r\n", "", "Hello, world\r\nA: b\r\n", false, false},
    {"a first line that starts with a blank is body", " A: b\r\nC: d\r\n\r\n", "", " A: b\r\nC: d\r\n\r\n", false,
     false},
    {"a first line that starts with a tab is body", "\tx\r\n", "", "\tx\r\n", false, false},
    {"a line that is no field ends the section", "A: b\r\nhello\r\nC: d\r\n", "A: b\r\n", "hello\r\nC: d\r\n", false,
     false},
    {"an unfinished name is body", "A: b\r\nhel", "A: b\r\n", "hel", false, false},
    {"a colon alone is no field", ": b\r\n\r\n", "", ": b\r\n\r\n", false, false},
    {"no UTF-8 in a name", "\xc3\xbc: b\r\n", "", "\xc3\xbc: b\r\n", false, false},
    {"blanks before the colon are obsolete, but a field", "A \t: b\r\n\r\nx", "A \t: b\r\n", "x", true, false},
    {"blanks inside a name are not", "A b: c\r\n\r\nx", "", "A b: c\r\n\r\nx", false, false},
    {"the mbox line is not", "From me Mon Jan 1\r\nA: b\r\n", "", "From me Mon Jan 1\r\nA: b\r\n", false, false},
    {"a bare LF ends no line", "A: b\nC: d\r\n\r\nx", "A: b\nC: d\r\n", "x", true, true},
    {"a bare CR ends no line", "A: b\rC: d\r\n\r\nx", "A: b\rC: d\r\n", "x", true, true},
    {"an empty line of bare LF is none", "A: b\r\n\n\r\nx", "A: b\r\n", "\n\r\nx", false, false},
    {"a CR at the start of a line is body", "A: b\r\n\rx", "A: b\r\n", "\rx", false, false},
    {"NUL among the fields", nul_in_field, nul_in_field.substr(0, 8), "d", true, true},
    {"bare line ends of the body are not looked at", "A: b\r\n\r\n\n\r\r\n", "A: b\r\n", "\n\r\r\n", true, false},
};

}  // namespace

TEST_CASE("the header section ends at the same place however the content is cut")
{
    for (auto const& r : rows) {
        CAPTURE(r.name);
        auto const whole = collect(r.content, {});
        CHECK(whole.result == state::complete);
        CHECK(whole.text == r.text);
        CHECK(whole.body == r.body);
        CHECK(whole.blank_line == r.blank_line);
        CHECK(whole.malformed == r.malformed);
        std::vector<std::size_t> each;
        for (std::size_t i = 0; i <= r.content.size(); ++i) {
            each.push_back(i);
            for (std::size_t j = i; j <= r.content.size(); ++j) REQUIRE(collect(r.content, {i, j}) == whole);
        }
        CHECK(collect(r.content, each) == whole);
    }
}

TEST_CASE("a header section over the limit is noticed, whatever the cut, and the limit itself is fine")
{
    std::string const content = "A: " + std::string(95, 'x') + "\r\n\r\nbody";
    CHECK(collect(content, {}, 100).result == state::complete);
    CHECK(collect(content, {}, 99).result == state::too_long);
    std::vector<std::size_t> each;
    for (std::size_t i = 0; i < content.size(); ++i) each.push_back(i);
    CHECK(collect(content, each, 100).result == state::complete);
    CHECK(collect(content, each, 99).result == state::too_long);

    header_collector c(10);
    std::string_view piece = "A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    CHECK(c.add(piece) == state::too_long);
    auto const left = piece.size();
    CHECK(c.add(piece) == state::too_long);
    CHECK(piece.size() == left);
}

TEST_CASE("a body without fields and line ends does not count against the limit")
{
    std::string const octets(100000, 'x');
    auto const c = collect(octets, {}, 100);
    CHECK(c.result == state::complete);
    CHECK(c.body == octets);
}

TEST_CASE("fields are found with their names, folded values and octets")
{
    auto const section = "Subject: one\r\n two\r\nfrom :a@b.example\r\nReceived:x\r\nRECEIVED: y\r\nX-Empty:\r\n";
    auto const fields = parse_fields(section);
    REQUIRE(fields);
    REQUIRE(fields->size() == 5);
    auto const& f = *fields;
    CHECK(f[0].name == "Subject");
    CHECK(f[0].value == " one\r\n two");
    CHECK(f[0].unfolded() == "one two");
    CHECK(f[0].octets == "Subject: one\r\n two\r\n");
    CHECK(f[1].name == "from");
    CHECK(f[1].is("From"));
    CHECK_FALSE(f[1].is("Fro"));
    CHECK(f[4].value.empty());
    CHECK(count_received(f) == 2);
    CHECK(find_all(f, "received").size() == 2);
    CHECK(find_first(f, "FROM")->value == "a@b.example");
    CHECK(find_first(f, "To") == nullptr);
}

TEST_CASE("more fields than the limit are refused")
{
    std::string section;
    for (int i = 0; i < 10; ++i) section += "A: b\r\n";
    CHECK(parse_fields(section, 10));
    CHECK_FALSE(parse_fields(section, 9));
    CHECK(parse_fields("", 0)->empty());
}
