#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "setup/programs.hpp"

namespace postern::setup {
namespace {

std::string_view id_of(program const* p) { return p == nullptr ? "nobody" : p->id; }

std::string joined(std::vector<std::string> const& lines)
{
    std::string out;
    for (auto const& line : lines) out += line + '\n';
    return out;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

values example()
{
    values v;
    v.address = "anna@example.com";
    v.user = "anna@example.com";
    v.server = "smtp.example.com";
    return v;
}

TEST_CASE("a program is found by what people call it")
{
    struct row {
        std::string_view said, id;
    };
    constexpr row rows[] = {
        {"outlook2010", "outlook2010"},
        {"Outlook 2010 on Windows 7", "outlook2010"},
        {"Microsoft Outlook", "outlook2016"},
        {"Outlook Express", "outlook-express"},
        {"new Outlook", "outlook-new"},
        {"iPhone 15", "iphone"},
        {"Apple Mail on my Mac", "apple-mail"},
        {"Thunderbird 115", "thunderbird"},
        {"Thunderbird Android", "k9"},
        {"NeoMutt", "mutt"},
        {"C#", "csharp"},
        {"HP printer", "printer"},
        {"msmtp", "msmtp"},
        {"Thunderbird 2.0", "thunderbird-old"},
        {"Apple Mail on Mac OS X 10.6", "apple-mail-old"},
        {"iOS 9", "iphone-old"},
        {"gopher", "nobody"},
        {"", "nobody"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.said);
        CHECK(id_of(find(r.said)) == r.id);
    }
}

TEST_CASE("each program is found by its own names, and leads to the server, the port and the user")
{
    for (auto const& p : all()) {
        CAPTURE(p.id);
        CHECK(find(p.id) == &p);
        for (auto const name : p.names) CHECK(find(name) == &p);
        CHECK_FALSE(p.path.empty());
        CHECK((!p.implicit_tls.empty() || !p.starttls.empty()));
        auto const text = joined(instructions(p, example()));
        CHECK(has(text, "smtp.example.com"));
        CHECK(has(text, "465"));
        CHECK_FALSE(has(text, "{server}"));
        CHECK_FALSE(has(text, "{security}"));
        for (auto const& s : p.symptoms) CHECK_FALSE(s.means.empty());
    }
}

TEST_CASE("the words for security are the program's own")
{
    auto v = example();
    auto const* outlook = find("outlook2010");
    CHECK(has(joined(instructions(*outlook, v)), "type of encrypted connection: SSL\n"));
    v.port = 587;
    v.how = providers::security::starttls;
    CHECK(has(joined(instructions(*outlook, v)), "type of encrypted connection: TLS\n"));
    CHECK(has(joined(instructions(*find("thunderbird"), v)), "Connection security: STARTTLS\n"));
    // What a program can't do is said.
    CHECK(has(joined(instructions(*find("outlook express"), v)), "It has no STARTTLS: use port 465"));
    v.how = providers::security::implicit_tls;
    CHECK(has(joined(instructions(*find("golang"), v)), "It has no SSL/TLS: use port 587"));
}

TEST_CASE("a user name is written as a URL wants it")
{
    CHECK(has(joined(instructions(*find("mutt"), example())), "smtps://anna%40example.com@smtp.example.com:465/"));
}

TEST_CASE("braces of code stay, and what is no placeholder too")
{
    auto const& p = *find("nodejs");
    CHECK(fill(p, "a {server} {Server} {b: 1} {", example()) == "a smtp.example.com {Server} {b: 1} {");
}

TEST_CASE("what a program can't be told in fields is whole: lines, and the command that sends a test mail with them")
{
    auto v = example();
    auto const implicit = joined(instructions(*find("python"), v));
    CHECK(has(implicit, "smtplib.SMTP_SSL(host, port, context=context, timeout=30) as server:\n"));
    CHECK(has(implicit, "send_message(message)\n  Then send a test mail:\n    python3 send.py\n"));
    v.how = providers::security::starttls;
    CHECK(has(joined(instructions(*find("python"), v)),
              "        server.starttls(context=context)\n        server.login("));
}

TEST_CASE("the way is told in short: without the pictures of a guide, and what is pressed at the end")
{
    auto const text = joined(instructions(*find("outlook express"), example()));
    CHECK(has(
        text,
        "Tools › Accounts… › tab Mail › select your account › Properties › tab Servers › Settings… › tab Advanced\n"));
    CHECK(has(joined(instructions(*find("printer"), example())), "HP: Scan to Email"));
}

TEST_CASE("errors are found as programs and people write them")
{
    auto const first = [](std::string_view said, std::string_view program) -> std::string_view {
        auto const found = explain(said, find(program));
        return found.empty() ? "nothing" : found.front().means.front()->name;
    };
    CHECK(first("800CCC92", "outlook2010") == "auth-failed");
    CHECK(first("Error 800ccc78!", "outlook2010") == "auth-required");
    CHECK(first("Mail can\u2019t verify the identity of the server", "apple-mail") == "certificate-unknown-issuer");
    CHECK(first("COULDN\u2019T SIGN IN", "android") == "auth-failed");
    CHECK(first("The identity of \u201cx\u201d cannot be verified by Mail", "iphone") == "certificate-unknown-issuer");
    CHECK(first("Anmeldung auf dem Server x mit Benutzernamen \"y\" fehlgeschlagen", "thunderbird") == "auth-failed");
    CHECK(first("Kyocera: 1102", "printer") == "auth-failed");
    CHECK(first("1800CCC92", "outlook2010") == "nothing");
    CHECK(as_typed("\u201eA\u201c \u2013 b\u2026") == "\"a\" - b...");
    CHECK(as_typed("\xe2\x80") == "\xe2\x80");
}

TEST_CASE("an error number leads to what it can mean")
{
    auto const found = explain("Task 'anna - Sending' reported error (0x800CCC78): 'Cannot send the message.'");
    REQUIRE_FALSE(found.empty());
    CHECK(found.front().means.front()->name == "auth-required");
    CHECK(found.size() <= 20);

    auto const mine = explain("SSL_ERROR_BAD_CERT_DOMAIN", find("thunderbird"));
    REQUIRE(mine.size() == 1);
    CHECK(mine.front().means.front()->name == "certificate-other-name");

    auto const curl = explain("curl: (67) Login denied");
    REQUIRE(curl.size() == 1);
    CHECK(curl.front().whose->id == "curl");
    CHECK(curl.front().means.front()->name == "auth-failed");

    CHECK(explain("0x800CCC7").empty());
    CHECK(explain("").empty());
    CHECK(explain(std::string(1 << 20, 'x')).empty());
}

}  // namespace
}  // namespace postern::setup
