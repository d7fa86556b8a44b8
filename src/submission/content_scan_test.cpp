#include "submission/content_scan.hpp"

#include <doctest/doctest.h>

#include <string>

using postern::submission::content_scan;

namespace {

struct row {
    char const* name;
    std::string_view octets;
    bool bare, nul, dot, eight_bit, ends_with_crlf;
};

using namespace std::literals;

row const rows[] = {
    {"nothing", ""sv, false, false, false, false, true},
    {"two lines", "a\r\nb\r\n"sv, false, false, false, false, true},
    {"no line end at the end", "a\r\nb"sv, false, false, false, false, false},
    {"bare LF", "a\nb\r\n"sv, true, false, false, false, true},
    {"bare CR", "a\rb\r\n"sv, true, false, false, false, true},
    {"CR at the very end", "a\r\nb\r"sv, true, false, false, false, false},
    {"CR CR LF", "a\r\r\n"sv, true, false, false, false, true},
    {"a dot first", ".a\r\n"sv, false, false, true, false, true},
    {"a dot at a later line", "a\r\n.\r\n"sv, false, false, true, false, true},
    {"a dot within", "a.b\r\n"sv, false, false, false, false, true},
    {"NUL", "a\0b\r\n"sv, false, true, false, false, true},
    {"eight bits", "\xc3\xa4\r\n"sv, false, false, false, true, true},
};

}  // namespace

TEST_CASE("What is noticed in chunks does not depend on how they are cut")
{
    for (auto const& r : rows) {
        for (std::size_t cut = 0; cut <= r.octets.size(); ++cut) {
            CAPTURE(r.name);
            CAPTURE(cut);
            content_scan s;
            s.add(r.octets.substr(0, cut));
            s.add(r.octets.substr(cut));
            s.finish();
            CHECK(s.bare_newline() == r.bare);
            CHECK(s.nul() == r.nul);
            CHECK(s.lines_begin_with_dot() == r.dot);
            CHECK(s.eight_bit() == r.eight_bit);
            CHECK(s.ends_with_crlf() == r.ends_with_crlf);
        }
    }
}
