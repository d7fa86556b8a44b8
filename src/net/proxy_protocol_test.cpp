#include "net/proxy_protocol.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::net;
using namespace std::literals;

namespace {

std::string v2(unsigned char command, unsigned char family, std::string_view addresses)
{
    std::string s{"\r\n\r\n\0\r\nQUIT\n"sv};
    s += static_cast<char>(command);
    s += static_cast<char>(family);
    s += static_cast<char>(addresses.size() >> 8);
    s += static_cast<char>(addresses.size() & 0xff);
    return s.append(addresses);
}

}  // namespace

TEST_CASE("PROXY headers of version 1")
{
    struct row {
        std::string_view octets;
        proxy_state state;
        std::string_view source, destination;
    };
    static constexpr row rows[] = {
        {"PROXY TCP4 192.0.2.7 198.51.100.1 50000 587\r\n", proxy_state::complete, "192.0.2.7:50000",
         "198.51.100.1:587"},
        {"PROXY TCP6 2001:db8::7 2001:db8::1 50000 465\r\nEHLO", proxy_state::complete, "[2001:db8::7]:50000",
         "[2001:db8::1]:465"},
        {"PROXY TCP4 2001:db8::7 198.51.100.1 50000 587\r\n", proxy_state::invalid, "", ""},
        {"PROXY TCP4 192.0.2.7 198.51.100.1 50000\r\n", proxy_state::invalid, "", ""},
        {"PROXY TCP4 192.0.2.7 198.51.100.1 50000 587 9\r\n", proxy_state::invalid, "", ""},
        {"PROXY TCP4 192.0.2.7 198.51.100.1 65536 587\r\n", proxy_state::invalid, "", ""},
        {"PROXY TCP4  192.0.2.7 198.51.100.1 1 587\r\n", proxy_state::invalid, "", ""},
        {"PROXY UDP4 192.0.2.7 198.51.100.1 1 587\r\n", proxy_state::invalid, "", ""},
        {"PROXX", proxy_state::invalid, "", ""},
        {"EHLO x\r\n", proxy_state::invalid, "", ""},
        {"PROXY TCP4 192.0.2.7", proxy_state::incomplete, "", ""},
        {"PRO", proxy_state::incomplete, "", ""},
        {"", proxy_state::incomplete, "", ""},
    };
    for (auto const& r : rows) {
        CAPTURE(r.octets);
        proxy_header h;
        CHECK(parse_proxy_header(r.octets, h) == r.state);
        if (r.state != proxy_state::complete) continue;
        CHECK(h.source.to_string() == r.source);
        CHECK(h.destination.to_string() == r.destination);
        CHECK(h.size == r.octets.find('\n') + 1);
    }
}

TEST_CASE("PROXY UNKNOWN leaves the socket's own addresses")
{
    proxy_header h;
    CHECK(parse_proxy_header("PROXY UNKNOWN\r\n", h) == proxy_state::complete);
    CHECK(h.local);
    CHECK(parse_proxy_header("PROXY UNKNOWNX\r\n", h) == proxy_state::invalid);
}

TEST_CASE("A PROXY line without an end within 107 octets is invalid")
{
    proxy_header h;
    CHECK(parse_proxy_header("PROXY UNKNOWN " + std::string(93, 'x'), h) == proxy_state::invalid);
    CHECK(parse_proxy_header("PROXY UNKNOWN " + std::string(92, 'x'), h) == proxy_state::incomplete);
}

TEST_CASE("PROXY headers of version 2")
{
    auto const four = "\xc0\x00\x02\x07\xc6\x33\x64\x01\xc3\x50\x02\x4b"sv;
    proxy_header h;
    auto const whole = v2(0x21, 0x11, four);
    CHECK(parse_proxy_header(whole + "EHLO", h) == proxy_state::complete);
    CHECK(h.size == whole.size());
    CHECK(h.source.to_string() == "192.0.2.7:50000");
    CHECK(h.destination.to_string() == "198.51.100.1:587");
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        CAPTURE(cut);
        CHECK(parse_proxy_header(whole.substr(0, cut), h) == proxy_state::incomplete);
    }
    std::string six(16, '\0');
    six[0] = 0x20;
    six[1] = 0x01;
    CHECK(parse_proxy_header(v2(0x21, 0x21, six + six + "\x00\x19\x02\x4b"s), h) == proxy_state::complete);
    CHECK(h.source.to_string() == "[2001::]:25");
    CHECK(parse_proxy_header(v2(0x20, 0x00, ""), h) == proxy_state::complete);
    CHECK(h.local);
    CHECK(parse_proxy_header(v2(0x21, 0x12, four), h) == proxy_state::invalid);            // datagrams
    CHECK(parse_proxy_header(v2(0x31, 0x11, four), h) == proxy_state::invalid);            // version 3
    CHECK(parse_proxy_header(v2(0x22, 0x11, four), h) == proxy_state::invalid);            // command 2
    CHECK(parse_proxy_header(v2(0x21, 0x11, four.substr(1)), h) == proxy_state::invalid);  // too short
    CHECK(parse_proxy_header(v2(0x21, 0x31, four), h) == proxy_state::invalid);            // Unix sockets
    CHECK(parse_proxy_header(v2(0x21, 0x11, std::string(3000, 'x')), h) == proxy_state::invalid);
}
