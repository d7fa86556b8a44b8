#include "base/text.hpp"

#include <doctest/doctest.h>

#include "base/numbers.hpp"

using namespace postern;

TEST_CASE("letter case is that of ASCII, in every locale")
{
    CHECK(to_lower("AbC\xc3\x84Z[`") == "abc\xc3\x84z[`");
    CHECK(to_upper("aBc\xc3\xa4z{@") == "ABC\xc3\xa4Z{@");
    CHECK(equal_ignoring_case("StartTLS", "STARTTLS"));
    CHECK(!equal_ignoring_case("a", "ab"));
    CHECK(!equal_ignoring_case("@", "`"));
    CHECK(!equal_ignoring_case("[", "{"));
    CHECK(equal_ignoring_case("", ""));
    CHECK(starts_with_ignoring_case("FROM:<a>", "from:"));
    CHECK(!starts_with_ignoring_case("FRO", "from:"));
    CHECK(starts_with_ignoring_case("x", ""));
}

TEST_CASE("UTF-8 is what RFC 3629 says and nothing else")
{
    for (std::string_view fine :
         {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
          "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xe2\x82\xac\xc3\xa4"}) {
        CAPTURE(fine);
        CHECK(is_utf8(fine));
    }
    for (std::string_view bad :
         {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe2\x82",
          "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
          "\xf5\x80\x80\x80", "\xf0\x90\x80", "\xff", "\xfe", "a\x80z"})
        CHECK(!is_utf8(bad));
    CHECK(is_utf8(std::string_view("\0", 1)));
    CHECK(is_ascii("az\x7f"));
    CHECK(!is_ascii("\x80"));
}

TEST_CASE("every code point survives a round through its sequence, and only those that are any")
{
    for (std::uint32_t point = 0; point < 0x110000; ++point) {
        std::string text;
        auto add = [&](std::uint32_t octet) { text += static_cast<char>(octet); };
        if (point < 0x80) {
            add(point);
        } else if (point < 0x800) {
            add(0xc0 | point >> 6), add(0x80 | (point & 63));
        } else if (point < 0x10000) {
            add(0xe0 | point >> 12), add(0x80 | (point >> 6 & 63)), add(0x80 | (point & 63));
        } else {
            add(0xf0 | point >> 18), add(0x80 | (point >> 12 & 63)), add(0x80 | (point >> 6 & 63)),
                add(0x80 | (point & 63));
        }
        std::uint32_t found = 0;
        bool const surrogate = point >= 0xd800 && point < 0xe000;
        bool const fine = utf8_sequence(text, found) == (surrogate ? 0 : text.size()) && (surrogate || found == point);
        if (!fine) FAIL("code point ", point);
    }
}

TEST_CASE("what is shown can't move the cursor, end the line or turn the text")
{
    struct {
        std::string_view text, shown;
    } const rows[] = {
        {"plain", "plain"},
        {"a\\b", "a\\\\b"},
        {"\r\n", "\\x0d\\x0a"},
        {std::string_view("\0", 1), "\\x00"},
        {"\x1b[2J", "\\x1b[2J"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b", "\\xc2\\x9b"},
        {"\xe2\x80\xae", "\\xe2\\x80\\xae"},
        {"\xe2\x81\xa6", "\\xe2\\x81\\xa6"},
        {"\xd8\x9c", "\\xd8\\x9c"},
        {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},
        {"\xff\xc3", "\\xff\\xc3"},
        {"\xc3\xa4", "\xc3\xa4"},
        {"\xc2\xa0", "\xc2\xa0"},
    };
    for (auto const& r : rows) CHECK(printable(r.text) == r.shown);
    CHECK(printable("abcdef", 3) == "abc...");
    CHECK(printable("abc", 3) == "abc");
    CHECK(printable("", 0) == "");
    CHECK(printable("a", 0) == "...");
    CHECK(is_utf8(printable("\xc3\xa4\xc3\xa4\xc3\xa4", 3)));
    CHECK(printable(std::string(1'000'000, '\xff')).size() < 600);
}

TEST_CASE("numbers are digits, all of the text, within the limit")
{
    CHECK(parse_number<std::uint16_t>("65535") == 65535);
    CHECK(parse_number<std::uint8_t>("255") == 255);
    CHECK(parse_number<std::uint64_t>("18446744073709551615") == 18446744073709551615ull);
    CHECK(parse_number<unsigned>("0") == 0u);
    CHECK(parse_number<unsigned>("007") == 7u);
    CHECK(parse_number<unsigned>("32", 32) == 32u);
    for (auto const* bad : {"", " ", "+1", "-1", "1 ", " 1", "0x1", "1.0", "a", "65536", "99999999999999999999"})
        CHECK_MESSAGE(!parse_number<std::uint16_t>(bad), bad);
    CHECK(!parse_number<std::uint64_t>("18446744073709551616"));
    CHECK(!parse_number<std::uint64_t>("99999999999999999999999"));
    CHECK(!parse_number<std::uint8_t>("256"));
    CHECK(!parse_number<unsigned>("33", 32));
    CHECK(!parse_number<unsigned>("1", 0));
    // Against the plain way, for each number around a small limit.
    for (unsigned limit = 0; limit < 120; ++limit)
        for (unsigned n = 0; n < 1200; ++n)
            if ((parse_number<unsigned>(std::to_string(n), limit) == n) != (n <= limit)) FAIL(n, " of ", limit);
}
