#include "smtp/client_session.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "smtp/client_fixture.hpp"

using namespace postern;
using namespace postern::smtp;
using namespace postern::smtp::testing;

namespace {

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
