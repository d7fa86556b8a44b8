#include "client/conversation.hpp"

#include <doctest/doctest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "client/sender.hpp"
#include "support/scripted_server.hpp"
#include "support/test_certificate.hpp"

using namespace postern;
using namespace postern::client;
using namespace std::chrono_literals;

namespace {

template <class T>
T run(boost::asio::io_context& io, net::awaitable<T> what)
{
    std::optional<T> out;
    std::exception_ptr failed;
    boost::asio::co_spawn(io, std::move(what), [&](std::exception_ptr e, T value) {
        failed = e;
        out.emplace(std::move(value));
        io.stop();  // the stream's timer is still asleep
    });
    io.restart();
    io.run();
    if (failed) std::rethrow_exception(failed);
    return std::move(*out);
}

struct world {
    boost::asio::io_context io{1};
    conversation talk{io.get_executor()};

    step_result connect(testing::scripted_server const& to)
    {
        return run(io, talk.connect(*endpoint::parse(to.address()), 5s));
    }
};

sasl::client_credentials anna()
{
    sasl::client_credentials c;
    c.authcid = "anna";
    c.password = secret{"sesame-open"};
    return c;
}

bool says(transcript const& log, std::string_view what)
{
    for (auto const& line : log.lines())
        if (line.text.find(what) != std::string::npos) return true;
    return false;
}

}  // namespace

TEST_CASE("a whole conversation goes step by step, and its transcript has no secret")
{
    testing::scripted_server server{[](std::string const& line, unsigned) -> std::string {
                                        if (line.starts_with("AUTH")) return "235 2.7.0 welcome";
                                        return "";
                                    },
                                    "PIPELINING SIZE AUTH=PLAIN X-OWN"};
    world w;
    REQUIRE(w.connect(server).ok());
    CHECK(run(w.io, w.talk.greeting(5s)).said.code == 220);
    CHECK(run(w.io, w.talk.hello("laptop.example", 5s)).ok());
    auto const& a = w.talk.announced();
    CHECK(a.extended);
    CHECK(a.auth_equals);
    CHECK_FALSE(a.auth_proper);
    CHECK(a.known.pipelining);
    CHECK(a.unknown_keywords == std::vector<std::string>{"X-OWN"});

    auto const in = run(w.io, w.talk.authenticate("PLAIN", anna(), 5s));
    CHECK(in.accepted());
    CHECK(says(w.talk.log(), "AUTH PLAIN ***"));
    for (auto const& line : w.talk.log().lines()) CHECK(line.text.find("c2VzYW1l") == std::string::npos);

    mail::envelope env;
    env.reverse_path.address = *mail::parse_mailbox("anna@a.example");
    smtp::outgoing about;
    about.env = &env;
    CHECK(run(w.io, w.talk.mail_from(about, 5s)).ok());
    mail::recipient to;
    to.forward_path = *mail::parse_mailbox("ben@b.example");
    CHECK(run(w.io, w.talk.rcpt_to(to, 5s)).ok());
    CHECK(run(w.io, w.talk.begin_data(5s)).said.code == 354);
    CHECK(run(w.io, w.talk.content("Subject: x\r\n\r\n.dot\r\n", 5s)).ok());
    CHECK(run(w.io, w.talk.quit(5s)).said.code == 221);
    CHECK(server.mail(1)[0].content == "Subject: x\r\n\r\n..dot\r\n");
}

TEST_CASE("a command is one line, or it is not sent")
{
    testing::scripted_server server;
    world w;
    REQUIRE(w.connect(server).ok());
    CHECK(run(w.io, w.talk.greeting(5s)).ok());
    for (auto const& line : {std::string{"EHLO x\r\nVRFY root"}, std::string{"NOOP\n"}, std::string{"NOOP\0", 5}}) {
        CHECK(run(w.io, w.talk.command(line, 5s)).how == ending::not_possible);
        std::vector<std::string> const lines{"NOOP", line};
        CHECK(run(w.io, w.talk.write_commands(lines, 5s)).how == ending::not_possible);
    }
    CHECK(run(w.io, w.talk.hello("h\r\nVRFY root", 5s)).how == ending::not_possible);
    CHECK(run(w.io, w.talk.quit(5s)).said.code == 221);
    CHECK(server.lines() == std::vector<std::string>{"QUIT"});
}

TEST_CASE("each way in which a greeting can fail is told apart")
{
    struct row {
        char const* said;
        ending how;
        service who;
    };
    row const rows[] = {
        {"CLOSE", ending::closed, service::unknown},
        {"HANG", ending::timed_out, service::unknown},
        {"HTTP/1.1 400 Bad Request\r\nServer: x", ending::malformed, service::http},
        {"SSH-2.0-OpenSSH_9.2", ending::malformed, service::ssh},
        {"* OK IMAP4rev1", ending::malformed, service::imap},
        {"+OK POP3", ending::malformed, service::pop3},
        {"220-one\r\n250 two", ending::malformed, service::smtp},
        {"554 5.7.1 no", ending::reply, service::unknown},
    };
    for (auto const& r : rows) {
        CAPTURE(r.said);
        testing::scripted_server server{
            [&](std::string const& line, unsigned) -> std::string { return line == "GREETING" ? r.said : ""; }};
        world w;
        REQUIRE(w.connect(server).ok());
        auto const got = run(w.io, w.talk.greeting(300ms));
        CHECK(got.how == r.how);
        CHECK(got.service == r.who);
        CHECK_FALSE(got.to_string().empty());
    }
}

TEST_CASE("megabytes without a line's end are cut off")
{
    for (auto const& flood :
         {std::string(3 << 20, 'x'), "220 " + std::string(3 << 20, 'x'), std::string(1 << 20, '\x80')}) {
        testing::scripted_server server{
            [&](std::string const& line, unsigned) -> std::string { return line == "GREETING" ? flood : ""; }};
        world w;
        REQUIRE(w.connect(server).ok());
        auto const got = run(w.io, w.talk.greeting(5s));
        CHECK(got.how == ending::malformed);
        CHECK(got.first.size() < 1000);
        w.talk.close();
    }
}

TEST_CASE("a server that never ends a reply runs into the deadline of the step")
{
    testing::scripted_server server{[](std::string const& line, unsigned) -> std::string {
        return line.starts_with("EHLO") ? "250-and\r\n250-more" : "";
    }};
    world w;
    REQUIRE(w.connect(server).ok());
    CHECK(run(w.io, w.talk.greeting(5s)).ok());
    CHECK(run(w.io, w.talk.hello("x.example", 200ms)).how == ending::timed_out);
}

TEST_CASE("nobody listening is told with the error")
{
    boost::asio::io_context io{1};
    conversation talk{io.get_executor()};
    auto const r = run(io, talk.connect(*endpoint::parse("127.0.0.1:1"), 5s));
    CHECK(r.how == ending::unconnected);
    CHECK(r.error.value() == ECONNREFUSED);
}

TEST_CASE("what was seen of TLS is told: chain, trust and name")
{
    testing::test_certificate certificate;
    testing::scripted_server server{{}, "SIZE", {}, false, certificate.context.get()};
    struct row {
        bool trusts;
        char const* name;
        bool trusted, fits;
    };
    for (auto const& r : {row{true, "mx.b.example", true, true}, row{false, "mx.b.example", false, true},
                          row{true, "other.example", true, false}}) {
        CAPTURE(r.name);
        world w;
        REQUIRE(w.connect(server).ok());
        CHECK(run(w.io, w.talk.greeting(5s)).ok());
        CHECK(run(w.io, w.talk.hello("x.example", 5s)).ok());
        tls_terms terms;
        terms.name = r.name;
        terms.context = r.trusts ? certificate.trusted() : *net::make_client_tls();
        auto const shaken = run(w.io, w.talk.start_tls(terms, 5s));
        REQUIRE(shaken.ok());
        CHECK(w.talk.announced().lines.empty());
        auto const& seen = w.talk.observations();
        REQUIRE(seen.chain.size() == 1);
        CHECK(seen.chain[0].self_signed);
        CHECK(seen.chain[0].names == std::vector<std::string>{"mx.b.example"});
        CHECK(seen.chain[0].key_type == "EC");
        CHECK(seen.chain[0].key_bits == 256);
        CHECK(seen.chain[0].signature == "ecdsa-with-SHA256");
        CHECK(seen.chain[0].sha256.size() == 64);
        CHECK(seen.chain[0].not_after > wall_clock::now());
        CHECK(seen.trusted == r.trusted);
        CHECK(seen.untrusted_because.empty() == r.trusted);
        CHECK(seen.name_fits == r.fits);
        CHECK(w.talk.tls()->peer_verified == (r.trusted && r.fits));
    }
}

TEST_CASE("a handshake with who speaks no TLS, or another TLS, says what came")
{
    tls_terms terms;
    terms.name = "mx.b.example";
    terms.context = *net::make_client_tls();
    {
        testing::scripted_server server;
        world w;
        REQUIRE(w.connect(server).ok());
        auto const r = run(w.io, w.talk.handshake(terms, 5s));
        CHECK(r.how == ending::malformed);
        CHECK(r.service == service::smtp);
    }
    {
        testing::test_certificate certificate;
        SSL_CTX_set_max_proto_version(certificate.context.get(), TLS1_2_VERSION);
        testing::scripted_server server{{}, "SIZE", {}, false, certificate.context.get()};
        server.tls_from_start();
        terms.minimum = "1.3";
        world w;
        REQUIRE(w.connect(server).ok());
        auto const r = run(w.io, w.talk.handshake(terms, 5s));
        CHECK(r.how == ending::tls_refused);
        CHECK(r.alert == "protocol_version");
    }
}

TEST_CASE("octets behind the reply to STARTTLS end it")
{
    testing::test_certificate certificate;
    testing::scripted_server server{[](std::string const& line, unsigned) -> std::string {
                                        return line == "STARTTLS" ? "220 go\r\n250 injected" : "";
                                    },
                                    "SIZE",
                                    {},
                                    false,
                                    certificate.context.get()};
    world w;
    REQUIRE(w.connect(server).ok());
    CHECK(run(w.io, w.talk.greeting(5s)).ok());
    CHECK(run(w.io, w.talk.hello("x.example", 5s)).ok());
    tls_terms terms;
    terms.context = *net::make_client_tls();
    terms.name = "mx.b.example";
    CHECK(run(w.io, w.talk.start_tls(terms, 5s)).how == ending::malformed);
}

TEST_CASE("log-ins end in as many ways as they can")
{
    struct row {
        char const* mechanism;
        char const* said;
        login_result::what how;
    };
    using what = login_result::what;
    row const rows[] = {
        {"PLAIN", "535 5.7.8 no", what::refused},
        {"PLAIN", "CLOSE", what::lost},
        {"PLAIN", "HANG", what::lost},
        {"SCRAM-SHA-256", "235 2.7.0 welcome", what::unproven_server},
        {"SCRAM-SHA-256", "334 !!!", what::broken_off},
        {"SCRAM-SHA-256", "334 eD15", what::broken_off},
        {"SCRAM-SHA-256-PLUS", "235 2.7.0 welcome", what::unusable},
        {"NTLM", "235 2.7.0 welcome", what::unusable},
    };
    for (auto const& r : rows) {
        CAPTURE(r.mechanism);
        CAPTURE(r.said);
        testing::scripted_server server{[&](std::string const& line, unsigned) -> std::string {
            if (line.starts_with("AUTH")) return r.said;
            return line == "*" ? "501 5.7.0 cancelled" : "";
        }};
        world w;
        REQUIRE(w.connect(server).ok());
        CHECK(run(w.io, w.talk.greeting(5s)).ok());
        CHECK(run(w.io, w.talk.hello("x.example", 5s)).ok());
        auto const got = run(w.io, w.talk.authenticate(r.mechanism, anna(), 300ms));
        CHECK(got.how == r.how);
        CHECK(got.mechanism == r.mechanism);
    }
}

TEST_CASE("a transcript is bounded, and shows no control character")
{
    transcript log;
    for (std::size_t i = 0; i < transcript::most_lines + 5; ++i) log.add(speaker::theirs, "250-x\x1b[2J");
    CHECK(log.lines().size() == transcript::most_lines);
    CHECK(log.left_out() == 5);
    CHECK(log.lines()[0].text == "250-x\\x1b[2J");
    log = transcript{};
    log.add(speaker::ours, std::string(transcript::longest_line * 2, 'x'));
    CHECK(log.lines()[0].text.size() <= transcript::longest_line + 3);
}

TEST_CASE("an address is looked up as itself, a name by the system, a wrong one with the reason")
{
    boost::asio::io_context io{1};
    auto const itself = run(io, look_up(io.get_executor(), "192.0.2.7", 5s));
    REQUIRE(itself.addresses.size() == 1);
    CHECK(itself.addresses[0].to_string() == "192.0.2.7");
    auto const local = run(io, look_up(io.get_executor(), "localhost", 5s));
    REQUIRE_FALSE(local.addresses.empty());
    CHECK(local.addresses[0].is_loopback());
    auto const wrong = run(io, look_up(io.get_executor(), "no such name", 5s));
    CHECK(wrong.addresses.empty());
    CHECK(wrong.failure != 0);
    CHECK_FALSE(wrong.problem.empty());
}
