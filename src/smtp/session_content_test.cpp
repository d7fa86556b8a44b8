// DATA and BDAT: statements 60 and 70 to 72 of standards.md, part 2.2 of security.md.
#include <doctest/doctest.h>

#include "smtp/command_parser.hpp"
#include "support/dialog.hpp"

namespace {

using namespace postern;
using postern::test::dialog;

constexpr dialog data_dialogs[] = {
    {"DATA: stuffing comes off, the end of data does not belong to the message", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        C: DATA
        S: 354 ...
        C: Subject: dots
        C:
        C: ..one
        C: ...two
        C: .x
        C: y.
        C: .
        S: 250 2.0.0 Accepted as QUEUED
        -- message Subject: dots\r\n\r\n.one\r\n..two\r\nx\r\ny.\r\n
        -- committed 1
    )"},
    {"DATA out of order", "mx", R"(
        -- greeting
        -- ehlo
        C: DATA
        S: 503 5.5.1 ...
        -- rule bad-sequence
        C: MAIL FROM:<alice@example.test>
        S: 250 2.1.0 ...
        C: DATA
        S: 554 5.5.1 ...
        -- rule no-valid-recipients
        C: DATA now
        S: 501 5.5.4 ...
        -- committed 0
    )"},
    {"60: a bare LF in the message is refused at its true end, and closes the session", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        C: DATA
        S: 354 ...
        C- a\n.\r\nMAIL FROM:<evil@example.test>\r\n
        C- RCPT TO:<bob@example.org>\r\nDATA\r\nsmuggled\r\n.\r\n
        C- NOOP\r\n
        S: 550 5.5.2 ...
        -- rule bare-newline-in-message
        -- closed
        -- committed 0
    )"},
    {"2.2 NUL in a message", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        C: DATA
        S: 354 ...
        C- a\0b\r\n.\r\n
        S: 550 5.6.0 ...
        -- rule nul-in-message
        C: DATA
        S: 503 5.5.1 ...
        -- open
    )"},
    {"71, 2.2: a message that turns out too big is refused after its true end, and resets", "mx size=10", R"(
        -- greeting
        -- ehlo
        -- mail
        C: DATA
        S: 354 ...
        C: 12345678901
        C- .\n\r\n.\r\n
        C- QUIT\r\n
        S: 552 5.3.4 ...
        S: 221 2.0.0 ...
        -- committed 0
    )"},
    {"2.2 state after a refused message: everything has to be said again", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        -- next content too-many-hops
        C: DATA
        S: 354 ...
        C: .
        S: 554 5.4.6 ...
        -- command DATA
        C: RCPT TO:<bob@example.org>
        S: 503 5.5.1 ...
        C: DATA
        S: 503 5.5.1 ...
    )"},
    {"65: no 250 when the message could not be stored", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        -- next finish spool-failure
        C: DATA
        S: 354 ...
        C: .
        S: 451 4.3.0 ...
        -- rule spool-failure
        -- committed 0
        C: DATA
        S: 503 5.5.1 ...
    )"},
    {"no room: 452 instead of 354, and what follows are commands", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        -- next room disk-full
        C: DATA
        S: 452 4.3.1 ...
        -- rule disk-full
        C: NOOP
        S: 250 2.0.0 OK
        C: DATA
        S: 503 5.5.1 ...
    )"},
    {"70, 2.2: after a 5xx to DATA, lines are commands", "mx", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<alice@example.test>
        C: DATA
        C: Subject: x
        C: .
        C: NOOP
        S: 250 2.1.0 ...
        S: 554 5.5.1 ...
        S: 500 5.5.2 ...
        S: 500 5.5.2 ...
        S: 250 2.0.0 OK
    )"},
    {"two messages in one piece", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        C: DATA
        S: 354 ...
        C: one
        C: .
        C: MAIL FROM:<a@example.test>
        C: RCPT TO:<b@example.org>
        C: DATA
        S: 250 2.0.0 Accepted as QUEUED
        S: 250 2.1.0 ...
        S: 250 2.1.5 ...
        S: 354 ...
        C: two
        C: .
        S: 250 2.0.0 Accepted as QUEUED
        -- message two\r\n
        -- committed 2
    )"},
    {"binary messages need BDAT", "mx", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<a@example.test> BODY=BINARYMIME
        S: 250 2.1.0 ...
        C: RCPT TO:<b@example.org>
        S: 250 2.1.5 ...
        C: DATA
        S: 503 5.5.1 ...
        -- rule data-binary
        C- BDAT 4 LAST\r\n\0\n\r.
        S: 250 2.0.0 Accepted as QUEUED
        -- message \0\n\r.
    )"},
};

constexpr dialog chunk_dialogs[] = {
    {"72: chunks are taken as they are, without dots and lines", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        C- BDAT 8\r\na\r\n.\r\n..
        S: 250 2.0.0 8 octets taken
        C- BDAT 0\r\n
        S: 250 2.0.0 0 octets taken
        C- bdat 3 last\r\nx\r\n
        S: 250 2.0.0 Accepted as QUEUED
        -- message a\r\n.\r\n..x\r\n
        -- committed 1
    )"},
    {"72: BDAT 0 LAST ends the message", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        C- BDAT 3\r\nx\r\n
        S: 250 2.0.0 3 octets taken
        C: BDAT 0 LAST
        S: 250 2.0.0 Accepted as QUEUED
        -- message x\r\n
        C: BDAT 0 LAST
        S: 503 5.5.1 ...
        -- rule chunk-sequence
    )"},
    {"70, 72: everything in one piece", "mx", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<a@example.test>
        C: RCPT TO:<b@example.org>
        C- BDAT 5\r\nQUIT\r
        C- BDAT 1\r\n\n
        C- BDAT 0 LAST\r\nNOOP\r\n
        S: 250 2.1.0 ...
        S: 250 2.1.5 ...
        S: 250 2.0.0 5 octets taken
        S: 250 2.0.0 1 octets taken
        S: 250 2.0.0 Accepted as QUEUED
        S: 250 2.0.0 OK
        -- message QUIT\r\n
    )"},
    {"72: BDAT without a transaction is refused after its chunk", "mx", R"(
        -- greeting
        -- ehlo
        C- BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n
        S: 503 5.5.1 ...
        -- rule chunk-sequence
        S: 250 2.0.0 OK
        -- open
    )"},
    {"72: BDAT without recipients, and then DATA", "mx", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<a@example.test>
        C- BDAT 6 LAST\r\nQUIT\r\n
        C: DATA
        S: 250 2.1.0 ...
        S: 554 5.5.1 ...
        S: 503 5.5.1 ...
        -- rule bad-sequence
    )"},
    {"72: DATA after BDAT is refused and ends the transaction", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        C- BDAT 3\r\nx\r\n
        S: 250 2.0.0 3 octets taken
        C: DATA
        S: 503 5.5.1 ...
        -- rule data-mixed-with-bdat
        C- BDAT 3 LAST\r\nx\r\n
        S: 503 5.5.1 ...
        -- rule chunk-sequence
        -- committed 0
    )"},
    {"2.2 RSET, MAIL and RCPT between chunks", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        C- BDAT 3\r\nx\r\n
        S: 250 2.0.0 3 octets taken
        C: MAIL FROM:<b@example.test>
        S: 503 5.5.1 ...
        C: RCPT TO:<c@example.org>
        S: 503 5.5.1 ...
        C: NOOP
        S: 250 2.0.0 OK
        C: RSET
        S: 250 2.0.0 OK
        C: BDAT 0 LAST
        S: 503 5.5.1 ...
        -- mail
        C- BDAT 3 LAST\r\ny\r\n
        S: 250 2.0.0 Accepted as QUEUED
        -- message y\r\n
    )"},
    {"2.2 a chunk over the limit is swallowed and refused", "mx size=10", R"(
        -- greeting
        -- ehlo
        -- mail
        C- BDAT 6\r\nQUIT\r\n
        S: 250 2.0.0 6 octets taken
        C- BDAT 6\r\nQUIT\r\n
        S: 552 5.3.4 ...
        -- rule message-too-big
        C- BDAT 6 LAST\r\nQUIT\r\n
        S: 503 5.5.1 ...
        -- rule chunk-sequence
        -- committed 0
        -- open
    )"},
    {"2.2 a chunk that is beyond all limits closes the session", "mx size=10", R"(
        -- greeting
        -- ehlo
        -- mail
        C- BDAT 11 LAST\r\nQUIT\r\n
        S: 552 5.3.4 ...
        -- closed
    )"},
    {"no room for the first chunk: 452 after it", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        -- next room disk-full
        C- BDAT 6\r\nQUIT\r\n
        S: 452 4.3.1 ...
        -- rule disk-full
        C- BDAT 6 LAST\r\nQUIT\r\n
        S: 503 5.5.1 ...
    )"},
    {"a refused chunk ends the transaction", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        -- next content spool-failure
        C- BDAT 3\r\nx\r\n
        S: 451 4.3.0 ...
        -- command BDAT
        C- BDAT 3 LAST\r\nx\r\n
        S: 503 5.5.1 ...
        C: RCPT TO:<b@example.org>
        S: 503 5.5.1 ...
    )"},
    {"a bare newline in a chunk closes the session", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        -- next content bare-newline-in-message
        C- BDAT 3 LAST\r\nx\n\n
        S: 550 5.5.2 ...
        -- closed
    )"},
    {"what follows the size must be LAST", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        C- BDAT 6 FIRST\r\nQUIT\r\n
        S: 501 5.5.4 ...
        -- rule syntax-error
        C: BDAT
        S: 501 5.5.4 ...
        C: DATA
        S: 503 5.5.1 ...
        -- open
    )"},
    {"chunks of an octet", "mx", R"(
        -- greeting
        -- ehlo
        -- mail
        C- BDAT 1\r\naBDAT 1\r\nbBDAT 1\r\nc
        S: 250 2.0.0 1 octets taken
        S: 250 2.0.0 1 octets taken
        S: 250 2.0.0 1 octets taken
        C- BDAT 2 LAST\r\n\r\n
        S: 250 2.0.0 Accepted as QUEUED
        -- message abc\r\n
    )"},
};

POSTERN_PLAY("dialogs: DATA", data_dialogs)
POSTERN_PLAY("dialogs: BDAT", chunk_dialogs)

TEST_CASE("72, 2.2 integer wrap: sizes of chunks that are none close the session")
{
    for (char const* const size :
         {"-1", "+5", "0x10", "5.", "1e3", "\xd9\xa3", "4294967296x", "18446744073709551616", "18446744073709551621",
          "99999999999999999999", "100000000000000000000", "000000000000000000005"}) {
        auto const script = std::string("-- greeting\n-- ehlo\n-- mail\nC: BDAT ") + size +
                            " LAST\nC: QUIT\nS: 501 5.5.4 ...\n-- rule bad-chunk-size\n-- closed\n-- committed 0\n";
        test::play({size, "mx", script.c_str()});
    }
    for (char const* const size : {"4294967296", "2147483648", "9223372036854775808", "18446744073709551615"}) {
        auto const script = std::string("-- greeting\n-- ehlo\n-- mail\nC: BDAT ") + size +
                            " LAST\nC: QUIT\nS: 552 5.3.4 ...\n-- rule message-too-big\n-- closed\n-- committed 0\n";
        test::play({size, "mx", script.c_str()});
    }
    test::play({"twenty digits are fine", "mx",
                "-- greeting\n-- ehlo\n-- mail\nC- BDAT 00000000000000000005 LAST\\r\\nQUIT\n"
                "C- !NOOP\\r\\n\nS: 250 2.0.0 Accepted as QUEUED\nS: 250 2.0.0 OK\n-- message QUIT!\n"});
}

TEST_CASE("2.2 smuggling: whatever looks like the end of data, no second message begins")
{
    // Line ends around a dot, all of CRLF.CRLF's neighbours.
    constexpr char const* sequences[] = {
        "\\n.\\n",          "\\n.\\r",        "\\n.\\r\\n",          "\\r.\\n",           "\\r.\\r",
        "\\r.\\r\\n",       "\\r\\n.\\n",     "\\r\\n.\\r",          "\\r\\n\\0.\\r\\n",  "\\r\\n.\\0\\r\\n",
        "\\r\\n.\\r\\0\\n", "\\n\\n.\\r\\n",  "\\r\\r\\n.\\r\\r\\n", "\\n\\r.\\r\\n",     "\\r\\n..\\r\\n",
        "\\r\\n. \\r\\n",   "\\r\\n .\\r\\n", "\\n\\r\\n.\\n",       "\\r\\n\\x8d.\\r\\n"};
    static_assert(std::size(sequences) == 19);
    for (auto const* const sequence : sequences) {
        for (char const* const setup : {"mx", "submission tls"}) {
            auto const script =
                std::string("-- greeting\n-- ehlo\n-- mail\nC: DATA\nS: 354 ...\nC- Subject: x\\r\\n\\r\\na") +
                sequence +
                "MAIL FROM:<evil@example.test>\\r\\nRCPT TO:<bob@example.org>\\r\\nDATA\\r\\nFrom: x\\r\\n\n";
            test::world open{setup, {}};
            // Not one octet of an answer, and no message.
            (void)open.play((script + "-- committed 0\n").c_str());
            // The true end gets exactly one reply.
            test::world closed{setup, {}};
            (void)closed.play((script + "-- committed 0\n").c_str());
            auto const before = closed.all_output().size();
            closed.send("\r\n.\r\n");
            auto const reply = closed.all_output().substr(before);
            CHECK(reply.find("\r\n") == reply.size() - 2);
        }
    }
}

TEST_CASE("2.2 two thousand chunks of an octet, in one piece")
{
    std::string script = "-- greeting\n-- ehlo\n-- mail\nC- ";
    std::string replies;
    std::string message;
    for (int i = 0; i < 2000; ++i) {
        message += static_cast<char>('a' + i % 26);
        script += std::string("BDAT 1\\r\\n") + message.back();
        replies += "S: 250 2.0.0 1 octets taken\n";
    }
    script += "BDAT 0 LAST\\r\\n\n" + replies + "S: 250 2.0.0 Accepted as QUEUED\n-- message " + message + "\n";
    test::world w{"mx", {}};
    (void)w.play(script.c_str());
}

TEST_CASE("2.2 integer wrap: the sizes of chunks")
{
    smtp::chunk c;
    CHECK(smtp::parse_chunk("0", c) == smtp::chunk_error::none);
    CHECK(c.size == 0);
    CHECK_FALSE(c.last);
    CHECK(smtp::parse_chunk("18446744073709551615 LaSt", c) == smtp::chunk_error::none);
    CHECK(c.size == 18446744073709551615U);
    CHECK(c.last);
    CHECK(smtp::parse_chunk("7  LAST", c) == smtp::chunk_error::none);
    CHECK(smtp::parse_chunk("18446744073709551616", c) == smtp::chunk_error::bad_size);
    CHECK(smtp::parse_chunk("LAST", c) == smtp::chunk_error::bad_size);
    CHECK(smtp::parse_chunk("", c) == smtp::chunk_error::no_size);
    CHECK(smtp::parse_chunk("7 LASTLY", c) == smtp::chunk_error::bad_end);
    CHECK(c.size == 7);
}

}  // namespace
