#include "client/sender.hpp"

#include <doctest/doctest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "catalogue/rules.hpp"
#include "client/explanation.hpp"
#include "support/scripted_server.hpp"
#include "support/test_certificate.hpp"

using namespace postern;
using namespace postern::client;
using namespace std::chrono_literals;

namespace {

outgoing_mail mail_for(std::vector<std::string> const& to, std::string_view content)
{
    outgoing_mail m;
    m.envelope.reverse_path.address = *mail::parse_mailbox("anna@a.example");
    for (auto const& one : to) m.envelope.recipients.push_back({*mail::parse_mailbox(one), {}, {}});
    m.content = content;
    return m;
}

constexpr std::string_view content = "Subject: x\r\n\r\nhello\r\n";

net::awaitable<void> send_all(sender& s, std::vector<outgoing_mail> mails, std::optional<trouble>& bad,
                              std::vector<delivery_report>& reports)
{
    bad = co_await s.open();
    for (auto const& m : mails) {
        if (bad || !s.usable()) break;
        auto report = co_await s.send(m);
        reports.push_back(std::move(report));
    }
    co_await s.quit();
}

struct outcome {
    std::optional<trouble> bad;
    std::vector<delivery_report> reports;
    std::string transcript;
};

outcome send(sender_options o, std::vector<outgoing_mail> mails, std::shared_ptr<net::tls_context> tls = nullptr)
{
    boost::asio::io_context io{1};
    if (!tls) tls = *net::make_client_tls();
    o.patience = 1s;
    o.content_patience = 2s;
    o.hello = "laptop.example";
    sender s{io.get_executor(), std::move(o), tls};
    outcome out;
    boost::asio::co_spawn(io, send_all(s, std::move(mails), out.bad, out.reports), [&](std::exception_ptr e) {
        io.stop();
        if (e) std::rethrow_exception(e);
    });
    io.run();
    for (auto const& line : s.talk().log().lines()) out.transcript += to_string(line) + "\n";
    return out;
}

sender_options to(testing::scripted_server const& server, tls_mode tls = tls_mode::none, char const* host = "127.0.0.1")
{
    sender_options o;
    o.routes = {{host, server.port(), tls}};
    return o;
}

}  // namespace

TEST_CASE("several messages go over one connection, with and without pipelining, by DATA and by BDAT")
{
    for (bool const pipelining : {true, false})
        for (bool const chunking : {true, false}) {
            CAPTURE(pipelining);
            CAPTURE(chunking);
            testing::scripted_server server{{}, "PIPELINING CHUNKING SIZE DSN"};
            auto o = to(server);
            o.pipelining = pipelining;
            o.chunking = chunking;
            std::vector<outgoing_mail> const mails{mail_for({"ben@b.example", "cay@b.example"}, content),
                                                   mail_for({"ben@b.example"}, content)};
            auto const out = send(std::move(o), mails);
            CHECK_FALSE(out.bad);
            REQUIRE(out.reports.size() == 2);
            CHECK(out.reports[0].accepted);
            CHECK(out.reports[1].accepted);
            auto const got = server.mail(2);
            REQUIRE(got.size() == 2);
            CHECK(got[0].rcpt.size() == 2);
            CHECK(got[0].connection == got[1].connection);
        }
}

TEST_CASE("recipients that are refused are told, and the rest is sent")
{
    for (bool const pipelining : {true, false}) {
        testing::scripted_server server{[](std::string const& line, unsigned) -> std::string {
            return line.find("nobody@") != std::string::npos ? "550 5.1.1 who?" : "";
        }};
        auto o = to(server);
        o.pipelining = pipelining;
        std::vector<outgoing_mail> const mails{mail_for({"nobody@b.example", "ben@b.example"}, content),
                                               mail_for({"nobody@b.example"}, content),
                                               mail_for({"ben@b.example"}, content)};
        auto const out = send(std::move(o), mails);
        REQUIRE(out.reports.size() == 3);
        CHECK(out.reports[0].accepted);
        CHECK(out.reports[0].recipients[0].said.said.code == 550);
        CHECK_FALSE(out.reports[1].accepted);
        REQUIRE(out.reports[1].why);
        CHECK(out.reports[1].why->where == stage::rcpt);
        // What was refused before does no harm to the next.
        CHECK(out.reports[2].accepted);
    }
}

TEST_CASE("a server that closes or hangs at any step is a trouble of that step")
{
    struct row {
        char const* line;
        stage where;
    };
    for (char const* how : {"CLOSE", "HANG", "garbage", "421 4.3.2 bye"})
        for (auto const& r : {row{"GREETING", stage::greeting}, row{"EHLO", stage::hello}, row{"MAIL", stage::mail},
                              row{"RCPT", stage::rcpt}, row{"DATA", stage::data}, row{".", stage::content}}) {
            CAPTURE(how);
            CAPTURE(r.line);
            testing::scripted_server server{
                [&](std::string const& line, unsigned) -> std::string { return line.starts_with(r.line) ? how : ""; },
                "SIZE"};
            auto o = to(server);
            std::vector<outgoing_mail> const mails{mail_for({"ben@b.example"}, content)};
            auto out = send(std::move(o), mails);
            auto const& why = out.bad ? out.bad : out.reports.at(0).why;
            REQUIRE(why);
            CHECK(name_of(why->where) == name_of(r.where));
            CHECK_FALSE(why->text.empty());
        }
}

TEST_CASE("no password goes where others can read it")
{
    testing::test_certificate certificate;
    auto const asked = [](std::string const& line, unsigned) -> std::string {
        return line.starts_with("AUTH") ? "235 2.7.0 ok" : "";
    };
    testing::scripted_server server{asked, "SIZE AUTH=PLAIN", {}, false, certificate.context.get()};
    auto const try_it = [&](tls_mode tls, bool trusted, auto change) {
        auto o = to(server, tls);
        o.who.user = "anna";
        o.who.password = secret{"sesame-open"};
        change(o.trusts);
        std::vector<outgoing_mail> const mails{mail_for({"ben@b.example"}, content)};
        return send(std::move(o), mails, trusted ? certificate.trusted() : nullptr);
    };
    using kind = trouble::kind;
    auto const usual = [](trust&) {};
    CHECK(try_it(tls_mode::none, false, usual).bad->what == kind::clear_password);
    CHECK(try_it(tls_mode::starttls, false, usual).bad->what == kind::wrong_certificate);
    // The right authority, but the certificate is for another name (the address).
    CHECK(try_it(tls_mode::starttls, true, usual).bad->what == kind::wrong_certificate);
    auto const unverified = [](trust& t) { t.unverified = true; };
    CHECK(try_it(tls_mode::starttls, false, unverified).bad->what == kind::wrong_certificate);
    for (auto const& line : server.lines()) CHECK_FALSE(line.starts_with("AUTH"));

    CHECK_FALSE(try_it(tls_mode::none, false, [](trust& t) { t.password_in_clear = true; }).bad);
    auto const out =
        try_it(tls_mode::starttls, false, [](trust& t) { t.unverified = t.password_to_unverified = true; });
    CHECK_FALSE(out.bad);
    CHECK(out.transcript.find("AUTH PLAIN ***") != std::string::npos);
}

TEST_CASE("a reply to STARTTLS that begins no TLS is none that can be gone on with")
{
    for (char const* said : {"250 ok", "221 bye", "354 go", "454 4.7.0 not now"})
        for (auto const tls : {tls_mode::starttls, tls_mode::automatic}) {
            CAPTURE(said);
            testing::scripted_server server{
                [&](std::string const& line, unsigned) -> std::string { return line == "STARTTLS" ? said : ""; },
                "SIZE STARTTLS AUTH=PLAIN"};
            auto o = to(server, tls);
            o.who.user = "anna";
            o.who.password = secret{"sesame-open"};
            auto const out = send(std::move(o), {});
            REQUIRE(out.bad);
            CHECK(out.bad->where == stage::tls);
            circumstances around;
            CHECK(explain(*out.bad, around).name == catalogue::rules::starttls_unavailable.name);
            for (auto const& line : server.lines()) CHECK_FALSE(line.starts_with("AUTH"));
        }
}

TEST_CASE("who can still be spoken to is told good-bye")
{
    struct row {
        char const* at;
        char const* said;
        bool polite;
    };
    for (auto const& r : {row{"AUTH", "535 5.7.8 no", true}, row{"GREETING", "554 5.7.1 no", true},
                          row{"EHLO", "421 4.3.2 bye", false}, row{"EHLO", "garbage", false}}) {
        CAPTURE(r.said);
        testing::scripted_server server{
            [&](std::string const& line, unsigned) -> std::string { return line.starts_with(r.at) ? r.said : ""; },
            "SIZE AUTH=PLAIN"};
        auto o = to(server);
        o.who.user = "anna";
        o.who.password = secret{"sesame-open"};
        o.trusts.password_in_clear = true;
        CHECK(send(std::move(o), {}).bad);
        auto const lines = server.lines();
        CHECK((!lines.empty() && lines.back() == "QUIT") == r.polite);
    }
}

TEST_CASE("many recipients go in several writes, so that nobody waits for the other for ever")
{
    // More replies than the buffers of both sides hold.
    std::string const long_words = " 2.1.5 " + std::string(900, 'x');
    testing::scripted_server server{[&](std::string const& line, unsigned) -> std::string {
        return line.starts_with("RCPT") ? "250" + long_words : "";
    }};
    std::vector<std::string> people;
    for (int i = 0; i < 5000; ++i) people.push_back("someone.with.a.long.name." + std::to_string(i) + "@b.example");
    std::vector<outgoing_mail> const mails{mail_for(people, content)};
    auto const out = send(to(server), mails);
    REQUIRE(out.reports.size() == 1);
    CHECK(out.reports[0].accepted);
    CHECK(server.mail(1).at(0).rcpt.size() == people.size());
}

TEST_CASE("automatic TLS finds out how the port begins")
{
    testing::test_certificate certificate;
    for (bool const implicit : {true, false}) {
        testing::scripted_server server{{}, "SIZE", {}, false, certificate.context.get()};
        if (implicit) server.tls_from_start();
        auto o = to(server, tls_mode::automatic);
        o.trusts.unverified = true;
        std::vector<outgoing_mail> const mails{mail_for({"ben@b.example"}, content)};
        auto const out = send(std::move(o), mails);
        CHECK_FALSE(out.bad);
        REQUIRE(server.mail(1).size() == 1);
        CHECK(server.mail(1)[0].tls);
    }
}

TEST_CASE("what the server can't carry is not tried")
{
    testing::scripted_server server{{}, "SIZE"};
    auto mail = mail_for({"ben@b.example"}, content);
    mail.utf8 = true;
    auto big = mail_for({"ben@b.example"}, content);
    big.envelope.body = mail::body_type::eight_bit_mime;
    auto safe = mail_for({"ben@b.example"}, content);
    safe.envelope.require_tls = true;
    std::vector<outgoing_mail> const mails{mail, big, safe};
    auto const out = send(to(server), mails);
    REQUIRE(out.reports.size() == 3);
    CHECK(out.reports[0].why->what == trouble::kind::no_smtputf8);
    CHECK(out.reports[1].why->what == trouble::kind::no_eight_bit);
    CHECK(out.reports[2].why->what == trouble::kind::no_require_tls);
    for (auto const& line : server.lines()) CHECK_FALSE(line.starts_with("MAIL"));
}
