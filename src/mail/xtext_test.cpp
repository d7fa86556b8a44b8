#include "mail/xtext.hpp"

#include <doctest/doctest.h>

using namespace postern::mail;

TEST_CASE("xtext is decoded strictly")
{
    CHECK(xtext_decode("e+3Dmc2@example.com") == "e=mc2@example.com");
    CHECK(xtext_decode("a+20b+2Bc") == "a b+c");
    CHECK(xtext_decode("") == "");
    for (auto const* bad : {"+", "+3", "+3d", "+GG", "a b", "a=b", "a\tb", "\xc3\xbc", "+C3+BC", "a+0D+0AB", "+00",
                            "+0a", "+7F", "+ 3"}) {
        CAPTURE(bad);
        CHECK_FALSE(xtext_decode(bad));
    }
    CHECK_FALSE(xtext_decode(std::string_view{"a\0b", 3}));
}

TEST_CASE("xtext is encoded so that it decodes to the same")
{
    CHECK(xtext_encode("e=mc2+x y") == "e+3Dmc2+2Bx+20y");
    std::string all;
    for (char c = ' '; c < 0x7f; ++c) all += c;
    CHECK(xtext_decode(xtext_encode(all)) == all);
    CHECK(xtext_encode("\xc3\xbc\n") == "+C3+BC+0A");
}

TEST_CASE("UTF-8 addresses of ORCPT")
{
    CHECK(utf8_addr_xtext_encode("\xc3\xbc+a@x.example") == "\\x{FC}\\x{2B}a@x.example");
    CHECK(utf8_addr_xtext_encode("\xf0\x9f\x93\xa7 \\=") == "\\x{1F4E7}\\x{20}\\x{5C}\\x{3D}");
    CHECK(utf8_addr_decode("\\x{FC}\\x{2B}a@x.example", false) == "\xc3\xbc+a@x.example");
    CHECK(utf8_addr_decode("\\x{10FFFD}", false) == "\xf4\x8f\xbf\xbd");
    CHECK(utf8_addr_decode("\xc3\xbc@x.example", true) == "\xc3\xbc@x.example");
    CHECK_FALSE(utf8_addr_decode("\xc3\xbc@x.example", false));
    for (auto const* bad :
         {"",        "a+b",       "a=b",          "a b",          "\\",        "\\x",       "\\x{}",
          "\\x{A}",  "\\x{0D}",   "\\x{0A}",      "\\x{00}",      "\\x{7F}",   "\\x{85}",   "\\x{0FC}",
          "\\x{fc}", "\\x{D800}", "\\x{110000}",  "\\x{1000000}", "\\x{200B}", "\\x{202E}", "\\xFC",
          "\\x{FC",  "\xff",      "\xe2\x80\x8b", "\xc0\xbc"}) {
        CAPTURE(bad);
        CHECK_FALSE(utf8_addr_decode(bad, true));
    }
}

TEST_CASE("ORCPT is a type and an address")
{
    auto o = parse_original_recipient("RFC822;Bob+40x+2Bexample.net", false);
    REQUIRE(o);
    CHECK(o->type == "rfc822");
    CHECK(o->address == "Bob@x+example.net");
    o = parse_original_recipient("utf-8;\\x{FC}@x.example", false);
    REQUIRE(o);
    CHECK(o->address == "\xc3\xbc@x.example");
    CHECK(parse_original_recipient("utf-8;\xc3\xbc@x.example", true));
    for (auto const* bad : {"", ";", "rfc822", "rfc822;", ";a@b", "rfc822;a b", "rfc822;a+0Ab", "rf c;a", "r\xc3\xbc;a",
                            "rfc822;\xc3\xbc", "utf-8;\xc3\xbc", "utf-8;a+40b", "x:y;z"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_original_recipient(bad, false));
    }
    CHECK(parse_original_recipient("rfc822;" + std::string(493, 'a'), false));
    CHECK_FALSE(parse_original_recipient("rfc822;" + std::string(494, 'a'), false));
}
