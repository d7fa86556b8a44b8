#include "mail/mime_message.hpp"

#include <doctest/doctest.h>

#include "mail/encoded_words.hpp"

using namespace postern;
using namespace postern::mail;

namespace {

new_message sample()
{
    new_message m;
    m.from = *parse_named_mailbox("Zo\xc3\xab <zoe@a.example>");
    m.to = {*parse_named_mailbox("ben@b.example")};
    m.subject = "Hello";
    m.text = "one\ntwo";
    m.now = from_microseconds(1'795'000'000'000'000);
    m.unique_id = "Q0123456789AB";
    return m;
}

// No line is longer than that, and all end in CRLF.
bool lines_fit(std::string_view all, std::size_t most)
{
    while (!all.empty()) {
        auto const end = all.find("\r\n");
        if (end == std::string_view::npos || end > most) return false;
        if (all.substr(0, end).find_first_of("\r\n") != std::string_view::npos) return false;
        all.remove_prefix(end + 2);
    }
    return true;
}

}  // namespace

TEST_CASE("a message has what every message has, once")
{
    auto const made = write_message(sample());
    REQUIRE(made);
    CHECK(*made ==
          "Date: Wed, 18 Nov 2026 11:06:40 +0000\r\n"
          "From: =?UTF-8?B?Wm/Dqw==?= <zoe@a.example>\r\n"
          "To: ben@b.example\r\n"
          "Subject: Hello\r\n"
          "Message-ID: <Q0123456789AB@a.example>\r\n"
          "MIME-Version: 1.0\r\n"
          "Content-Type: text/plain; charset=us-ascii\r\n"
          "Content-Transfer-Encoding: 7bit\r\n"
          "\r\n"
          "one\r\ntwo\r\n");
}

TEST_CASE("a field of the caller's takes the place of ours")
{
    auto m = sample();
    m.fields = {{"Message-ID", "<mine@a.example>"}, {"X-Note", "\xc3\xa4"}};
    auto const made = write_message(m);
    REQUIRE(made);
    CHECK(made->find("Q0123456789AB") == std::string::npos);
    CHECK(made->find("Message-ID: <mine@a.example>\r\n") != std::string::npos);
    CHECK(made->find("X-Note: =?UTF-8?B?w6Q=?=\r\n") != std::string::npos);
}

TEST_CASE("text of any kind becomes ASCII with short lines")
{
    for (auto const& text : {std::string{"gr\xc3\xbc\xc3\x9f dich \n.\nFrom here\n"}, std::string(3000, 'x'),
                             std::string{"tab\tand bell\a\r\rend "}, std::string{}}) {
        auto m = sample();
        m.text = text;
        m.attachments = {{"a.bin", "", std::string("\0\xff\r\n.", 5)}};
        auto const made = write_message(m);
        REQUIRE(made);
        CHECK(lines_fit(*made, 78));
        for (char const c : *made) CHECK(static_cast<unsigned char>(c) < 0x80);
    }
}

TEST_CASE("what is no message is told")
{
    struct row {
        char const* rule;
        void (*spoil)(new_message&);
    };
    row const rows[] = {
        {"a field with a line break",
         [](new_message& m) {
             m.fields = {{"X", "a\r\nBcc: b"}};
         }},
        {"a field without a name",
         [](new_message& m) {
             m.fields = {{"", "a"}};
         }},
        {"a name with a blank",
         [](new_message& m) {
             m.fields = {{"a b", "a"}};
         }},
        {"a subject of two lines", [](new_message& m) { m.subject = "a\nb"; }},
        {"text in no known charset", [](new_message& m) { m.text = "\xe4\xf6"; }},
        {"a charset that brings a field", [](new_message& m) { m.charset = "utf-8\r\nX-Injected: yes"; }},
        {"a charset that is no word", [](new_message& m) { m.charset = "utf 8"; }},
        {"a file whose name has a line break",
         [](new_message& m) {
             m.attachments = {{"a\nb", "", ""}};
         }},
        {"a type that is none",
         [](new_message& m) {
             m.attachments = {{"a", "text\r\nX: y", ""}};
         }},
    };
    for (auto const& r : rows) {
        CAPTURE(r.rule);
        auto m = sample();
        r.spoil(m);
        CHECK_FALSE(write_message(m));
    }
}

TEST_CASE("addresses with names are read as people write them")
{
    struct row {
        char const* text;
        char const* name;
        char const* address;
    };
    for (auto const& r :
         {row{"anna@a.example", "", "anna@a.example"}, row{" Anna <anna@a.example> ", "Anna", "anna@a.example"},
          row{"\"A, \\\"B\\\"\" <a@a.example>", "A, \"B\"", "a@a.example"}, row{"<a@a.example>", "", "a@a.example"}}) {
        auto const made = parse_named_mailbox(r.text);
        REQUIRE(made);
        CHECK(made->name == r.name);
        CHECK(made->address.to_string() == r.address);
    }
    for (char const* text : {"", "anna", "a@", "a@b.example>", "Anna <anna>", "A\n <a@a.example>"})
        CHECK_FALSE(parse_named_mailbox(text));
}

TEST_CASE("names of files are parameters of one line, or of several")
{
    CHECK(encode_parameter("filename", "a b.txt") == "; filename=\"a b.txt\"");
    CHECK(encode_parameter("filename", "say \"hi\".txt") == "; filename=\"say \\\"hi\\\".txt\"");
    CHECK(encode_parameter("filename", "\xc3\xa4.txt") == "; filename*=UTF-8''%C3%A4.txt");
    auto const many = encode_parameter("filename", std::string(100, 'a'));
    CHECK(many.find("filename*0*=UTF-8''a") != std::string::npos);
    CHECK(many.find("filename*1*=a") != std::string::npos);
}

TEST_CASE("phrases are words, quoted or encoded")
{
    CHECK(encode_phrase("Anna Bell", false) == "Anna Bell");
    CHECK(encode_phrase("Bell, Anna", false) == "\"Bell, Anna\"");
    CHECK(encode_phrase("Zo\xc3\xab", false) == "=?UTF-8?B?Wm/Dqw==?=");
    CHECK(encode_phrase("Zo\xc3\xab", true) == "Zo\xc3\xab");
    CHECK(encode_phrase("=?UTF-8?Q?trap?=", false).find("trap") == std::string::npos);
}
