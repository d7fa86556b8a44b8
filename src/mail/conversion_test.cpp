// What is converted for servers that take 7-bit lines, or no binary: table of messages, and every way
// of cutting them into pieces.
#include "mail/conversion.hpp"

#include <doctest/doctest.h>

#include "base/base64.hpp"

using namespace postern;
using namespace postern::mail;
using namespace std::string_literals;

namespace {

struct converted {
    std::string problem, text;
    conversion_plan plan;
};

converted convert(std::string const& message, content_need need = content_need::seven_bit, std::size_t piece = 1000)
{
    converted c;
    content_survey survey;
    for (std::size_t at = 0; at < message.size(); at += piece) survey.add(std::string_view{message}.substr(at, piece));
    survey.finish();
    c.plan = survey.plan(need);
    c.problem = c.plan.problem;
    if (!c.problem.empty()) return c;
    content_converter converter{c.plan};
    for (std::size_t at = 0; at < message.size(); at += piece)
        converter.add(std::string_view{message}.substr(at, piece), c.text);
    converter.finish(c.text);
    return c;
}

struct row {
    std::string name;
    std::string before, after;
    content_need need = content_need::seven_bit;
};

std::string const text_part =
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9f"
    "e an alle Freunde\r\n";
std::string const text_part_after =
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    "Gr=C3=BC=C3=9Fe an alle Freunde\r\n";
std::string const head = "Subject: x\r\nMIME-Version: 1.0\r\n";
std::string const binary = "\0\r\n\r\x01\n\xff binary"s;

std::vector<row> const rows{
    {"text",
     head + "content-transfer-encoding: 8BIT\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc"
            "n = gut \r\n.\r\nFrom here\r\n",
     head + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            "Gr=C3=BCn =3D gut=20\r\n=2E\r\n=46rom here\r\n"},
    {"a message that says nothing of itself", "Subject: x\r\n\r\nGr\xfcn und gut\r\n",
     "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
     "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FCn und gut\r\n"},
    {"what is said to be 8-bit and is not", head + "Content-Transfer-Encoding: 8bit\r\n\r\nhello\r\n",
     head + "Content-Transfer-Encoding: 7bit\r\n\r\nhello\r\n"},
    {"what is 7-bit stays",
     head + "Content-Type: multipart/mixed; boundary=b\r\n\r\nx\r\n--b\r\n\r\nhi\r\n--b--\r\nend",
     head + "Content-Type: multipart/mixed; boundary=b\r\n\r\nx\r\n--b\r\n\r\nhi\r\n--b--\r\nend"},
    {"parts, each as it needs",
     head + "Content-Type: multipart/mixed;\r\n boundary=\"b\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\npreamble\r\n" +
         text_part + "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n" + binary +
         "\r\n--b  \r\n\r\nplain\r\n--b--\r\nepilogue\r\n",
     head + "Content-Type: multipart/mixed;\r\n boundary=\"b\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\npreamble\r\n" +
         text_part_after + "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
         base64_encode(binary) + "\r\n--b  \r\n\r\nplain\r\n--b--\r\nepilogue\r\n"},
    {"binary becomes 8-bit, and 8-bit stays",
     head + "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n" + text_part +
         "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n" + binary + "\r\n--b--\r\n",
     head + "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + text_part +
         "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64_encode(binary) +
         "\r\n--b--\r\n",
     content_need::eight_bit},
    {"a message in the message",
     head +
         "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n"
         "Content-Transfer-Encoding: 8bit\r\n\r\nSubject: in\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
         text_part + "--b--\r\n\r\n--a--\r\n",
     head +
         "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n"
         "Content-Transfer-Encoding: 7bit\r\n\r\nSubject: in\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
         text_part_after + "--b--\r\n\r\n--a--\r\n"},
    {"an outer delimiter ends what inner ones did not",
     head +
         "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
         text_part + "--a\r\n\r\n\xff\xff\xff\xff\r\n--a--",
     head +
         "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
         text_part_after + "--a\r\nContent-Transfer-Encoding: base64\r\n\r\n/////w==\r\n--a--"},
};

}  // namespace

TEST_CASE("content becomes what the other side takes, however it is cut into pieces")
{
    for (auto const& r : rows) {
        CAPTURE(r.name);
        for (std::size_t const piece : {1u, 2u, 3u, 7u, 64u, 100'000u}) {
            auto const c = convert(r.before, r.need, piece);
            CHECK(c.problem.empty());
            CHECK(c.text == r.after);
        }
        // Nothing is left to do.
        CHECK(convert(r.after, r.need).text == r.after);
    }
}

TEST_CASE("lines get no longer than they may be")
{
    std::string long_line(100'000, 'x');
    for (std::size_t i = 50; i < long_line.size(); i += 50) long_line.replace(i, 2, "\xc3\xbc");
    for (char const* type : {"text/html", "application/x-anything"}) {
        auto const c = convert(head + "Content-Type: " + type + "\r\n\r\n" + long_line + "\r\n");
        CHECK(c.problem.empty());
        std::size_t longest = 0;
        for (std::size_t at = 0; at < c.text.size();) {
            auto const end = std::min(c.text.find("\r\n", at), c.text.size());
            longest = std::max(longest, end - at);
            at = end + 2;
        }
        CHECK(longest <= 76);
    }
}

TEST_CASE("what can't be converted, or would not be what was signed any more")
{
    CHECK(convert("Subject: \xc3\xbc\r\n\r\n\xc3\xbc\r\n").problem == "the header has 8-bit characters");
    CHECK(convert("Subject: \xc3\xbc\r\n\r\n\xc3\xbc\r\n", content_need::eight_bit).problem.empty());
    CHECK(convert(head + "Content-Transfer-Encoding: base64\r\n\r\n\xc3\xbc\r\n").problem ==
          "a part is not what its Content-Transfer-Encoding says");
    CHECK(convert(head + "Content-Type: message/external-body\r\n\r\n\xc3\xbc\r\n").problem ==
          "a part may not be encoded");
    CHECK(convert(head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n\xc3\xbc\r\n--b\r\n\r\nx\r\n--b--\r\n")
              .problem == "there is 8-bit text between the parts");
    std::string deep = head;
    for (int i = 0; i < 60; ++i) {
        std::string const b = "b" + std::to_string(i);
        deep += "Content-Type: multipart/mixed; boundary=" + b + "\r\n\r\n--" + b + "\r\n";
    }
    CHECK(convert(deep).problem == "parts within parts, too deep");

    std::string const is_signed =
        "Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\nContent-Type: text/plain\r\n\r\n";
    CHECK(convert(head + is_signed + "\xc3\xbc\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n")
              .plan.breaks_signature);
    CHECK_FALSE(convert(head + is_signed + "plain\r\n--s--\r\n").plan.breaks_signature);
    // Beside what is signed.
    auto const beside = convert(head + "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n" + is_signed +
                                "plain\r\n--s--\r\n\r\n--m\r\n\r\n\xc3\xbc\xc3\xbc\r\n--m--\r\n");
    CHECK(beside.problem.empty());
    CHECK_FALSE(beside.plan.breaks_signature);
    auto const keyed = convert("DKIM-Signature: v=1; bh=x=; d = b.example ; s=k\r\n" + head + "\r\n\xc3\xbc\r\n");
    CHECK(keyed.plan.signers == std::vector<std::string>{"b.example"});
}

TEST_CASE("content types, as people write them")
{
    CHECK(parse_content_type("Multipart/Mixed; x=\"a;b\"; BOUNDARY = \"q \\\" q\" (comment)").boundary == "q \" q");
    CHECK(parse_content_type("(a (b)) multipart / mixed ; boundary=abc").boundary == "abc");
    CHECK(parse_content_type("multipart/mixed; boundary=\"" + std::string(71, 'x') + '"').boundary.empty());
    CHECK(parse_content_type("nothing").type == "text");
    CHECK(parse_content_type("").subtype == "plain");
    CHECK(parse_content_type("message/rfc822").is_message());
}
