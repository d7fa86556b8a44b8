#include "mail/submission_edit.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::mail;

namespace {

// Sun, 22 Nov 2026 07:04:11 +0000
edit_options const options{"mail.example.com", from_microseconds(1795331051'000000), "QABC", {}};

constexpr std::string_view date = "Date: Sun, 22 Nov 2026 07:04:11 +0000\r\n";
constexpr std::string_view message_id = "Message-ID: <QABC@mail.example.com>\r\n";

submission_edit edit(std::string_view section) { return edit_for_submission(section, *parse_fields(section), options); }

}  // namespace

TEST_CASE("a complete header section goes on as it is, without a copy")
{
    std::string_view const section =
        "date : whenever\r\nX-Odd :\tx\r\n  y\r\nMESSAGE-ID: <a@b>\r\nFrom: a@b.example\r\nX-Bcc: z\r\n";
    auto const e = edit(section);
    CHECK(e.added.empty());
    CHECK_FALSE(e.cleaned);
    CHECK(e.section(section).data() == section.data());
    CHECK(e.section(section) == section);
}

TEST_CASE("Date and Message-ID are added when they are missing")
{
    auto e = edit("From: a@b.example\r\n");
    CHECK(e.added == std::string(date) + std::string(message_id));
    CHECK(e.date_added);
    CHECK(e.message_id_added);
    CHECK_FALSE(e.cleaned);
    e = edit("From: a@b.example\r\nDate: x\r\n");
    CHECK(e.added == message_id);
    e = edit("From: a@b.example\r\nMessage-Id: x\r\n");
    CHECK(e.added == date);
    CHECK(edit("").added == std::string(date) + std::string(message_id));
    // Of a message that is sent again these are other fields.
    CHECK(edit("Resent-Date: x\r\nResent-Message-ID: y\r\n").added == std::string(date) + std::string(message_id));
}

TEST_CASE("From is added when it is missing and there is an address for it")
{
    auto with = options;
    with.from = "a@b.example";
    auto const with_from = [&](std::string_view section) {
        return edit_for_submission(section, *parse_fields(section), with);
    };
    auto e = with_from("Subject: x\r\n");
    CHECK(e.added == "From: <a@b.example>\r\n" + std::string(date) + std::string(message_id));
    CHECK(e.from_added);
    // The one who pressed the button is not the author.
    CHECK(with_from("Sender: c@b.example\r\nResent-From: d@b.example\r\n").from_added);
    e = with_from("fROM : c@b.example\r\n");
    CHECK_FALSE(e.from_added);
    CHECK(e.added == std::string(date) + std::string(message_id));
    CHECK_FALSE(edit("Subject: x\r\n").from_added);
}

TEST_CASE("Bcc goes, in every spelling and with its folds, and all else keeps its octets and its order")
{
    auto const e = edit(
        "Date: x\r\nBCC: a@b.example,\r\n c@d.example\r\nTo:  e@f.example\r\n  \r\nbcc : \r\nMessage-ID: <1@2>\r\n"
        "resent-bcc: g@h.example\r\nSubject: Bcc: x\r\n");
    REQUIRE(e.cleaned);
    CHECK(*e.cleaned == "Date: x\r\nTo:  e@f.example\r\n  \r\nMessage-ID: <1@2>\r\nSubject: Bcc: x\r\n");
    CHECK(e.bcc_removed == 3);
    CHECK(e.added.empty());
}

TEST_CASE("nothing is added that a DKIM signature counts as missing, and Bcc goes all the same")
{
    std::string_view const section =
        "DKIM-Signature: v=1; a=rsa-sha256;\r\n\th=From : To:\r\n\t date:Message-Id; b=h=Bcc\r\nFrom: "
        "a@b.example\r\nBcc: x@y.example\r\n";
    auto e = edit(section);
    // Signed as missing: adding them would break the signature.
    CHECK(e.added.empty());
    CHECK(e.bcc_removed == 1);

    // Blind recipients stay blind, whatever was signed.
    e = edit("DKIM-Signature: h=from:bcc; b=x\r\nDate: x\r\nMessage-ID: <1@2>\r\nBcc: x@y.example\r\n");
    REQUIRE(e.cleaned);
    CHECK(*e.cleaned == "DKIM-Signature: h=from:bcc; b=x\r\nDate: x\r\nMessage-ID: <1@2>\r\n");

    CHECK(edit("DKIM-Signature: h=from:subject; b=x\r\nMessage-ID: <1@2>\r\n").added == date);
}
