#include "mail/address.hpp"

#include <doctest/doctest.h>

using namespace postern::mail;

namespace {

std::string const long_local(64, 'a');
std::string const long_label(63, 'b');

path_error path_error_of(std::string_view text, bool null_allowed = false, bool postmaster = false)
{
    path_error why = path_error::none;
    auto const before = text;
    auto const p = parse_path(text, null_allowed, postmaster, why);
    if (p.has_value() == (why == path_error::none)) {
        if (!p) CHECK(text == before);
        return why;
    }
    FAIL("result and error disagree");
    return why;
}

}  // namespace

TEST_CASE("addresses that pass, and what they are")
{
    struct row {
        std::string text;
        std::string local_part, domain, printed;
    };
    row const rows[] = {
        {"alice@example.com", "alice", "example.com", "alice@example.com"},
        {"Alice.B@EXAMPLE.Com", "Alice.B", "example.com", "Alice.B@example.com"},
        {"a+tag=x@mail-1.example.co.uk", "a+tag=x", "mail-1.example.co.uk", "a+tag=x@mail-1.example.co.uk"},
        {"!#$%&'*+-/=?^_`{|}~@x.example", "!#$%&'*+-/=?^_`{|}~", "x.example", "!#$%&'*+-/=?^_`{|}~@x.example"},
        // The local part is opaque: neither of these is a route.
        {"user%other.example@x.example", "user%other.example", "x.example", "user%other.example@x.example"},
        {"other.example!user@x.example", "other.example!user", "x.example", "other.example!user@x.example"},
        {"|cat@x.example", "|cat", "x.example", "|cat@x.example"},
        {"${run{id}}@x.example", "${run{id}}", "x.example", "${run{id}}@x.example"},
        {R"("alice"@x.example)", "alice", "x.example", "alice@x.example"},
        {R"("a b"@x.example)", "a b", "x.example", R"("a b"@x.example)"},
        {R"("a\"b\\c"@x.example)", R"(a"b\c)", "x.example", R"("a\"b\\c"@x.example)"},
        {R"("a\bc"@x.example)", "abc", "x.example", "abc@x.example"},
        {R"("other@victim.example"@x.example)", "other@victim.example", "x.example",
         R"("other@victim.example"@x.example)"},
        {R"("foo@x> ORCPT=rfc822;y"@z.example)", "foo@x> ORCPT=rfc822;y", "z.example",
         R"("foo@x> ORCPT=rfc822;y"@z.example)"},
        {R"(".a..b."@x.example)", ".a..b.", "x.example", R"(".a..b."@x.example)"},
        {"a@[192.0.2.1]", "a", "[192.0.2.1]", "a@[192.0.2.1]"},
        {"a@[IPv6:2001:DB8:0:0:0:0:0:1]", "a", "[ipv6:2001:db8::1]", "a@[ipv6:2001:db8::1]"},
        {"a@[IPv6:::ffff:192.0.2.1]", "a", "[192.0.2.1]", "a@[192.0.2.1]"},
        {"\xc3\xbcser@x.example", "\xc3\xbcser", "x.example", "\xc3\xbcser@x.example"},
        {"a@b\xc3\xbc"
         "cher.example",
         "a", "xn--bcher-kva.example", "a@xn--bcher-kva.example"},
        {"a@B\xc3\x9c"
         "CHER.example",
         "a", "xn--bcher-kva.example", "a@xn--bcher-kva.example"},
        {"a@XN--Bcher-kva.example", "a", "xn--bcher-kva.example", "a@xn--bcher-kva.example"},
        // Non-transitional: sharp s is a letter of its own, not "ss".
        {"a@fa\xc3\x9f.example", "a", "xn--fa-hia.example", "a@xn--fa-hia.example"},
        {"\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90.\xe5\xb9\xbf\xe5\x91\x8a", "\xe7\x94\xa8\xe6\x88\xb7",
         "xn--fsqu00a.xn--4rr70v", "\xe7\x94\xa8\xe6\x88\xb7@xn--fsqu00a.xn--4rr70v"},
        {long_local + "@x.example", long_local, "x.example", long_local + "@x.example"},
        {"a@" + long_label + ".example", "a", long_label + ".example", "a@" + long_label + ".example"},
        {"a@1.2.3.4x", "a", "1.2.3.4x", "a@1.2.3.4x"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.text);
        path_error why = path_error::syntax;
        auto const m = parse_mailbox(r.text, why);
        REQUIRE(m);
        CHECK(why == path_error::none);
        CHECK(m->local_part == r.local_part);
        CHECK(m->domain == r.domain);
        CHECK(m->to_string() == r.printed);
        CHECK(parse_mailbox(m->to_string()) == m);

        std::string const written = '<' + r.text + "> SIZE=1";
        std::string_view rest = written;
        auto const p = parse_path(rest, false, false, why);
        REQUIRE(p);
        CHECK(p->address == *m);
        CHECK(rest == " SIZE=1");
    }
}

TEST_CASE("addresses that are refused, and why")
{
    using enum path_error;
    struct row {
        std::string_view text;
        path_error why;
    };
    constexpr std::string_view nul_local{"a\0b@x.example", 13};
    constexpr std::string_view nul_domain{"a@x.exa\0mple", 12};
    constexpr std::string_view nul_quoted{"\"a\0b\"@x.example", 15};
    constexpr std::string_view nul_literal{"a@[192.0.2.1\0]", 14};
    row const rows[] = {
        {"", syntax},
        {"alice", syntax},
        {"@x.example", source_route},
        {"@a.example,@b.example:c@d.example", source_route},
        {"alice@", syntax},
        {"alice@example.com.", bad_domain},
        {"alice@.example.com", bad_domain},
        {"alice@example..com", bad_domain},
        {"alice@-x.example", bad_domain},
        {"alice@x-.example", bad_domain},
        {"alice@x_y.example", bad_domain},
        {"alice@localhost", not_qualified},
        {"alice@192.0.2.1", bad_domain},
        {"alice@x.123", bad_domain},
        {".alice@x.example", syntax},
        {"alice.@x.example", syntax},
        {"a..b@x.example", syntax},
        {"a b@x.example", syntax},
        {"a@b@x.example", syntax},
        {"a@x.example@y.example", syntax},
        {"a@x.example b", syntax},
        {" a@x.example", syntax},
        {"a @x.example", syntax},
        {"a@ x.example", syntax},
        {"a(c)@x.example", syntax},
        {"a@x.example(c)", syntax},
        {"a@(c)x.example", syntax},
        {"a,b@x.example", syntax},
        {"a;b@x.example", syntax},
        {"a\\@b@x.example", syntax},
        {"\"\"@x.example", syntax},
        {"\"a@x.example", syntax},
        {"\"a\"b@x.example", syntax},
        {"a\"b\"@x.example", syntax},
        {"\"a\\", syntax},
        {"\"a\tb\"@x.example", syntax},
        {"\"a\\\r\nb\"@x.example", syntax},
        {"a\r\nRCPT TO:<b@x.example>", syntax},
        {"a\x7f@x.example", syntax},
        {nul_local, syntax},
        {nul_domain, syntax},
        {nul_quoted, syntax},
        {nul_literal, bad_domain},
        {"a@[192.0.2.1", syntax},
        {"a@[192.0.2.1]x", syntax},
        {"a@[192.0.2.256]", bad_domain},
        {"a@[192.0.2]", bad_domain},
        {"a@[192.0.2.1 ]", bad_domain},
        {"a@[2001:db8::1]", bad_domain},
        {"a@[IPv6:192.0.2.1]", bad_domain},
        {"a@[IPv6:2001:db8::1%eth0]", bad_domain},
        {"a@[x-tag:hello]", bad_domain},
        {"a@[]", bad_domain},
        {"a@x.example\xff", not_utf8},
        {"\xc3@x.example", not_utf8},
        {"\xc0\xbc@x.example", not_utf8},      // overlong "<"
        {"\xed\xa0\x80@x.example", not_utf8},  // a surrogate
        {"\"\xff\"@x.example", not_utf8},
        {"a\xe2\x80\x8b@x.example", syntax},  // zero-width space
        {"a\xe2\x80\xae@x.example", syntax},  // right-to-left override
        {"a@x\xe2\x80\x8b.example", syntax},
        {"a@x\xc2\xad.example", syntax},      // soft hyphen: UTS 46 would drop it
        {"a@x\xe2\x80\x8d.example", syntax},  // zero-width joiner
        {"\xc2\xa0@x.example", syntax},       // no-break space
        {"\xc2\x85@x.example", syntax},       // a C1 control
        {"a@x\xe3\x80\x82"
         "example",
         bad_domain},  // ideographic full stop
        {"a@x\xef\xbc\x8e"
         "example",
         bad_domain},  // full-width full stop
        {"a@x.ex\xe2\x84\x80"
         "mple",
         bad_domain},                             // "a/c" in one character
        {"a@x\xe2\x89\xa0.example", bad_domain},  // not equal: "=" for some
        {"a@\xe2\x9d\xa4.example", bad_domain},   // no letter
        {"a@xn--zzzzzz--.b\xc3\xbc.example", bad_domain},
        {"a@\xcc\x88x.example", bad_domain},  // begins with a combining mark
    };
    for (auto const& r : rows) {
        CAPTURE(r.text);
        path_error why = none;
        CHECK_FALSE(parse_mailbox(r.text, why));
        CHECK(why == r.why);
        CHECK(path_error_of('<' + std::string(r.text) + '>') != none);
    }
}

TEST_CASE("lengths are those of RFC 5321 section 4.5.3.1")
{
    std::string const domain = std::string(60, 'd') + '.' + std::string(60, 'd') + '.' + std::string(60, 'd');
    CHECK(path_error_of('<' + long_local + "a@x.example>") == path_error::too_long);
    CHECK(path_error_of("<\"" + long_local + "\"@x.example>") == path_error::too_long);
    CHECK(path_error_of("<a@" + long_label + "b.example>") == path_error::bad_domain);
    CHECK(path_error_of('<' + long_local + '@' + domain + ".exampl>") == path_error::none);       // 256
    CHECK(path_error_of('<' + long_local + '@' + domain + ".example>") == path_error::too_long);  // 257
    std::string many;
    for (int i = 0; i < 200; ++i) many += "a.";
    CHECK(path_error_of("<a@" + many + "b>") == path_error::too_long);
    // As A-labels it is longer than as it was written.
    std::string utf8;
    for (int i = 0; i < 32; ++i) utf8 += "\xc3\xbc.";
    CHECK(path_error_of("<a@" + utf8 + "ex>") == path_error::too_long);
}

TEST_CASE("the null path and the bare postmaster pass only where they may")
{
    CHECK(path_error_of("<>", true) == path_error::none);
    CHECK(path_error_of("<>", false) == path_error::syntax);
    CHECK(path_error_of("< >", true) == path_error::syntax);
    CHECK(path_error_of("<PostMaster>", false, true) == path_error::none);
    CHECK(path_error_of("<postmaster>", true, false) == path_error::syntax);
    CHECK(path_error_of("<postmasters>", false, true) == path_error::syntax);
    std::string_view text = "<Postmaster> X";
    path_error why = path_error::none;
    auto const p = parse_path(text, false, true, why);
    REQUIRE(p);
    CHECK(p->address.domain.empty());
    CHECK(p->to_string() == "postmaster");
    CHECK(text == " X");
    text = "<>";
    CHECK(parse_path(text, true, false, why)->to_string().empty());
}

TEST_CASE("a path needs its brackets")
{
    CHECK(path_error_of("a@x.example") == path_error::syntax);
    CHECK(path_error_of("<a@x.example") == path_error::syntax);
    CHECK(path_error_of("<<a@x.example>>") == path_error::syntax);
    CHECK(path_error_of(" <a@x.example>") == path_error::syntax);
    CHECK(path_error_of("") == path_error::syntax);
}

TEST_CASE("what needs SMTPUTF8 is known")
{
    path_error why = path_error::none;
    std::string_view text =
        "<a@b\xc3\xbc"
        "cher.example>";
    auto const domain_only = parse_path(text, false, false, why);
    REQUIRE(domain_only);
    CHECK(domain_only->utf8);
    CHECK_FALSE(domain_only->address.needs_smtputf8());
    text = "<\xc3\xbc@x.example>";
    auto const local = parse_path(text, false, false, why);
    REQUIRE(local);
    CHECK(local->utf8);
    CHECK(local->address.needs_smtputf8());
    text = "<a@x.example>";
    CHECK_FALSE(parse_path(text, false, false, why)->utf8);
}

TEST_CASE("keys of two spellings of one account are equal")
{
    CHECK(parse_mailbox("Alice@Example.COM")->key() == "alice@example.com");
    CHECK(parse_mailbox("\"alice\"@example.com")->key() == "alice@example.com");
    CHECK(parse_mailbox("alice@example.com")->key() != parse_mailbox("alice@sub.example.com")->key());
}

TEST_CASE("domains")
{
    CHECK(parse_domain("Example.COM") == "example.com");
    CHECK(parse_domain("host") == "host");
    CHECK(parse_domain("b\xc3\xbc"
                       "cher.example") == "xn--bcher-kva.example");
    for (auto const* bad :
         {"", ".", "x.", ".x", "a..b", "a_b", "a b", "[192.0.2.1]", "192.0.2.1", "a@b", "\xff.example"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_domain(bad));
    }
}

TEST_CASE("EHLO arguments of real clients pass, and nothing that could break a line or a comment")
{
    for (auto const* good : {"laptop.example", "LAPTOP", "my_pc", "[127.0.0.1]", "[IPv6:2001:db8::1]", "192.0.2.1",
                             "msg.txt", "[IPv6:fe80::1%en0]", "smtpclient.apple"})
        CHECK(is_ehlo_argument(good));
    for (auto const* bad : {"", "a b", "a(b)", "<a>", "a\r\nb", "a;b", "[]", "\xc3\xbc", "a\"b"})
        CHECK_FALSE(is_ehlo_argument(bad));
    CHECK_FALSE(is_ehlo_argument(std::string(256, 'a')));
    CHECK_FALSE(is_ehlo_argument(std::string_view{"a\0b", 3}));
}
