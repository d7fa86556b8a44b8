#include "dns/wire.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace postern;
using namespace postern::dns;
using namespace std::string_literals;

TEST_CASE("names in wire form")
{
    CHECK(parse_name("\3MX1\7example\3net\0"s) == "mx1.example.net");
    CHECK(parse_name("\0"s) == "");
    CHECK(parse_name("\3_a-\1b\0"s) == "_a-.b");
}

TEST_CASE("malformed names give nothing")
{
    for (std::string const& data : {
             ""s,                                    // no end
             "\3mx1"s,                               // no end
             "\7mx1\0"s,                             // label longer than the data
             "\3mx1\0x"s,                            // octets behind the end
             "\300\14"s,                             // compression
             "\3a b\0"s,                             // blank
             "\3a.b\0"s,                             // dot in a label
             "\3a\0b\0"s,                            // NUL
             "\2\xc3\xa4\0"s,                        // no ASCII
             "\100" + std::string(64, 'a') + "\0"s,  // label of 64
         }) {
        CAPTURE(data);
        CHECK_FALSE(parse_name(data).has_value());
    }
    std::string longest;
    for (int i = 0; i < 5; ++i) longest += "\77" + std::string(63, 'a');
    CHECK_FALSE(parse_name(longest + "\0"s).has_value());
}

TEST_CASE("records")
{
    CHECK(parse_mx("\0\12\2mx\1b\0"s) == mx_record{10, "mx.b"});
    CHECK(parse_mx("\377\377\0"s) == mx_record{65535, ""});
    CHECK_FALSE(parse_mx("\0\12"s).has_value());
    CHECK_FALSE(parse_mx(""s).has_value());
    CHECK(parse_srv("\0\12\0\1\1\321\2mx\1b\0"s) == srv_record{10, 1, 465, "mx.b"});
    CHECK(parse_srv("\0\0\0\0\0\0\0"s) == srv_record{0, 0, 0, ""});
    CHECK_FALSE(parse_srv("\0\0\0\0\0\0"s).has_value());
    CHECK_FALSE(parse_srv("\0\0\0\0\0\0\3mx"s).has_value());
    CHECK_FALSE(parse_srv(""s).has_value());
    CHECK(parse_a("\300\0\2\1"s)->to_string() == "192.0.2.1");
    CHECK_FALSE(parse_a("\300\0\2"s).has_value());
    CHECK_FALSE(parse_a("\300\0\2\1\1"s).has_value());
    CHECK(parse_aaaa("\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1"s)->to_string() == "2001:db8::1");
    CHECK_FALSE(parse_aaaa("\300\0\2\1"s).has_value());
}

TEST_CASE("what needs no question")
{
    CHECK(answer_without_question("LocalHost.")->v4.at(0).to_string() == "127.0.0.1");
    CHECK(answer_without_question("a.localhost")->v6.at(0).to_string() == "::1");
    CHECK(answer_without_question("192.0.2.7")->v4.at(0).to_string() == "192.0.2.7");
    CHECK(answer_without_question("[192.0.2.7]")->v4.at(0).to_string() == "192.0.2.7");
    CHECK(answer_without_question("[ipv6:2001:db8::7]")->v6.at(0).to_string() == "2001:db8::7");
    CHECK_FALSE(answer_without_question("mylocalhost").has_value());
    CHECK_FALSE(answer_without_question("example.com").has_value());
    CHECK_FALSE(answer_without_question("").has_value());
    CHECK_FALSE(answer_without_question("[]").has_value());
}

TEST_CASE("a TLSA record is three numbers and octets")
{
    auto const r = parse_tlsa("\3\1\1abc"s);
    REQUIRE(r);
    CHECK(*r == tlsa_record{3, 1, 1, "abc"});
    CHECK(parse_tlsa("\377\377\377x"s)->usage == 255);
    CHECK_FALSE(parse_tlsa("\3\1\1"s));
    CHECK_FALSE(parse_tlsa(""));
    CHECK_FALSE(parse_tlsa(std::string(20'000, 'x')));
}

TEST_CASE("a CAA record is flags, a tag and a value")
{
    auto const r = parse_caa("\200\5IssueLetsEncrypt.org"s);
    REQUIRE(r);
    CHECK(*r == caa_record{128, "issue", "LetsEncrypt.org"});
    CHECK(parse_caa("\0\5issue"s)->value.empty());
    CHECK_FALSE(parse_caa("\0\0issue"s));
    CHECK_FALSE(parse_caa("\0\6issue"s));
    CHECK_FALSE(parse_caa("\0"s));
    CHECK_FALSE(parse_caa("\0\5issue"s + std::string(5'000, 'x')));
}
