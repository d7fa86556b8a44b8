#include "sendmail/message.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::sendmail;

namespace {

std::string gathered(std::string_view text, bool dot_ends = false)
{
    // However it is cut.
    std::string whole;
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        line_gatherer g{dot_ends, 1000};
        g.add(text.substr(0, cut));
        g.add(text.substr(cut));
        g.finish();
        auto const out = g.take();
        if (cut == 0) whole = out;
        CHECK(out == whole);
    }
    return whole;
}

request usual()
{
    request r;
    r.origin = "mail.example.com";
    r.from = "anna@example.com";
    return r;
}

prepared good(std::string const& text, request const& r)
{
    auto p = prepare(text, r);
    REQUIRE_MESSAGE(p.has_value(), p.error().logged);
    return *p;
}

std::string joined(std::vector<mail::mailbox> const& all)
{
    std::string out;
    for (auto const& one : all) out += (out.empty() ? "" : " ") + one.to_string();
    return out;
}

}  // namespace

TEST_CASE("lines of any system become those of mail")
{
    CHECK(gathered("a\nb\n") == "a\r\nb\r\n");
    CHECK(gathered("a\r\nb\r\n") == "a\r\nb\r\n");
    CHECK(gathered("a\rb") == "a\r\nb\r\n");
    CHECK(gathered("a\r\n\r\nb") == "a\r\n\r\nb\r\n");
    CHECK(gathered("a\n\nb") == "a\r\n\r\nb\r\n");
    CHECK(gathered("") == "");
    CHECK(gathered("\n") == "\r\n");
    CHECK(gathered("From anna Thu Nov 26 2026\nSubject: x\n") == "Subject: x\r\n");
    CHECK(gathered("Subject: x\n\nFrom here\n") == "Subject: x\r\n\r\nFrom here\r\n");
}

TEST_CASE("a dot alone ends what people type")
{
    CHECK(gathered("a\n.\nb\n", true) == "a\r\n");
    CHECK(gathered("a\n..\n.b\n", true) == "a\r\n..\r\n.b\r\n");
    CHECK(gathered("a\n.\nb\n", false) == "a\r\n.\r\nb\r\n");
    CHECK(gathered("a\n.", true) == "a\r\n");
}

TEST_CASE("what is too long is noticed, and gathered no further")
{
    line_gatherer g{false, 10};
    g.add("0123456789");
    CHECK_FALSE(g.too_long());
    g.add("0123456789");
    CHECK(g.too_long());
    CHECK(g.take().size() == 11);
}

TEST_CASE("names without a domain get one")
{
    struct row {
        char const* value;
        char const* expected;
    };
    for (auto const& [value, expected] : {
             row{" root", " root@o.example"},
             row{" root (Cron Daemon)", " root@o.example (Cron Daemon)"},
             row{" \"Cron Daemon\" <root>", " \"Cron Daemon\" <root@o.example>"},
             row{" Cron Daemon <root>", " Cron Daemon <root@o.example>"},
             row{" a@b.example", " a@b.example"},
             row{" a@b.example, root", " a@b.example, root@o.example"},
             row{" root, anna,\r\n\tbert@x.example", " root@o.example, anna@o.example,\r\n\tbert@x.example"},
             row{" <a@b.example>", " <a@b.example>"},
             row{" <>", " <>"},
             row{" \"root\"", " \"root\"@o.example"},
             row{" team: anna, bert@x.example;", " team: anna@o.example, bert@x.example;"},
             row{" undisclosed-recipients:;", " undisclosed-recipients:;"},
             row{" two words", " two words"},
             row{" (only a comment)", " (only a comment)"},
             row{" \"open", " \"open"},
             row{" <open", " <open"},
             row{" a>b", " a>b"},
             row{"", ""},
         })
        CHECK(qualify(value, "o.example") == expected);
}

TEST_CASE("the header says who it is for")
{
    auto r = usual();
    r.to_header = true;
    auto const p = good(
        "To: bert@example.net, root\r\nCc: Cleo <cleo@example.org>\r\nBcc: dan@example.org\r\n"
        "Subject: x\r\n\r\nbody\r\n",
        r);
    CHECK(joined(p.recipients) == "bert@example.net root@mail.example.com cleo@example.org dan@example.org");
    CHECK(p.content ==
          "From: anna@example.com\r\nTo: bert@example.net, root@mail.example.com\r\nCc: Cleo <cleo@example.org>\r\n"
          "Bcc: dan@example.org\r\nSubject: x\r\n\r\nbody\r\n");
    CHECK_FALSE(p.eight_bit);

    // A message that is sent on goes to whom it is sent on to.
    auto const on = good("To: bert@example.net\r\nResent-To: cleo@example.org\r\n\r\n", r);
    CHECK(joined(on.recipients) == "cleo@example.org");
    // Each once, and without -t none.
    CHECK(joined(good("To: a@b.example\r\nCc: a@b.example\r\n\r\n", r).recipients) == "a@b.example");
    CHECK(good("To: a@b.example\r\n\r\n", usual()).recipients.empty());
    // Nobody is told by an empty field.
    CHECK(joined(good("To: a@b.example\r\nCc: \r\n\r\n", r).recipients) == "a@b.example");
    CHECK_FALSE(prepare("To: a@b.example <\r\n\r\n", r));
}

TEST_CASE("for servers that pass a message on as it is, it is completed and its blind copies are taken out")
{
    auto r = usual();
    r.complete = request::completion{from_microseconds(1'795'000'000'000'000), "Q1", false};
    std::string const head = "To: b@b.example\r\nBcc: c@c.example\r\nResent-Bcc: d@d.example\r\n";
    auto const p = good(head + "\r\nhello\r\n", r);
    CHECK(p.content.starts_with("Date: "));
    CHECK(p.content.find("Message-ID: <Q1@mail.example.com>\r\n") != std::string::npos);
    CHECK(p.content.find("Bcc") == std::string::npos);
    CHECK(p.own_message_id);
    // What is there stays, but for a Message-ID that is wanted anew.
    auto const whole = "Date: now\r\nmessage-id: <x@y>\r\n" + head + "\r\n";
    auto const kept = good(whole, r);
    CHECK(kept.content.find("Date: now\r\nmessage-id: <x@y>") != std::string::npos);
    CHECK_FALSE(kept.own_message_id);
    r.complete->new_message_id = true;
    CHECK(good(whole, r).content.find("<x@y>") == std::string::npos);
    // Our own server has its own ways.
    CHECK(good(whole, usual()).content.find("Bcc: c@c.example") != std::string::npos);
}

TEST_CASE("a From field, when there is none")
{
    auto r = usual();
    r.full_name = "Anna Example";
    CHECK(good("Subject: x\r\n\r\n", r).content == "From: Anna Example <anna@example.com>\r\nSubject: x\r\n\r\n");
    r.full_name = "Anna \"A.\" Example";
    CHECK(good("\r\n", r).content == "From: \"Anna \\\"A.\\\" Example\" <anna@example.com>\r\n\r\n");
    CHECK(good("From: root\r\n\r\n", r).content == "From: root@mail.example.com\r\n\r\n");
    // The first line is no field: all of it is body.
    CHECK(good("hello\r\n", usual()).content == "From: anna@example.com\r\n\r\nhello\r\n");
    auto const utf8 = good("Subject: \xc3\xa4\r\n\r\n", usual());
    CHECK(utf8.utf8_header);
    CHECK(utf8.eight_bit);
}

TEST_CASE("addresses of the command line")
{
    CHECK(parse_address("root", "o.example")->to_string() == "root@o.example");
    CHECK(parse_address("<a@b.example>", "o.example")->to_string() == "a@b.example");
    CHECK_FALSE(parse_address("a@", "o.example"));
    CHECK(parse_address("root", "localhost").error().logged.find("sendmail.domain") != std::string::npos);
    CHECK(parse_address("two words", "o.example").error().logged == "two words is not a mail address");
    CHECK_FALSE(parse_address("two words", "o.example"));
}
