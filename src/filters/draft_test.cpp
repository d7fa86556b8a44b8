#include "filters/draft.hpp"

#include <doctest/doctest.h>

#include "filters/milter_changes.hpp"
#include "support/memory_content.hpp"

using namespace postern;
using namespace postern::filters;
using postern::testing::draft_of;
using postern::testing::memory_writer;

namespace {

std::string whole(draft const& d)
{
    auto body = d.read_body(0, 1 << 20);
    REQUIRE(body);
    return d.header() + "\r\n" + *body;
}

constexpr char const* letter = "Received: ours\r\nSubject: one\r\nX-A: a\r\nsubject: two\r\n folded\r\n\r\nHello.\r\n";

milter::header_change change(milter::header_change::kind what, std::uint32_t index, std::string name, std::string value)
{
    milter::header_change c;
    c.what = what;
    c.index = index;
    c.name = std::move(name);
    c.value = std::move(value);
    return c;
}

mail::envelope envelope()
{
    mail::envelope env;
    env.reverse_path.address = {"anna", "example.com"};
    for (auto const* name : {"bob", "carol"}) {
        mail::recipient r;
        r.forward_path = {name, "example.net"};
        env.recipients.push_back(r);
    }
    return env;
}

}  // namespace

TEST_CASE("A draft gives back what it was made of")
{
    auto const d = draft_of(letter);
    CHECK(d->fields().size() == 4);
    CHECK(d->fields()[0].ours);
    CHECK(d->fields()[3].name() == "subject");
    CHECK(d->fields()[3].value() == " two\r\n folded");
    CHECK(d->body_size() == 8);
    CHECK_FALSE(d->changed());
    CHECK(whole(*d) == letter);
    std::string big = "Received: ours\r\nX-Long: " + std::string(100'000, 'x') + "\r\n\r\n" + std::string(200'000, 'b');
    CHECK(whole(*draft_of(big)) == big);
    std::string const bare = "Received: ours\r\n\r\n";
    CHECK(draft_of(bare)->body_size() == 0);
    CHECK(whole(*draft_of(bare)) == bare);
}

TEST_CASE("Header changes find their places")
{
    using kind = milter::header_change::kind;
    struct row {
        char const* name;
        milter::header_change what;
        char const* header;
    };
    row const rows[] = {
        {"appended", change(kind::append, 0, "X-B", " b"),
         "Received: ours\r\nSubject: one\r\nX-A: a\r\nsubject: two\r\n folded\r\nX-B: b\r\n"},
        {"on top", change(kind::insert, 0, "X-B", " b"),
         "X-B: b\r\nReceived: ours\r\nSubject: one\r\nX-A: a\r\nsubject: two\r\n folded\r\n"},
        {"below ours", change(kind::insert, 1, "X-B", " b"),
         "Received: ours\r\nX-B: b\r\nSubject: one\r\nX-A: a\r\nsubject: two\r\n folded\r\n"},
        {"beyond the end", change(kind::insert, 99, "X-B", " b"),
         "Received: ours\r\nSubject: one\r\nX-A: a\r\nsubject: two\r\n folded\r\nX-B: b\r\n"},
        {"the second of a name", change(kind::replace, 2, "Subject", " new"),
         "Received: ours\r\nSubject: one\r\nX-A: a\r\nSubject: new\r\n"},
        {"taken out", change(kind::replace, 1, "Subject", ""),
         "Received: ours\r\nX-A: a\r\nsubject: two\r\n folded\r\n"},
        {"taken out, and not there", change(kind::replace, 3, "Subject", ""),
         "Received: ours\r\nSubject: one\r\nX-A: a\r\nsubject: two\r\n folded\r\n"},
        {"changed, and not there", change(kind::replace, 1, "X-C", " c"),
         "Received: ours\r\nSubject: one\r\nX-A: a\r\nsubject: two\r\n folded\r\nX-C: c\r\n"},
        {"ours stays", change(kind::replace, 1, "Received", ""),
         "Received: ours\r\nSubject: one\r\nX-A: a\r\nsubject: two\r\n folded\r\n"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.name);
        auto const d = draft_of(letter);
        auto env = envelope();
        milter::changes wanted;
        wanted.header.push_back(r.what);
        CHECK(apply(wanted, nullptr, env, *d).empty());
        CHECK(d->header() == r.header);
    }
}

TEST_CASE("The envelope changes as a whole or not at all")
{
    auto const d = draft_of(letter);
    auto env = envelope();
    milter::changes wanted;
    wanted.sender = "<>";
    wanted.removed = {"<bob@example.net>", "<nobody@example.net>", "no address"};
    wanted.added = {"dora@example.net", "<carol@example.net>"};
    CHECK(apply(wanted, nullptr, env, *d).empty());
    CHECK(env.reverse_path.null);
    REQUIRE(env.recipients.size() == 2);
    CHECK(env.recipients[0].forward_path.to_string() == "carol@example.net");
    CHECK(env.recipients[1].forward_path.to_string() == "dora@example.net");

    wanted.added = {"two words"};
    wanted.removed = {"<carol@example.net>"};
    CHECK_FALSE(apply(wanted, nullptr, env, *d).empty());
    CHECK(env.recipients.size() == 2);

    milter::changes long_line;
    long_line.header.push_back(change(milter::header_change::kind::append, 0, "X", std::string(1000, 'x')));
    CHECK_FALSE(apply(long_line, nullptr, env, *d).empty());
    CHECK(whole(*d) == letter);
}

TEST_CASE("A body from outside has CRLF at each line's end, however it is cut")
{
    std::string const given = "one\ntwo\r\nthree\rfour\r\n\n\r\rfive";
    for (std::size_t cut = 0; cut <= given.size(); ++cut) {
        memory_writer out;
        mended_lines lines{out};
        CHECK(lines.add(given.substr(0, cut)));
        CHECK(lines.add(given.substr(cut)));
        CHECK(lines.finish());
        CHECK(out.octets == "one\r\ntwo\r\nthree\r\nfour\r\n\r\n\r\n\r\nfive\r\n");
        CHECK_FALSE(lines.nul());
    }
}
