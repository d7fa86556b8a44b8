#include "submission/notices.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::submission;

TEST_CASE("A notice is a mail that nothing answers")
{
    notice n{{"ann", "example.com"}, {}, "Nearly full", "One.\n.Two.\n"};
    auto const [m, text] = write_notice(n, "mail.example.com", wall_time{});
    CHECK(m.env.reverse_path.null);
    REQUIRE(m.env.recipients.size() == 1);
    CHECK(m.env.recipients[0].forward_path == n.to);
    CHECK(m.env.recipients[0].notify.never);
    CHECK(m.size == text.size());
    CHECK(m.lines_begin_with_dot);
    CHECK(m.env.body == mail::body_type::seven_bit);
    CHECK(text.starts_with(
        "From: Postern <postmaster@example.com>\r\nTo: <ann@example.com>\r\nSubject: Nearly full\r\n"));
    CHECK(text.find("\r\nAuto-Submitted: auto-generated\r\n") != std::string::npos);
    CHECK(text.find("Message-ID: <" + m.queue_id + "@mail.example.com>\r\n") != std::string::npos);
    CHECK(text.ends_with("\r\n\r\nOne.\r\n.Two.\r\n"));

    n.domain = "example.org";
    CHECK(
        write_notice(n, "mail.example.com", wall_time{}).second.starts_with("From: Postern <postmaster@example.org>"));

    n.text = "Für dich\n";
    CHECK(write_notice(n, "mail.example.com", wall_time{}).first.env.body == mail::body_type::eight_bit_mime);
    n.to.local_part = "ännchen";
    CHECK(write_notice(n, "mail.example.com", wall_time{}).first.env.smtputf8);
}
