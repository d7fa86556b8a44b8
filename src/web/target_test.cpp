#include "web/target.hpp"

#include <doctest/doctest.h>

namespace postern::web {

TEST_CASE("A target leads to one place, or nowhere")
{
    struct row {
        char const* text;
        char const* path;  // null: refused
        char const* query = "";
        char const* host = "";
    };
    row const rows[] = {
        {"/", "/"},
        {"/setup/", "/setup"},
        {"//setup///thunderbird", "/setup/thunderbird"},
        {"/why/abc?lang=de&x=%2e%2e/", "/why/abc", "lang=de&x=%2e%2e/"},
        {"/accounts/ann%40example.com", "/accounts/ann@example.com"},
        {"/m%C3%BCller", "/m\xC3\xBCller"},
        {"/a.b/..c/d..", "/a.b/..c/d.."},
        {"http://Mail.Example.com:80/x?y", "/x", "y", "mail.example.com"},
        {"HTTPS://mail.example.com", "/", "", "mail.example.com"},
        {"https://mail.example.com?q", "/", "q", "mail.example.com"},
        {"/?", "/"},
        {"", nullptr},
        {"*", nullptr},
        {"setup", nullptr},
        {"mail.example.com:443", nullptr},
        {"/..", nullptr},
        {"/../etc/passwd", nullptr},
        {"/a/../../etc/passwd", nullptr},
        {"/a/./b", nullptr},
        {"/%2e%2e/etc/passwd", nullptr},
        {"/.%2E/etc/passwd", nullptr},
        {"/a%2fb", nullptr},
        {"/a%5cb", nullptr},
        {"/a\\..\\b", nullptr},
        {"/%252e%252e/x", "/%2e%2e/x"},
        {"/%00", nullptr},
        {"/a%0d%0aSet-Cookie:x", nullptr},
        {"/%", nullptr},
        {"/%zz", nullptr},
        {"/%ff", nullptr},
        {"/%c0%ae%c0%ae/", nullptr},
        {"/a b", nullptr},
        {"/a#b", nullptr},
        {"/\x7f", nullptr},
        {"http:///x", nullptr},
        {"http://user@host/x", nullptr},
        {"ftp://host/x", nullptr},
    };
    for (auto const& r : rows) {
        CAPTURE(r.text);
        auto const got = parse_target(r.text);
        REQUIRE(got.has_value() == (r.path != nullptr));
        if (!got) continue;
        CHECK(got->path == r.path);
        CHECK(got->query == r.query);
        CHECK(got->host == r.host);
    }
}

TEST_CASE("A host is a name or an address")
{
    struct row {
        char const* field;
        char const* host;  // null: refused
    };
    row const rows[] = {
        {"mail.example.com", "mail.example.com"},
        {"Mail.Example.COM:8443", "mail.example.com"},
        {"mail.example.com.", "mail.example.com"},
        {"192.0.2.1:80", "192.0.2.1"},
        {"[2001:db8::1]:443", "2001:db8::1"},
        {"[::1]", "::1"},
        {"xn--mller-kva.example", "xn--mller-kva.example"},
        {"", nullptr},
        {".", nullptr},
        {".example.com", nullptr},
        {"a..b", nullptr},
        {"a b", nullptr},
        {"a/b", nullptr},
        {"a@b", nullptr},
        {"a:b", nullptr},
        {"a:1234567", nullptr},
        {"[::1", nullptr},
        {"[x]", nullptr},
        {"[::1]x", nullptr},
        {"a,b", nullptr},
        {"<script>", nullptr},
    };
    for (auto const& r : rows) {
        CAPTURE(r.field);
        auto const got = parse_host(r.field);
        REQUIRE(got.has_value() == (r.host != nullptr));
        if (got) CHECK(*got == r.host);
    }
}

}  // namespace postern::web
