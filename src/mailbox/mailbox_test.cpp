#include "mailbox/mailbox.hpp"

#include <fstream>

#include <doctest/doctest.h>

#include "mailbox/imap_lines.hpp"
#include "support/throw_away_folder.hpp"

using namespace postern::mailbox;

TEST_CASE("folders of IMAP, quoted and not")
{
    auto const quoted = parse_list(R"(* LIST (\HasNoChildren \Junk) "/" "Spam \"2\"")");
    REQUIRE(quoted);
    CHECK(quoted->name == "Spam \"2\"");
    CHECK(is_junk("x", quoted->attributes));
    auto const atom = parse_list("* list () NIL INBOX");
    REQUIRE(atom);
    CHECK(atom->name == "INBOX");
    CHECK_FALSE(parse_list("* LIST (\\A \"/\" x"));
    CHECK_FALSE(parse_list("* LIST () \"/\" \"x"));
    CHECK_FALSE(parse_list("* LIST () \"/\" "));
}

TEST_CASE("found numbers, and literals")
{
    CHECK(parse_search("* SEARCH 3 17") == std::vector<std::uint32_t>{3, 17});
    CHECK(parse_search("* SEARCH") == std::vector<std::uint32_t>{});
    CHECK(parse_search("* SEARCH 3 x") == std::vector<std::uint32_t>{3});
    CHECK_FALSE(parse_search("* FETCH 1"));
    CHECK(literal_behind("* 1 FETCH (BODY[] {123}") == 123);
    CHECK(literal_behind("x {12+}") == 12);
    CHECK_FALSE(literal_behind("x {12a}"));
    CHECK_FALSE(literal_behind("x {99999999999999}"));
}

TEST_CASE("what can't be quoted is not sent")
{
    CHECK(quote(R"(a"b\c)") == R"("a\"b\\c")");
    CHECK_FALSE(quote("a\r\nb"));
    CHECK_FALSE(quote("ü"));
}

TEST_CASE("a message in a Maildir is found in whichever folder it is")
{
    postern::testing::throw_away_folder const folder;
    for (auto const* name : {"new", "cur", ".Junk/new", ".Junk/cur"})
        std::filesystem::create_directories(folder.path() / name);
    std::ofstream{folder.path() / ".Junk/new/1"} << "X-Postern-Check: T123\r\n\r\nbody";
    std::ofstream{folder.path() / "new/2"} << "Subject: other\r\n\r\nbody";
    auto const found = search_maildir(folder.path(), "T123");
    REQUIRE(found.found.size() == 1);
    CHECK(found.found[0].junk);
    CHECK(search_maildir(folder.path(), "T999").found.empty());
    CHECK_FALSE(search_maildir(folder.path() / "none", "T123").problem.empty());
}
