#include "smtp/reply_parser.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace postern;
using namespace postern::smtp;
using state = reply_parser::state;

namespace {

state parse(std::string_view text, reply& out)
{
    reply_parser p;
    state const s = p.take(text);
    if (s == state::complete) out = p.release();
    return s;
}

state parse(std::string_view text)
{
    reply r;
    return parse(text, r);
}

}  // namespace

TEST_CASE("a reply of one line")
{
    reply r;
    REQUIRE(parse("250 2.1.0 Sender ok\r\n", r) == state::complete);
    CHECK(r.code == 250);
    CHECK(r.status == status{2, 1, 0});
    CHECK(r.text == "Sender ok");
    CHECK(r.to_string() == "250 2.1.0 Sender ok");
}

TEST_CASE("a code alone is a reply")
{
    reply r;
    CHECK(parse("354\r\n", r) == state::complete);
    CHECK(r.code == 354);
    CHECK(r.text.empty());
    CHECK(parse("250 \r\n") == state::complete);
    CHECK(parse("250 ok\n") == state::complete);
}

TEST_CASE("the lines of a reply are joined, each without its status")
{
    reply r;
    REQUIRE(parse("550-5.7.1 Not you,\r\n550-5.7.1 not today:\r\n550 5.7.1 see our page\r\n", r) == state::complete);
    CHECK(r.text == "Not you,\nnot today:\nsee our page");
    CHECK(r.status == status{5, 7, 1});
    CHECK(r.to_string() == "550 5.7.1 Not you, not today: see our page");
}

TEST_CASE("a status of another class than the code is text")
{
    reply r;
    REQUIRE(parse("550 2.0.0 lies\r\n", r) == state::complete);
    CHECK(r.status.empty());
    CHECK(r.text == "2.0.0 lies");
}

TEST_CASE("any cut gives the same reply")
{
    std::string const text = "250-mx.example\r\n250-SIZE 1000\r\n250 DSN\r\n354 go\r\n";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        reply_parser p;
        std::vector<reply> got;
        for (std::string_view piece : {std::string_view{text}.substr(0, cut), std::string_view{text}.substr(cut)}) {
            while (!piece.empty()) {
                if (p.take(piece) == state::complete) got.push_back(p.release());
            }
        }
        REQUIRE(got.size() == 2);
        CHECK(got[0].text == "mx.example\nSIZE 1000\nDSN");
        CHECK(got[1].code == 354);
    }
}

TEST_CASE("what follows a reply stays")
{
    std::string_view in = "220 go\r\n250 injected\r\n";
    reply_parser p;
    CHECK(p.take(in) == state::complete);
    CHECK(in == "250 injected\r\n");
}

TEST_CASE("malformed replies are refused")
{
    for (char const* text : {"HTTP/1.1 400 Bad\r\n", "25 ok\r\n", "\r\n", "2500 ok\r\n", "250_ok\r\n", "150 ok\r\n",
                             "650 ok\r\n", "250-a\r\n251 b\r\n", "250-a\r\n\r\n", "-50 ok\r\n", " 250 ok\r\n"}) {
        CAPTURE(text);
        CHECK(parse(text) == state::malformed);
    }
}

TEST_CASE("an endless line, endless lines and an endless whole are refused")
{
    CHECK(parse("250 " + std::string(3000, 'a')) == state::malformed);
    CHECK(parse("250 " + std::string(2000, 'a') + "\r\n") == state::complete);

    std::string lines;
    for (int i = 0; i < 101; ++i) lines += "250-x\r\n";
    CHECK(parse(lines) == state::malformed);

    std::string whole;
    for (int i = 0; i < 20; ++i) whole += "250-" + std::string(2000, 'a') + "\r\n";
    CHECK(parse(whole) == state::malformed);

    reply_parser drip;
    state s = state::more;
    int octets = 0;
    while (s == state::more && octets < 10'000) {
        std::string_view one = "2";
        s = drip.take(one);
        ++octets;
    }
    CHECK(s == state::malformed);
    CHECK(octets < 2100);
}

TEST_CASE("control characters never reach the log")
{
    reply r;
    REQUIRE(parse(std::string_view{"250 a\x1b[2Jb\0c\rd\r\n", 16}, r) == state::complete);
    for (char c : r.to_string()) CHECK(static_cast<unsigned char>(c) >= 0x20);
}

TEST_CASE("statuses")
{
    std::size_t taken = 0;
    CHECK(find_status("5.1.1 x", taken) == status{5, 1, 1});
    CHECK(taken == 6);
    CHECK(find_status("5.1.1", taken) == status{5, 1, 1});
    CHECK(find_status("4.999.999\nx", taken) == status{4, 999, 999});
    for (char const* text : {"3.1.1 x", "5.1", "5.1.", "5..1 x", "5.1000.1 x", "5.1.1.1 x", "5.1.1x y", "", "5"}) {
        CAPTURE(text);
        CHECK(find_status(text, taken).empty());
        CHECK(taken == 0);
    }
}
