// 60: only CRLF.CRLF ends data. The decoder against a slow and obvious one, for every
// short text of the octets that matter, in every place of a block, with every cut.
#include "smtp/data_decoder.hpp"

#include <doctest/doctest.h>

#include <string>

#include "support/slow_decoder.hpp"

namespace {

using namespace postern::smtp;
using postern::test::decoded;
using postern::test::slowly;

template <class Decode>
decoded with(std::string const& text, std::size_t piece, std::size_t first, Decode decode)
{
    decoded d;
    data_decoder decoder;
    std::vector<std::string_view> out;
    std::string_view rest = text;
    auto size = first;
    while (!rest.empty()) {
        auto in = rest.substr(0, size);
        auto const given = in.size();
        out.clear();
        d.ended = decode(decoder, in, out);
        for (auto const p : out) {
            d.tidy &= !p.empty();
            d.content += p;
        }
        rest.remove_prefix(given - in.size());
        if (d.ended) break;
        d.tidy &= in.empty();
        size = piece;
    }
    d.behind = d.ended ? std::string{rest} : std::string{};
    d.bare_newline = decoder.bare_newline();
    d.nul = decoder.nul();
    d.dots = decoder.lines_begin_with_dot();
    d.eight_bit = decoder.eight_bit();
    return d;
}

auto const fast = [](data_decoder& d, std::string_view& in, auto& out) { return d.decode(in, out); };
auto const portable = [](data_decoder& d, std::string_view& in, auto& out) { return d.decode_portably(in, out); };
constexpr auto all_of_it = std::string::npos;

std::string shown(std::string const& text)
{
    std::string out;
    for (char const c : text) out += c == '\r' ? "\\r" : c == '\n' ? "\\n" : c == '\0' ? "\\0" : std::string(1, c);
    return out;
}

TEST_CASE("every text of up to six octets that matter")
{
    constexpr std::string_view octets{"\r\n.\0x", 5};
    std::vector<std::size_t> digits;
    std::size_t wrong = 0;
    for (std::size_t length = 0; length <= 6; ++length) {
        digits.assign(length, 0);
        for (bool more = true; more;) {
            std::string text;
            for (auto const d : digits) text += octets[d];
            auto const expected = slowly(text);
            bool same = with(text, all_of_it, all_of_it, fast) == expected && with(text, 1, 1, fast) == expected;
            for (std::size_t cut = 1; cut < length; ++cut) same &= with(text, all_of_it, cut, fast) == expected;
            if (!same && ++wrong < 5) FAIL_CHECK("decodes differently: " << shown(text));
            more = false;
            for (auto& d : digits) {
                if (++d < octets.size()) {
                    more = true;
                    break;
                }
                d = 0;
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("every text of up to four octets in every place of a block, with and without vectors")
{
    constexpr std::string_view octets{"\r\n.\0\x80", 5};
    std::size_t wrong = 0;
    for (std::size_t number = 0; number < 625; ++number) {
        std::string text;
        for (std::size_t n = number, i = 0; i < 4; ++i, n /= 5) text += octets[n % 5];
        for (std::size_t before = 0; before <= 140; ++before) {
            auto const padded =
                "x\r\n" + std::string(before, 'a') + text + "\r\n.\r\nMAIL FROM:<\xff>\n\r" + std::string(100, '\0');
            auto const expected = slowly(padded);
            bool const same = with(padded, all_of_it, all_of_it, fast) == expected &&
                              with(padded, all_of_it, all_of_it, portable) == expected &&
                              with(padded, 64, 64, fast) == expected && with(padded, 67, 3, fast) == expected;
            if (!same && ++wrong < 5) FAIL_CHECK("decodes differently: " << shown(padded));
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("2.2 the nineteen endings: only one of them is one")
{
    struct row {
        std::string sequence;
        bool end, bare, nul;
    };
    using namespace std::string_literals;
    row const rows[] = {
        {"\r\n.\r\n"s, true, false, false},   {"\n.\n"s, false, true, false},
        {"\n.\r"s, false, true, false},       {"\n.\r\n"s, false, true, false},
        {"\r.\n"s, false, true, false},       {"\r.\r"s, false, true, false},
        {"\r.\r\n"s, false, true, false},     {"\r\n.\n"s, false, true, false},
        {"\r\n.\r"s, false, true, false},     {"\r\n\0.\r\n"s, false, false, true},
        {"\r\n.\0\r\n"s, false, false, true}, {"\r\n.\r\0\n"s, false, true, true},
        {"\n\n.\r\n"s, false, true, false},   {"\r\r\n.\r\r\n"s, false, true, false},
        {"\n\r.\r\n"s, false, true, false},   {"\r\n..\r\n"s, false, false, false},
        {"\r\n. \r\n"s, false, false, false}, {"\r\n .\r\n"s, false, false, false},
        {"\n\r\n.\n"s, false, true, false},
    };
    static_assert(std::size(rows) == 19);
    for (auto const& r : rows) {
        CAPTURE(shown(r.sequence));
        auto const text = "a" + r.sequence + "b";
        auto const d = with(text, all_of_it, all_of_it, fast);
        CHECK(d.ended == r.end);
        CHECK(d.bare_newline == r.bare);
        CHECK(d.nul == r.nul);
        CHECK(d == slowly(text));
    }
}

TEST_CASE("pieces are views into the input, no more than the dots make necessary")
{
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "a line of quite ordinary text that holds no dot at its start\r\n";
    data_decoder d;
    std::vector<std::string_view> out;
    std::string_view in = text;
    CHECK_FALSE(d.decode(in, out));
    REQUIRE(out.size() == 1);
    CHECK(out[0].data() == text.data());
    CHECK(out[0].size() == text.size());
    out.clear();
    in = "..x\r\ny\r\n.\r\nNOOP\r\n";
    CHECK(d.decode(in, out));
    REQUIRE(out.size() == 1);
    CHECK(out[0] == ".x\r\ny\r\n");
    CHECK(in == "NOOP\r\n");
    CHECK(d.lines_begin_with_dot());
    CHECK_FALSE(d.bare_newline());
    CHECK_FALSE(d.eight_bit());
}

TEST_CASE("an empty message")
{
    data_decoder d;
    std::vector<std::string_view> out;
    std::string_view in = ".\r\nQUIT\r\n";
    CHECK(d.decode(in, out));
    CHECK(out.empty());
    CHECK(in == "QUIT\r\n");
}

}  // namespace
