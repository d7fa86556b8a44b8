#include "terminal/width.hpp"

#include <doctest/doctest.h>

#include "terminal/paint.hpp"

using namespace postern::terminal;
using lines = std::vector<std::string>;

TEST_CASE("the width of text is that of its columns")
{
    CHECK(width_of("") == 0);
    CHECK(width_of("abc") == 3);
    CHECK(width_of("Grüße") == 5);
    CHECK(width_of("e\u0301") == 1);
    CHECK(width_of("漢字") == 4);
    CHECK(width_of("\xff\xfe") == 2);
}

TEST_CASE("lines are broken at blanks")
{
    CHECK(wrap("", 10) == lines{""});
    CHECK(wrap("one two three", 7) == lines{"one two", "three"});
    CHECK(wrap("one two three", 80) == lines{"one two three"});
    CHECK(wrap("one\ntwo", 80) == lines{"one", "two"});
}

TEST_CASE("a word that is too long alone is broken inside")
{
    CHECK(wrap("abcdefgh", 3) == lines{"abc", "def", "gh"});
    CHECK(wrap("AB:CD:EF:01", 7) == lines{"AB:CD:", "EF:01"});
    CHECK(wrap("x abcdefgh y", 4) == lines{"x", "abcd", "efgh", "y"});
    CHECK(wrap("漢字漢字", 5) == lines{"漢字", "漢字"});
}

TEST_CASE("no line is wider than it may be")
{
    std::string const text = "Der Server mail.example.com hat kein gültiges Zertifikat 漢字漢字漢字 und mehr";
    for (std::size_t width = 2; width < 60; ++width)
        for (auto const& line : wrap(text, width)) CHECK(width_of(line) <= width);
}

TEST_CASE("what is cut says so")
{
    CHECK(cut("abcdef", 6) == "abcdef");
    CHECK(cut("abcdefg", 6) == "abc...");
    CHECK(cut("abcdefg", 2) == "..");
    CHECK(padded("ü", 3) == "ü  ");
}

TEST_CASE("colours need a terminal, and nobody who asks for none")
{
    CHECK(has_colours({true, false, "xterm"}));
    CHECK_FALSE(has_colours({false, false, "xterm"}));
    CHECK_FALSE(has_colours({true, true, "xterm"}));
    CHECK_FALSE(has_colours({true, false, "dumb"}));
    CHECK(painter{false}(colour::bad, "no") == "no");
    CHECK(painter{true}(colour::good, "yes") == "\x1b[32myes\x1b[0m");
}
