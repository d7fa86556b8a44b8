#include "mail/address_list.hpp"

#include <doctest/doctest.h>

using namespace postern::mail;

namespace {

// The addresses with blanks between, or the error's name.
std::string read(std::string_view value, std::size_t limit = 10)
{
    list_error why = list_error::none;
    auto const found = parse_address_list(value, limit, why);
    switch (why) {
        case list_error::none: break;
        case list_error::syntax: return "syntax";
        case list_error::empty: return "empty";
        case list_error::ambiguous: return "ambiguous";
        case list_error::bad_address: return "bad_address";
        case list_error::too_many: return "too_many";
    }
    std::string out;
    for (auto const& m : *found) out += (out.empty() ? "" : " ") + m.to_string();
    return out;
}

}  // namespace

TEST_CASE("address lists that pass")
{
    struct row {
        std::string_view value, found;
    };
    constexpr row rows[] = {
        {" a@b.example", "a@b.example"},
        {"Alice <a@b.example>", "a@b.example"},
        {"\"Doe, J. <boss>\" <j@doe.example>", "j@doe.example"},
        {"John Q. Public <j@x.example>", "j@x.example"},
        {"a@b.example, <c@d.example>,e@f.example", "a@b.example c@d.example e@f.example"},
        {", a@b.example,, c@d.example,", "a@b.example c@d.example"},
        {"a@b.example (Alice (the first))", "a@b.example"},
        {"(note) Alice (x\\)y) <a@b.example> (z)", "a@b.example"},
        {"Team: a@b.example, Carl <c@d.example>;", "a@b.example c@d.example"},
        {"Team: a@b.example;, e@f.example", "a@b.example e@f.example"},
        {"=?utf-8?q?J=C3=B6rg?= <j@x.example>", "j@x.example"},
        {"=?utf-8?q?boss=40y.example=3E?= <j@x.example>", "j@x.example"},
        {"J\xc3\xb6rg <j@x.example>", "j@x.example"},
        {"J\xf6rg <j@x.example>", "j@x.example"},  // Latin-1 of an old device
        {"\xc3\xbc@x.example", "\xc3\xbc@x.example"},
        {"a@b\xc3\xbc"
         "cher.example",
         "a@xn--bcher-kva.example"},
        {"\"a b\"@x.example", "\"a b\"@x.example"},
        {"a@[192.0.2.1]", "a@[192.0.2.1]"},
        {"Alice\r\n <a@b.example>,\r\n\tc@d.example", "a@b.example c@d.example"},
        {"a@b.example <A@B.example>", "a@b.example"},  // the same twice
        {"\"victim@y.example\" <me@x.example>", "me@x.example"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.value);
        CHECK(read(r.value) == r.found);
    }
}

TEST_CASE("what programs read as different addresses is refused")
{
    struct row {
        std::string_view value, why;
    };
    constexpr std::string_view nul{"a@b.example\0", 12};
    constexpr row rows[] = {
        {"", "empty"},
        {" ,, ", "empty"},
        {"undisclosed-recipients:;", "empty"},
        {"victim@y.example <me@x.example>", "ambiguous"},
        {"<me@x.example> <victim@y.example>", "syntax"},
        {"<me@x.example>, <victim@y.example> x", "syntax"},
        {"me@x.example victim@y.example", "syntax"},
        {"me@x.example@y.example", "syntax"},
        {"<me@x.example@y.example>", "bad_address"},
        {"<me@x.example", "bad_address"},
        {"me@x.example>", "syntax"},
        {"<<me@x.example>>", "bad_address"},
        {"< me@x.example>", "bad_address"},
        {"<>", "bad_address"},
        {"<@y.example:me@x.example>", "ambiguous"},
        {"\"victim@y.example x\"@x.example", "ambiguous"},
        {"\"victim@y.example>\"@x.example", "ambiguous"},
        {"<\"victim@y.example,\"@x.example>", "ambiguous"},
        {"\"me\\\\\"@x.example", "ambiguous"},
        {"=?utf-8?q?victim=40y.example=3E=00?=@x.example", "ambiguous"},
        {"<=?utf-8?q?victim=40y.example=3E=00?=@x.example>", "ambiguous"},
        {"me@x.example (<victim@y.example>)", "ambiguous"},
        {"(victim@y.example) me@x.example", "ambiguous"},
        {"me(c)@x.example", "ambiguous"},
        {"me @x.example", "ambiguous"},
        {"me@ x.example", "bad_address"},
        {"me@x.example(c).y.example", "syntax"},
        {"me . too@x.example", "syntax"},
        {"Doe, J. <j@x.example>", "syntax"},
        {"root", "syntax"},
        {"root@localhost", "bad_address"},
        {"me@x.example.", "bad_address"},
        {"a@b.example; c@d.example", "syntax"},
        {"g: a@b.example", "syntax"},
        {"g: h: a@b.example;;", "syntax"},
        {"g: a@b.example; x <c@d.example>", "syntax"},
        {": a@b.example;", "syntax"},
        {"\"open <a@b.example>", "syntax"},
        {"(open <a@b.example", "ambiguous"},
        {"(open a", "syntax"},
        {"a@b.example)", "syntax"},
        {"a\\b@x.example", "syntax"},
        {"a@b.example\r\nBcc: x", "syntax"},
        {"a@b.example\nc", "syntax"},
        {"a\rb@x.example", "syntax"},
        {nul, "syntax"},
        {"\xc0\xbcvictim@y.example\xc0\xbe <me@x.example>", "ambiguous"},
        {"me\xe2\x80\x8b@x.example", "bad_address"},
        {"\xff@x.example", "bad_address"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.value);
        CHECK(read(r.value) == r.why);
    }
}

TEST_CASE("the number of addresses is limited")
{
    CHECK(read("a@b.example, c@d.example", 2) == "a@b.example c@d.example");
    CHECK(read("a@b.example, c@d.example", 1) == "too_many");
    CHECK(read(std::string(200000, '(')) == "syntax");
    CHECK(read(std::string(200000, ',')) == "empty");
}
