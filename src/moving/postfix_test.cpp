#include <doctest/doctest.h>

#include "moving/lines.hpp"
#include "moving/master_cf.hpp"
#include "moving/sources.hpp"
#include "moving/tables.hpp"

namespace postern::moving {
namespace {

struct expansion_case {
    char const* name;
    char const* text;  // of main.cf
    char const* parameter;
    char const* value;
};

constexpr expansion_case expansions[] = {
    {"plain", "a = b c\n", "a", "b c"},
    {"blanks around are none", "  \n# x\na=  b  \n", "a", "b"},
    {"a line goes on", "a = b\n  c\n\td\n", "a", "b c d"},
    {"over comments and empty lines", "a = b\n# no\n\n  c\n", "a", "b c"},
    {"a # within a value is no comment", "a = b # c\n", "a", "b # c"},
    {"the last one counts", "a = b\na = c\n", "a", "c"},
    {"$name", "b = x\na = <$b>\n", "a", "<x>"},
    {"${name}", "b = x\na = ${b}y\n", "a", "xy"},
    {"$(name)", "b = x\na = $(b)y\n", "a", "xy"},
    {"a name ends where letters end", "b = x\na = $b.c\n", "a", "x.c"},
    {"$$ is a dollar", "a = $$b\n", "a", "$b"},
    {"nobody is empty", "a = <$nobody>\n", "a", "<>"},
    {"? when it has a value", "b = x\na = ${b?yes}\n", "a", "yes"},
    {"? when it has none", "a = ${b?yes}\n", "a", ""},
    {": when it has none", "a = ${b:no}\n", "a", "no"},
    {": when it has a value", "b = x\na = ${b:no}\n", "a", ""},
    {"?: both ways", "b = x\na = ${b?{yes}:{no}} ${c?{yes}:{no}}\n", "a", "yes no"},
    {"braces nest", "b = x\na = ${b?{<${b}>}:{no}}\n", "a", "<x>"},
    {"equal", "b = x\na = ${{$b} == {x} ? {yes} : {no}}\n", "a", "yes"},
    {"unequal", "b = x\na = ${{$b} != {x} ? {yes} : {no}}\n", "a", "no"},
    {"the machine's name", "", "myhostname", "mail.example.com"},
    {"its domain", "a = $mydomain\n", "a", "example.com"},
    {"the domain of a name that is set", "myhostname = mx.example.net\na = $mydomain\n", "a", "example.net"},
    {"a default", "", "mydestination", "mail.example.com, localhost.example.com, localhost"},
    {"another", "smtpd_tls_cert_file = /a.pem\n", "smtpd_tls_key_file", "/a.pem"},
};

struct wrong_case {
    char const* name;
    std::string text;
    unsigned line;
    char const* said;
};

std::string doubling()
{
    std::string text = "a0 = xxxxxxxxxxxxxxxx\n";
    for (int i = 1; i < 30; ++i)
        text += "a" + std::to_string(i) + " = $a" + std::to_string(i - 1) + "$a" + std::to_string(i - 1) + '\n';
    return text;
}

}  // namespace

TEST_CASE("main.cf: values as Postfix sees them")
{
    for (auto const& c : expansions) {
        CAPTURE(c.name);
        auto read = parse_postfix(c.text, "main.cf", "mail.example.com");
        REQUIRE(read);
        CHECK(read->main.value(c.parameter) == c.value);
    }
}

TEST_CASE("main.cf: what can't be read is named by its place")
{
    wrong_case const wrong[] = {
        {"no equals sign", "a = b\nwhat is this\n", 2, "no \"=\""},
        {"a name that is none", "a = b\n\n/x/ = c\n", 3, "not the name"},
        {"a beginning that goes on", "  a = b\n", 1, "goes on"},
        {"it leads to itself", "x = y\na = $b\nb = $a\n", 2, "leads back to itself"},
        {"at once", "a = $a\n", 1, "leads back to itself"},
        {"it doubles", doubling(), 14, "64 KiB"},
        {"an open brace", "a = ${b\n", 1, "never closed"},
        {"a giant line", "x = y\na = " + std::string(70'000, 'x') + "\n", 2, "longer than"},
        {"many lines that go on",
         "a = b\n" +
             [] {
                 std::string text;
                 for (int i = 0; i < 100; ++i) text += ' ' + std::string(1000, 'x') + '\n';
                 return text;
             }(),
         67, "longer than"},
        {"a NUL", std::string("a = b\nc = \0\n", 12), 2, "NUL"},
        {"too many lines",
         [] {
             std::string text;
             for (int i = 0; i < 20'001; ++i) text += "a = b\n";
             return text;
         }(),
         20'001, "one line too many"},
    };
    for (auto const& c : wrong) {
        CAPTURE(c.name);
        auto const read = parse_postfix(c.text, "main.cf", "mail.example.com");
        REQUIRE_FALSE(read);
        CHECK(read.error().at.to_string() == "main.cf:" + std::to_string(c.line));
        CHECK_MESSAGE(read.error().text.find(c.said) != std::string::npos, read.error().text);
    }
}

TEST_CASE("master.cf: services and what they override")
{
    auto const all = parse_master_cf(
        "# service type ...\n"
        "smtp      inet  n       -       y       -       -       smtpd\n"
        "#submission inet n - y - - smtpd\n"
        "submission inet n - y - - smtpd\n"
        "  -o syslog_name=postfix/submission\n"
        "# between\n"
        "  -o smtpd_tls_security_level=encrypt -v\n"
        "  -o { smtpd_relay_restrictions = permit_sasl_authenticated, reject }\n"
        "  -osmtpd_sasl_auth_enable=yes\n"
        "dovecot unix - n n - - pipe flags=DRhu user=vmail argv=/usr/lib/dovecot/dovecot-lda -d ${recipient}\n",
        "master.cf");
    REQUIRE(all);
    REQUIRE(all->size() == 3);
    auto const& s = (*all)[1];
    CHECK(s.name == "submission");
    CHECK(s.command == "smtpd");
    CHECK(s.at.line == 4);
    REQUIRE(s.overrides.size() == 4);
    CHECK(s.overrides[0].value == "postfix/submission");
    CHECK(s.overrides[2].name == "smtpd_relay_restrictions");
    CHECK(s.overrides[2].value == "permit_sasl_authenticated, reject");
    CHECK(s.overrides[3].name == "smtpd_sasl_auth_enable");
    CHECK(s.arguments == std::vector<std::string>{"-v"});
    CHECK((*all)[2].arguments.size() == 5);
}

TEST_CASE("master.cf: what can't be read is named by its place")
{
    wrong_case const wrong[] = {
        {"too few fields", "smtp inet n - y - -\n", 1, "8 fields"},
        {"no type", "\nsmtp tcp n - y - - smtpd\n", 2, "no type"},
        {"an open brace", "smtp inet n - y - - smtpd -o { a = b\n", 1, "never closed"},
        {"nothing behind -o", "smtp inet n - y - - smtpd\n -o\n", 1, "nothing behind -o"},
        {"no equals sign", "smtp inet n - y - - smtpd -o a\n", 1, "has no \"=\""},
    };
    for (auto const& c : wrong) {
        CAPTURE(c.name);
        auto const read = parse_master_cf(c.text, "master.cf");
        REQUIRE_FALSE(read);
        CHECK(read.error().at.line == c.line);
        CHECK_MESSAGE(read.error().text.find(c.said) != std::string::npos, read.error().text);
    }
    // One that leads to itself only with what a service says.
    auto const circle = parse_postfix("a = $b\nsmtp inet n - y - - smtpd -o b=$a\n", "x", "h.example.com");
    REQUIRE_FALSE(circle);
    CHECK(circle.error().at.to_string() == "x:2");
}

TEST_CASE("postconf -n and postconf -M, one after the other")
{
    auto const read = parse_postfix(
        "myhostname = mx.example.com\nmynetworks = 127.0.0.0/8 [::1]/128\n"
        "smtp       inet  n       -       y       -       -       smtpd\n"
        "submission inet  n       -       y       -       -       smtpd\n    -o smtpd_sasl_auth_enable=yes\n",
        "standard input", "other.example.com");
    REQUIRE(read);
    CHECK(read->has_services);
    CHECK(read->main.value("myhostname") == "mx.example.com");
    REQUIRE(read->services.size() == 2);
    CHECK(read->services[1].at.line == 4);
    CHECK(read->services[1].overrides.size() == 1);
}

TEST_CASE("tables")
{
    auto const rows = parse_table("# x\nann@example.com\tann@example.org\n\"two words\" b\n  c\nlonely\n", "virtual");
    REQUIRE(rows);
    REQUIRE(rows->size() == 3);
    CHECK((*rows)[0].key == "ann@example.com");
    CHECK((*rows)[1].key == "two words");
    CHECK((*rows)[1].value == "b c");
    CHECK((*rows)[2].value.empty());
    CHECK_FALSE(parse_table("\"open", "virtual"));
    auto const aliases = parse_aliases("postmaster:    root\nroot: ann,\n  bob\n\"a b\": |/bin/x\n", "aliases");
    REQUIRE(aliases);
    REQUIRE(aliases->size() == 3);
    CHECK((*aliases)[1].value == "ann, bob");
    CHECK((*aliases)[2].key == "a b");
    CHECK_FALSE(parse_aliases("no colon\n", "aliases"));
    CHECK(split_table("hash:/etc/postfix/virtual").path == "/etc/postfix/virtual");
    CHECK(split_table("proxy:lmdb:/x").path == "/x");
    CHECK(split_table("mysql:/x").path.empty());
    CHECK(is_table("pgsql:/x"));
    CHECK_FALSE(is_table("example.com"));
    CHECK(words("a, b  c,{ d e },f") == std::vector<std::string>{"a", "b", "c", "{ d e }", "f"});
}

}  // namespace postern::moving
