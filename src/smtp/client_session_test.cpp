#include "smtp/client_session.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace postern;
using namespace postern::smtp;

namespace {

mail::mailbox box(std::string_view text)
{
    std::size_t const at = text.rfind('@');
    return {std::string{text.substr(0, at)}, std::string{text.substr(at + 1)}};
}

// A message of a dialog: recipients are to0@b.example, to1@b.example ...
struct letter {
    mail::envelope env;
    std::vector<mail::recipient> recipients;
    std::vector<mail::recipient const*> pointers;
    std::uint64_t size = 9;
    bool utf8 = false;

    explicit letter(std::size_t count = 1)
    {
        env.reverse_path.address = box("from@a.example");
        for (std::size_t i = 0; i < count; ++i) {
            recipients.push_back({box("to" + std::to_string(i) + "@b.example"), {}, {}});
        }
    }
    outgoing view()
    {
        pointers.clear();
        for (auto const& r : recipients) pointers.push_back(&r);
        return {&env, pointers, size, utf8};
    }
};

// Plays a dialog. Lines:
//   S: text      the server says
//   C: text      the client must have written exactly this, in order
//   C+           what the client wrote last must be one write with what comes next
//   -- begin N   starts message N, -- content: it must be asked for, and is sent
//   -- tls, -- verified, -- lost, -- quit
//   -- ready, -- hang up: what next() must say
//   -- N: fate fate ...   message N must be through with these fates
struct player {
    client_session session;
    std::vector<letter> letters;
    std::string written;
    std::map<std::uint64_t, finished> through;
    std::size_t piece;  // octets given at a time

    player(client_settings s, std::vector<letter> l, std::size_t piece_size)
        : session(std::move(s)), letters(std::move(l)), piece(piece_size)
    {
    }

    void collect()
    {
        written += session.output();
        session.output().clear();
        while (auto f = session.take_finished()) {
            CHECK_FALSE(through.contains(f->id));
            through[f->id] = std::move(*f);
        }
    }

    void say(std::string_view text)
    {
        std::string const line = std::string{text} + "\r\n";
        for (std::size_t i = 0; i < line.size(); i += piece) {
            session.on_input(std::string_view{line}.substr(i, piece));
            collect();
        }
    }

    static char const* name(fate f)
    {
        switch (f) {
            case fate::pending: return "pending";
            case fate::accepted: return "accepted";
            case fate::refused: return "refused";
            case fate::deferred: return "deferred";
            case fate::unanswered: return "unanswered";
        }
        return "?";
    }

    void direct(std::string_view what)
    {
        if (what.starts_with("begin ")) {
            auto const n = static_cast<std::uint64_t>(what[6] - '0');
            REQUIRE(session.can_begin());
            session.begin(n, letters[n].view());
            collect();
        } else if (what == "content") {
            REQUIRE(std::holds_alternative<send_content>(session.next()));
            CHECK(written.empty());
            session.on_content_sent();
            collect();
        } else if (what == "tls" || what == "verified") {
            REQUIRE(std::holds_alternative<start_tls_now>(session.next()));
            session.on_tls(what == "verified");
            collect();
        } else if (what == "lost") {
            session.on_lost("connection closed");
            collect();
        } else if (what == "quit") {
            session.quit();
            collect();
        } else if (what == "ready") {
            CHECK(std::holds_alternative<ready>(session.next()));
        } else if (what == "hang up") {
            CHECK(std::holds_alternative<hang_up_now>(session.next()));
        } else {
            auto const n = static_cast<std::uint64_t>(what[0] - '0');
            REQUIRE(through.contains(n));
            std::string fates;
            for (auto const& r : through[n].recipients) fates += std::string{fates.empty() ? "" : " "} + name(r.what);
            CHECK(fates == what.substr(3));
        }
    }

    void play(std::string_view script)
    {
        while (!script.empty()) {
            std::size_t const end = std::min(script.find('\n'), script.size());
            std::string_view line = script.substr(0, end);
            script.remove_prefix(std::min(end + 1, script.size()));
            line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
            if (line.empty()) continue;
            CAPTURE(line);
            if (line.starts_with("S: ")) {
                CHECK(written.empty());
                say(line.substr(3));
            } else if (line.starts_with("C: ")) {
                std::string const expected = std::string{line.substr(3)} + "\r\n";
                CHECK(written.substr(0, expected.size()) == expected);
                written.erase(0, expected.size());
            } else if (line.starts_with("-- ")) {
                direct(line.substr(3));
            } else {
                FAIL("what is this line?");
            }
        }
        CHECK(written.empty());
    }
};

struct dialog {
    char const* name;
    std::vector<std::size_t> messages;  // recipients of each
    char const* script;
    client_settings settings{"us.example", dialect::smtp, tls_wish::if_offered};
};

constexpr dialect lmtp = dialect::lmtp;

std::vector<dialog> const dialogs = {
    {"one message, nothing announced", {2}, R"(
        S: 220 mx.example ESMTP
        C: EHLO us.example
        S: 250 mx.example
        -- ready
        -- begin 0
        C: MAIL FROM:<from@a.example>
        S: 250 ok
        C: RCPT TO:<to0@b.example>
        S: 250 ok
        C: RCPT TO:<to1@b.example>
        S: 250 ok
        C: DATA
        S: 354 go
        -- content
        S: 250 2.0.0 queued as 1
        -- 0: accepted accepted
        -- ready
        -- quit
        C: QUIT
        S: 221 bye
        -- hang up
    )"},
    {"pipelined, the next message behind the content of the first", {1, 1}, R"(
        S: 220 mx.example ESMTP
        C: EHLO us.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250 SIZE 1000
        -- begin 0
        C: MAIL FROM:<from@a.example> SIZE=9
        C: RCPT TO:<to0@b.example>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go
        -- content
        -- begin 1
        C: MAIL FROM:<from@a.example> SIZE=9
        C: RCPT TO:<to0@b.example>
        C: DATA
        S: 452 4.3.1 disk full
        -- 0: deferred
        S: 250 ok
        S: 250 ok
        S: 354 go
        -- content
        S: 250 2.0.0 queued
        -- 1: accepted
        -- ready
    )"},
    {"each recipient has its own fate", {4}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250-mx.example
        S: 250 PIPELINING
        -- begin 0
        C: MAIL FROM:<from@a.example>
        C: RCPT TO:<to0@b.example>
        C: RCPT TO:<to1@b.example>
        C: RCPT TO:<to2@b.example>
        C: RCPT TO:<to3@b.example>
        C: DATA
        S: 250 ok
        S: 550 5.1.1 no such user
        S: 250 ok
        S: 452 4.5.3 too many
        S: 251 will forward
        S: 354 go
        -- content
        S: 250 ok
        -- 0: refused accepted deferred accepted
    )"},
    {"no recipient taken, DATA refused: RSET before the next", {1, 1}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250-mx.example
        S: 250 PIPELINING
        -- begin 0
        C: MAIL FROM:<from@a.example>
        C: RCPT TO:<to0@b.example>
        C: DATA
        S: 250 ok
        S: 550 5.1.1 no such user
        S: 554 no valid recipients
        -- 0: refused
        -- ready
        -- begin 1
        C: RSET
        C: MAIL FROM:<from@a.example>
        C: RCPT TO:<to0@b.example>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 354 go
        -- content
        S: 250 ok
        -- 1: accepted
    )"},
    {"no recipient taken, DATA taken: a lone dot, whatever the answer", {1}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250-mx.example
        S: 250 PIPELINING
        -- begin 0
        C: MAIL FROM:<from@a.example>
        C: RCPT TO:<to0@b.example>
        C: DATA
        S: 250 ok
        S: 450 4.2.0 greylisted
        S: 354 go
        C: .
        S: 250 an empty message for nobody
        -- 0: deferred
        -- ready
    )"},
    {"MAIL refused, pipelined", {2}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250-mx.example
        S: 250 PIPELINING
        -- begin 0
        C: MAIL FROM:<from@a.example>
        C: RCPT TO:<to0@b.example>
        C: RCPT TO:<to1@b.example>
        C: DATA
        S: 550 5.7.1 not you
        S: 503 no MAIL
        S: 250 what?
        S: 503 no MAIL
        -- 0: refused refused
        -- ready
    )"},
    {"MAIL refused, not pipelined: nothing more is said", {1, 1}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250 mx.example
        -- begin 0
        C: MAIL FROM:<from@a.example>
        S: 451 4.7.1 later
        -- 0: deferred
        -- ready
        -- begin 1
        C: MAIL FROM:<from@a.example>
        S: 250 ok
        C: RCPT TO:<to0@b.example>
        S: 550 no
        -- 1: refused
        -- ready
    )"},
    {"DATA refused after good recipients", {1}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250 mx.example
        -- begin 0
        C: MAIL FROM:<from@a.example>
        S: 250 ok
        C: RCPT TO:<to0@b.example>
        S: 250 ok
        C: DATA
        S: 554 5.7.1 policy
        -- 0: refused
        -- ready
    )"},
    {"EHLO unknown: HELO", {1}, R"(
        S: 220 old.example
        C: EHLO us.example
        S: 502 what?
        C: HELO us.example
        S: 250 hello
        -- ready
    )"},
    {"EHLO deferred: no HELO", {}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 451 busy
        -- hang up
    )"},
    {"greeting refused", {}, R"(
        S: 554 no service here
        -- hang up
    )"},
    {"TLS when offered; what was announced in the clear is forgotten", {1}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go
        -- tls
        C: EHLO us.example
        S: 250 mx.example
        -- begin 0
        C: MAIL FROM:<from@a.example>
        S: 250 ok
        C: RCPT TO:<to0@b.example>
    )"},
    {"STARTTLS is not asked for twice", {}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250-mx.example
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go
        -- tls
        C: EHLO us.example
        S: 250-mx.example
        S: 250 STARTTLS
        -- ready
    )"},
    {"STARTTLS refused: goes on in the clear", {}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250-mx.example
        S: 250 STARTTLS
        C: STARTTLS
        S: 454 no certificate today
        -- ready
    )"},
    {"421 in the envelope: nobody was answered", {2}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250-mx.example
        S: 250 PIPELINING
        -- begin 0
        C: MAIL FROM:<from@a.example>
        C: RCPT TO:<to0@b.example>
        C: RCPT TO:<to1@b.example>
        C: DATA
        S: 250 ok
        S: 550 5.1.1 no such user
        S: 421 4.3.2 shutting down
        -- 0: refused unanswered
        -- hang up
    )"},
    {"421 for the content, the next message pipelined behind it", {1, 1}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250-mx.example
        S: 250 PIPELINING
        -- begin 0
        C: MAIL FROM:<from@a.example>
        C: RCPT TO:<to0@b.example>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go
        -- content
        -- begin 1
        C: MAIL FROM:<from@a.example>
        C: RCPT TO:<to0@b.example>
        C: DATA
        S: 421 4.3.2 shutting down
        -- 0: unanswered
        -- 1: unanswered
        -- hang up
    )"},
    {"closed before the final reply", {1}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250 mx.example
        -- begin 0
        C: MAIL FROM:<from@a.example>
        S: 250 ok
        C: RCPT TO:<to0@b.example>
        S: 250 ok
        C: DATA
        S: 354 go
        -- content
        -- lost
        -- 0: unanswered
        -- hang up
    )"},
    {"a reply that nothing had asked for", {}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250 mx.example
        -- ready
        S: 250 and one more
        -- hang up
    )"},
    {"250 for DATA is not 354", {1}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250 mx.example
        -- begin 0
        C: MAIL FROM:<from@a.example>
        S: 250 ok
        C: RCPT TO:<to0@b.example>
        S: 250 ok
        C: DATA
        S: 250 ok
        -- 0: unanswered
        -- hang up
    )"},
    {"354 for the content is no acceptance", {1}, R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250 mx.example
        -- begin 0
        C: MAIL FROM:<from@a.example>
        S: 250 ok
        C: RCPT TO:<to0@b.example>
        S: 250 ok
        C: DATA
        S: 354 go
        -- content
        S: 354 go on
        -- 0: unanswered
        -- hang up
    )"},
    {"LMTP answers for each recipient",
     {3},
     R"(
        S: 220 store.example LMTP
        C: LHLO us.example
        S: 250-store.example
        S: 250 PIPELINING
        -- begin 0
        C: MAIL FROM:<from@a.example>
        C: RCPT TO:<to0@b.example>
        C: RCPT TO:<to1@b.example>
        C: RCPT TO:<to2@b.example>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 550 5.1.1 no such user
        S: 250 ok
        S: 354 go
        -- content
        S: 250 2.0.0 saved
        S: 552 5.2.2 over quota
        -- 0: accepted refused refused
        -- ready
    )",
     {"us.example", lmtp, tls_wish::never}},
    {"LMTP: lost between two replies",
     {2},
     R"(
        S: 220 store.example LMTP
        C: LHLO us.example
        S: 250-store.example
        S: 250 PIPELINING
        -- begin 0
        C: MAIL FROM:<from@a.example>
        C: RCPT TO:<to0@b.example>
        C: RCPT TO:<to1@b.example>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 354 go
        -- content
        S: 250 2.0.0 saved
        -- lost
        -- 0: accepted unanswered
    )",
     {"us.example", lmtp, tls_wish::never}},
    {"LHLO is never replaced by HELO",
     {},
     R"(
        S: 220 store.example
        C: LHLO us.example
        S: 500 what?
        -- hang up
    )",
     {"us.example", lmtp, tls_wish::never}},
    {"TLS required and not offered",
     {},
     R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250 mx.example
        -- hang up
    )",
     {"us.example", dialect::smtp, tls_wish::required}},
    {"TLS required and refused",
     {},
     R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 250-mx.example
        S: 250 STARTTLS
        C: STARTTLS
        S: 454 no
        -- hang up
    )",
     {"us.example", dialect::smtp, tls_wish::required}},
    {"TLS required: HELO is no way around it",
     {},
     R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 502 what?
        C: HELO us.example
        S: 250 hello
        -- hang up
    )",
     {"us.example", dialect::smtp, tls_wish::required}},
};

std::vector<letter> letters_of(dialog const& d)
{
    std::vector<letter> l;
    l.reserve(d.messages.size());
    for (std::size_t count : d.messages) l.emplace_back(count);
    return l;
}

// A session that is ready, its server announcing `extensions`.
client_session ready_session(std::vector<std::string> const& keywords, tls_wish tls = tls_wish::never)
{
    client_session s{{"us.example", dialect::smtp, tls}};
    std::string hello = "220 mx\r\n250-mx\r\n";
    for (auto const& k : keywords) hello += "250-" + k + "\r\n";
    s.on_input(hello + "250 HELP\r\n");
    s.output().clear();
    REQUIRE(std::holds_alternative<ready>(s.next()));
    return s;
}

}  // namespace

TEST_CASE("client dialogs")
{
    for (auto const& d : dialogs) {
        SUBCASE(d.name)
        {
            for (std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{10'000}}) {
                player p{d.settings, letters_of(d), piece};
                p.play(d.script);
            }
        }
    }
}

TEST_CASE("a connection cut after any line of any dialog accepts nothing that was not acknowledged")
{
    for (auto const& d : dialogs) {
        std::string_view const script = d.script;
        std::size_t const lines = static_cast<std::size_t>(std::count(script.begin(), script.end(), '\n'));
        for (std::size_t cut = 1; cut < lines; ++cut) {
            CAPTURE(d.name);
            CAPTURE(cut);
            std::size_t end = 0;
            for (std::size_t i = 0; i < cut; ++i) end = script.find('\n', end) + 1;
            client_session s{d.settings};
            auto letters = letters_of(d);
            std::size_t acknowledged = 0, accepted = 0, begun = 0, over = 0;
            std::string_view rest = script.substr(0, end);
            bool content = false;
            while (!rest.empty()) {
                std::string_view line = rest.substr(0, rest.find('\n'));
                rest.remove_prefix(line.size() + 1);
                line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
                if (line.starts_with("S: ")) {
                    if (content && line.starts_with("S: 250")) ++acknowledged;
                    s.on_input(std::string{line.substr(3)} + "\r\n");
                    if (d.settings.speaks == dialect::smtp) content = false;
                } else if (line.starts_with("-- begin ")) {
                    s.begin(begun, letters[begun].view());
                    ++begun;
                } else if (line == "-- content") {
                    s.on_content_sent();
                    content = true;
                } else if (line == "-- tls") {
                    s.on_tls(false);
                } else if (line == "-- quit") {
                    s.quit();
                }
            }
            s.on_lost("cut");
            CHECK(std::holds_alternative<hang_up_now>(s.next()));
            while (auto f = s.take_finished()) {
                ++over;
                bool any = false;
                for (auto const& r : f->recipients) {
                    CHECK(r.what != fate::pending);
                    if (r.what == fate::accepted) any = true;
                }
                if (d.settings.speaks == dialect::lmtp) {
                    for (auto const& r : f->recipients) accepted += r.what == fate::accepted ? 1 : 0;
                } else if (any) {
                    ++accepted;
                }
            }
            CHECK(accepted <= acknowledged);
            CHECK(over == begun);
        }
    }
}

TEST_CASE("octets behind the reply to STARTTLS end the session (CVE-2011-0411)")
{
    client_session s{{"us.example", dialect::smtp, tls_wish::if_offered}};
    s.on_input("220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n");
    CHECK(s.failed() == failure::injected);
    CHECK(std::holds_alternative<hang_up_now>(s.next()));
}

TEST_CASE("parameters go only to servers that announced them")
{
    letter l;
    l.env.body = mail::body_type::eight_bit_mime;
    l.env.smtputf8 = true;
    l.env.ret = mail::dsn_return::headers;
    l.env.envelope_id = "a+b";
    l.recipients[0].notify = {.specified = true, .success = true, .delay = true};
    l.recipients[0].original = "rfc822;x@y";

    auto all = ready_session({"PIPELINING", "8bitmime", "SMTPUTF8", "DSN", "SIZE 100"});
    REQUIRE(all.check(l.view()) == obstacle::none);
    all.begin(0, l.view());
    CHECK(all.output() ==
          "MAIL FROM:<from@a.example> SIZE=9 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb\r\n"
          "RCPT TO:<to0@b.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y\r\n"
          "DATA\r\n");

    auto none = ready_session({"PIPELINING"});
    none.begin(0, l.view());
    CHECK(none.output() == "MAIL FROM:<from@a.example>\r\nRCPT TO:<to0@b.example>\r\nDATA\r\n");

    l.recipients[0].notify = {.specified = true, .never = true};
    l.env.reverse_path = {.null = true, .address = {}, .utf8 = false};
    auto dsn = ready_session({"PIPELINING", "DSN"});
    dsn.begin(0, l.view());
    CHECK(dsn.output().starts_with("MAIL FROM:<> RET=HDRS ENVID=a+2Bb\r\nRCPT TO:<to0@b.example> NOTIFY=NEVER ORCPT"));
}

TEST_CASE("obstacles")
{
    letter l;
    auto bare = ready_session({});
    CHECK(bare.check(l.view()) == obstacle::none);
    l.utf8 = true;
    CHECK(bare.check(l.view()) == obstacle::smtputf8);
    CHECK(ready_session({"SMTPUTF8"}).check(l.view()) == obstacle::none);

    letter eight;
    eight.env.body = mail::body_type::eight_bit_mime;
    CHECK(bare.check(eight.view()) == obstacle::eight_bit);
    CHECK(ready_session({"8BITMIME"}).check(eight.view()) == obstacle::none);

    letter binary;
    binary.env.body = mail::body_type::binary_mime;
    CHECK(ready_session({"8BITMIME", "CHUNKING"}).check(binary.view()) == obstacle::binary);
    CHECK(ready_session({"BINARYMIME", "CHUNKING"}).check(binary.view()) == obstacle::none);

    letter big;
    big.size = 1001;
    CHECK(ready_session({"SIZE 1000"}).check(big.view()) == obstacle::too_big);
    CHECK(ready_session({"SIZE 0"}).check(big.view()) == obstacle::none);
    CHECK(ready_session({"SIZE"}).check(big.view()) == obstacle::none);
    CHECK(ready_session({"SIZE 99999999999999999999999"}).check(big.view()) == obstacle::none);

    // RFC 8689: announced in the clear, or over TLS that was not verified, it is worth nothing.
    letter secret;
    secret.env.require_tls = true;
    CHECK(ready_session({"REQUIRETLS"}).check(secret.view()) == obstacle::require_tls);
    for (bool verified : {false, true}) {
        client_session s{{"us.example", dialect::smtp, tls_wish::if_offered}};
        s.on_input("220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n");
        s.on_tls(verified);
        s.on_input("250-mx\r\n250 REQUIRETLS\r\n");
        CHECK(s.check(secret.view()) == (verified ? obstacle::none : obstacle::require_tls));
    }
}

TEST_CASE("LIMITS is read")
{
    auto s = ready_session({"LIMITS MAILMAX=10 RCPTMAX=25 FUTURE=1", "LIMITS"});
    CHECK(s.announced().most_messages == 10);
    CHECK(s.announced().most_recipients == 25);
    CHECK(ready_session({"LIMITS RCPTMAX=0 MAILMAX=-1 X"}).announced().most_recipients == 0);
}

TEST_CASE("BINARYMIME goes in one chunk, behind the recipients' replies")
{
    letter l;
    l.env.body = mail::body_type::binary_mime;
    auto s = ready_session({"PIPELINING", "CHUNKING", "BINARYMIME"});
    s.begin(0, l.view());
    CHECK(s.output() == "MAIL FROM:<from@a.example> BODY=BINARYMIME\r\nRCPT TO:<to0@b.example>\r\n");
    s.output().clear();
    s.on_input("250 ok\r\n250 ok\r\n");
    CHECK(s.output() == "BDAT 9 LAST\r\n");
    auto const act = s.next();
    REQUIRE(std::holds_alternative<send_content>(act));
    CHECK(std::get<send_content>(act).chunk);
    s.on_content_sent();
    CHECK_FALSE(s.can_begin());
    s.on_input("250 ok\r\n");
    auto const f = s.take_finished();
    REQUIRE(f.has_value());
    CHECK(f->recipients[0].what == fate::accepted);
}

TEST_CASE("dot-stuffing is the same whatever the pieces, and content never ends the data by itself")
{
    struct row {
        std::string in, out;
    };
    for (row const& r : std::vector<row>{
             {"", ".\r\n"},
             {"a\r\n", "a\r\n.\r\n"},
             {"a", "a\r\n.\r\n"},
             {".\r\n", "..\r\n.\r\n"},
             {"..a\r\n.b\r\nc.d\r\n\r\n.\r\n", "...a\r\n..b\r\nc.d\r\n\r\n..\r\n.\r\n"},
             {"a\r\n.", "a\r\n..\r\n.\r\n"},
             {"a\r", "a\r\n.\r\n"},
         }) {
        for (std::size_t cut = 0; cut <= r.in.size(); ++cut) {
            dot_stuffer d;
            std::string out;
            d.add(std::string_view{r.in}.substr(0, cut), out);
            d.add(std::string_view{r.in}.substr(cut), out);
            d.finish(out);
            CHECK(out == r.out);
        }
    }
}
