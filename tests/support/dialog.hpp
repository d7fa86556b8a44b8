// Conversations as tests: what the client says, what the server answers, and what the
// world around the session does, played against smtp::server_session without a socket.
//
//   S: 250 2.1.0 Sender OK   the next line of the server; "..." at its end: whatever follows
//   C: MAIL FROM:<a@b.c>     a line of the client; lines in a row arrive in one piece
//   C- NOOP\n                the same with escapes (\r \n \t \0 \xNN \\) and without CRLF
//   -- ehlo                  what the world does or what must be true; see world::obey()
//
// Every dialog is played with each batch of the client in one piece, octet by octet, and
// cut in two at every place: the answers must be the same. Every reply has its enhanced
// status (RFC 2034), whoever wrote the dialog.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "support/session_world.hpp"

namespace postern::test {

struct dialog {
    char const* name;
    /// Words: mx | submission; tls (implicit), starttls, plaintext (AUTH without TLS), plus
    /// (channel bindings and a -PLUS mechanism), no-auth, size=N, recipients=N, errors=N,
    /// auth-failures=N; whole: only in one piece, where the cut matters by design.
    char const* setup;
    char const* script;
};

inline std::vector<std::size_t> world::play(char const* script)
{
    std::string_view rest = script;
    std::string batch;
    bool connected = false;
    auto const send = [&] {
        if (!batch.empty()) client(batch);
        batch.clear();
    };
    while (!rest.empty()) {
        auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        if (line.empty()) continue;
        if (!connected) perform(session_->on_connect(implicit_ ? &tls_ : nullptr));
        connected = true;
        auto const what = line.substr(0, 2);
        auto const text = line.size() > 3 ? line.substr(3) : std::string_view{};
        if (what == "C:" || what == "C-") {
            if (batch.empty()) nothing_left();
            batch += what == "C:" ? std::string{text} + "\r\n" : unescape(text);
            continue;
        }
        send();
        if (what == "S:")
            server(text);
        else if (what == "--")
            obey(text);
        else
            FAIL("not a line of a dialog: " << std::string{line});
    }
    send();
    nothing_left();
    return sizes_;
}

inline void world::obey(std::string_view directive)
{
    auto const word = directive.substr(0, directive.find(' '));
    auto const rest = word.size() < directive.size() ? directive.substr(word.size() + 1) : std::string_view{};
    CAPTURE(std::string{directive});
    auto const run = [&](char const* line) {
        nothing_left();
        client(std::string{line} + "\r\n");
    };
    if (word == "greeting") {
        server("220 mx.example ESMTP Postern");
    } else if (word == "ehlo") {  // says EHLO, takes any answer that is 250
        run("EHLO client.example");
        skip_reply();
    } else if (word == "login") {  // as alice@example.test
        run("AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=");
        server("235 2.7.0 ...");
    } else if (word == "mail") {  // a transaction with one recipient
        run("MAIL FROM:<alice@example.test>");
        server("250 2.1.0 ...");
        run("RCPT TO:<bob@example.org>");
        server("250 2.1.5 ...");
    } else if (word == "tls") {  // the handshake that was asked for
        REQUIRE(mode_ == mode::tls);
        pending_.clear();
        mode_ = mode::commands;
        perform(session_->on_tls(tls_));
    } else if (word == "next") {  // "next recipient unknown-recipient": the answer to the next such question
        auto const question = rest.substr(0, rest.find(' '));
        answers_.emplace_back(question, rest.substr(question.size() + 1));
    } else if (word == "closed") {
        CHECK(mode_ == mode::closed);
    } else if (word == "open") {
        CHECK(mode_ != mode::closed);
    } else if (word == "rule") {  // of the last refusal
        REQUIRE(!refusals_.empty());
        CHECK(refusals_.back().what.why->name == rest);
    } else if (word == "command") {  // as the last refusal logs it
        REQUIRE(!refusals_.empty());
        CHECK(refusals_.back().command == rest);
    } else if (word == "hides") {  // no refusal so far holds this
        for (auto const& r : refusals_) {
            CHECK(r.command.find(rest) == std::string::npos);
            CHECK(r.what.text.find(rest) == std::string::npos);
            for (auto const& f : r.what.facts) CHECK(f.value.find(rest) == std::string::npos);
        }
    } else if (word == "message") {  // the last one committed, with escapes
        CHECK(message_ == unescape(rest));
    } else if (word == "committed") {
        CHECK(committed_ == parse_number<std::size_t>(rest));
    } else if (word == "recipients") {  // of the last message
        CHECK(committed_recipients_ == parse_number<std::size_t>(rest));
    } else if (word == "protocol") {
        CHECK(session_->protocol() == rest);
    } else if (word == "as") {  // whose login it is
        CHECK(session_->login() == rest);
    } else if (word == "claims") {
        CHECK(session_->claimed_identity() == rest);
    } else if (word == "exchange") {
        CHECK(session_->in_exchange());
    } else if (word == "timeout") {
        nothing_left();
        perform(session_->on_timeout());
    } else if (word == "shutdown") {
        nothing_left();
        perform(session_->on_shutdown());
    } else {
        FAIL("unknown directive");
    }
}

inline void world::server(std::string_view expected)
{
    auto const line = take_reply_line();
    if (expected.ends_with("...")) {
        expected.remove_suffix(3);
        CHECK(line.substr(0, expected.size()) == expected);
    } else {
        CHECK(line == expected);
    }
}

inline void world::skip_reply()
{
    for (;;) {
        auto const line = take_reply_line();
        REQUIRE(line.substr(0, 3) == "250");
        if (line[3] == ' ') return;
    }
}

inline void world::nothing_left()
{
    flush();
    CHECK(unread_ == "");
}

inline void play(dialog const& d)
{
    INFO(std::string{d.name});
    std::vector<std::size_t> sizes;
    std::string output;
    {
        world w{d.setup, {}};
        sizes = w.play(d.script);
        output = w.all_output();
        if (w.whole_only()) return;
    }
    auto const again = [&](cut how) {
        CAPTURE(how.batch);
        CAPTURE(how.at);
        world w{d.setup, how};
        w.play(d.script);
        // SCRAM's nonces differ from play to play.
        if (output.find("334 c") == std::string::npos) CHECK(w.all_output() == output);
    };
    again({.batch = cut::every_octet});
    for (std::size_t batch = 0; batch < sizes.size(); ++batch) {
        // Long batches (floods, bodies) are cut at a few hundred places.
        std::size_t const stride = sizes[batch] / 300 + 1;
        for (std::size_t at = 1; at < sizes[batch]; at += stride) again({.batch = batch, .at = at});
    }
}

}  // namespace postern::test

/// A test case of a table of dialogs, each one a subcase.
#define POSTERN_PLAY(title, table)                      \
    TEST_CASE(title)                                    \
    {                                                   \
        for (auto const& d : table) {                   \
            SUBCASE(d.name) { postern::test::play(d); } \
        }                                               \
    }
