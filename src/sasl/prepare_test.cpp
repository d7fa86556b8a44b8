// Standard 27: one password, typed on different machines.
#include "sasl/prepare.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::sasl;
using form = password_candidate::form;

namespace {

std::string prepared(std::string_view text)
{
    auto p = prepare_password(text);
    return p ? std::string{p->reveal()} : "(none)";
}

}  // namespace

TEST_CASE("passwords are prepared as OpaqueString, RFC 8265 section 4.2")
{
    CHECK(prepared("correct horse battery staple") == "correct horse battery staple");
    CHECK(prepared("Correct Horse Battery Staple") == "Correct Horse Battery Staple");
    CHECK(prepared("\xcf\x80\xc3\x9f\xc3\xa5") == "\xcf\x80\xc3\x9f\xc3\xa5");
    CHECK(prepared("Jack of \xe2\x99\xa6s") == "Jack of \xe2\x99\xa6s");
    CHECK(prepared(std::string{"foo\xe1\x9a\x80"} + "bar") == "foo bar");  // U+1680, OGHAM SPACE MARK
    CHECK(prepared("a\xc2\xa0\xe3\x80\x80z") == "a  z");
    CHECK(prepared("pa\xcc\x88ss") == "p\xc3\xa4ss");
    CHECK(prepared("\xef\xac\x81") == "\xef\xac\x81");  // a ligature is not two letters
    for (auto bad : {"", "my cat is a \tby", "a\x7f", "a\xc2\x85z", "p\xe4ss", "\xed\xa0\x80", "\xc0\x80"})
        CHECK_MESSAGE(prepared(bad) == "(none)", bad);
}

TEST_CASE("candidates come prepared, raw, then as Windows-1252, each once")
{
    struct {
        std::string sent;
        std::vector<std::pair<form, std::string>> expected;
    } const rows[] = {
        {"ascii only", {{form::prepared, "ascii only"}}},
        {"tab\there", {{form::raw, "tab\there"}}},
        // "pä§s€" composed, decomposed, and as Windows-1252
        {"p\xc3\xa4\xc2\xa7s\xe2\x82\xac",
         {{form::prepared, "p\xc3\xa4\xc2\xa7s\xe2\x82\xac"}, {form::latin1, "p\xe4\xa7s\x80"}}},
        {"pa\xcc\x88\xc2\xa7s\xe2\x82\xac",
         {{form::prepared, "p\xc3\xa4\xc2\xa7s\xe2\x82\xac"},
          {form::raw, "pa\xcc\x88\xc2\xa7s\xe2\x82\xac"},
          {form::latin1, "p\xe4\xa7s\x80"}}},
        {"p\xe4\xa7s\x80", {{form::raw, "p\xe4\xa7s\x80"}, {form::latin1, "p\xc3\xa4\xc2\xa7s\xe2\x82\xac"}}},
        {"\xd0\xbf\xd0\xb0", {{form::prepared, "\xd0\xbf\xd0\xb0"}}},  // Cyrillic has no place in Windows-1252
        {"a\x81", {{form::raw, "a\x81"}}},                             // nor this octet a meaning
    };
    for (auto const& row : rows) {
        CAPTURE(row.sent);
        auto const list = password_candidates(row.sent);
        REQUIRE(list.size() == row.expected.size());
        for (std::size_t i = 0; i < list.size(); ++i) {
            CHECK(list[i].as == row.expected[i].first);
            CHECK(list[i].octets.reveal() == row.expected[i].second);
        }
    }
}

TEST_CASE("SCRAM keys are made from one form of a password")
{
    std::string const expected = "p\xc3\xa4\xc2\xa7s\xe2\x82\xac";
    CHECK(scram_password("p\xc3\xa4\xc2\xa7s\xe2\x82\xac").reveal() == expected);
    CHECK(scram_password("pa\xcc\x88\xc2\xa7s\xe2\x82\xac").reveal() == expected);
    CHECK(scram_password("p\xe4\xa7s\x80").reveal() == expected);
    CHECK(scram_password("tab\there").reveal() == "tab\there");
}

TEST_CASE("a name is distinct that nobody takes for another one")
{
    for (std::string_view good : {"ann", "ann berg", "\xc3\xa4nn", "\xe5\xa4\xaa\xe9\x83\x8e", "a,b+c=\"d"})
        CHECK_MESSAGE(is_distinct_name(good), good);
    for (std::string_view bad :
         {"ann\t", "ann\n", "a\xc2\xadnn", "ann\xc2\xa0", "ann\xe2\x80\x8b", "ann\xe1\x9a\x80", "\xef\xac\x81n",
          "a\xcd\x8fnn", "ann\xef\xb8\x8f", "\xef\xbd\x81nn", "a\xcc\x88nn", "\xff"})
        CHECK_FALSE_MESSAGE(is_distinct_name(bad), bad);
}

TEST_CASE("names are UTF-8 without controls")
{
    CHECK(is_acceptable_name("a"));
    CHECK(is_acceptable_name("\xc3\xb6\xc2\xa0"));
    CHECK(is_acceptable_name(std::string(255, 'a')));
    for (std::string_view bad : {"", "a\n", "\x1f", "a\x7f", "\xc2\x80", "\xc2\x9f", "\xff", "\xc2"})
        CHECK_FALSE_MESSAGE(is_acceptable_name(bad), bad);
    CHECK_FALSE(is_acceptable_name(std::string(256, 'a')));
    CHECK_FALSE(is_acceptable_name(std::string(1, '\0')));
    CHECK(normalise("A\xcc\x8a") == "\xc3\x85");
    CHECK_FALSE(normalise("\xff"));
}

TEST_CASE("user names are prepared: width, letter case, composition")
{
    struct {
        char const *sent, *prepared;
    } const rows[] = {
        {"Anna@Example.com", "anna@example.com"},
        {"\u00c4NNA", "\u00e4nna"},
        {"A\u0308nna", "\u00e4nna"},
        {"\uff21\uff2e\uff2e\uff21", "anna"},  // full width
        {"\uff71\u30a2", "\u30a2\u30a2"},      // half width
        {"\u0391\u0392", "\u03b1\u03b2"},
        {"stra\u00dfe", "stra\u00dfe"},
        {"\u2126", "\u03c9"},
        {"\ufb01", "\ufb01"},  // a ligature is no width
    };
    for (auto const& row : rows) {
        CAPTURE(row.sent);
        auto const prepared = prepare_username(row.sent);
        REQUIRE(prepared);
        CHECK(*prepared == row.prepared);
        CHECK(prepare_username(*prepared) == prepared);
    }
    CHECK_FALSE(prepare_username("\xe4nna"));
    CHECK(read_as_latin1("\xe4nna") == "\u00e4nna");
    CHECK(read_as_latin1("\x80") == "\u20ac");
    CHECK_FALSE(read_as_latin1("\u00e4nna"));
    CHECK_FALSE(read_as_latin1("\x81"));
    CHECK(shown_name("\xe4nna") == "\u00e4nna");
    CHECK(shown_name("\u00e4nna") == "\u00e4nna");
}
