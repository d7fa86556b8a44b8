// STARTTLS towards others: used whenever it can be had, and trusted only where it proves itself.
#include "delivery/test_office.hpp"
#include "support/test_certificate.hpp"

using namespace postern;
using namespace postern::delivery;
using namespace postern::delivery::testing;

namespace {

constexpr char const* extensions = "PIPELINING REQUIRETLS";

}  // namespace

TEST_CASE("TLS is used when it is offered, whoever the certificate is from")
{
    test_certificate c;
    scripted_server host{{}, extensions, {}, false, c.context.get()};
    office o;
    o.use_exchanger("b.example", host);
    o.open();
    for (int i = 0; i < 5; ++i) o.send(office::letter("Q" + std::to_string(i), {"to@b.example"}));
    auto const got = host.mail(5);
    REQUIRE(got.size() == 5);
    for (auto const& m : got) CHECK(m.tls);
}

TEST_CASE("a host that offers TLS and can't do it gets the mail without")
{
    for (char const* reply : {"454 4.7.0 no certificate today", "CLOSE", "220 go, but no handshake follows"}) {
        CAPTURE(reply);
        scripted_server offering{[&](std::string const& line, unsigned) -> std::string {
                                     if (line.starts_with("EHLO")) return "250-x\r\n250 STARTTLS";
                                     return line == "STARTTLS" ? reply : "";
                                 },
                                 extensions};
        office o;
        o.world.limits.handshake = 300ms;
        o.world.limits.command = 2s;
        o.use_exchanger("b.example", offering);
        o.open();
        o.send(office::letter("Q1", {"to@b.example"}));
        auto const u = o.queue.settled("Q1");
        if (std::string_view{reply} == "CLOSE") {
            // Gone before the handshake: an ordinary broken connection.
            CHECK(u.state == state::queued);
        } else {
            CHECK(u.state == state::delivered);
            CHECK_FALSE(offering.mail(1).at(0).tls);
        }
    }
}

TEST_CASE("octets behind the reply to STARTTLS end the session, and nothing is sent")
{
    scripted_server host{[](std::string const& line, unsigned) -> std::string {
        if (line.starts_with("EHLO")) return "250-x\r\n250 STARTTLS";
        return line == "STARTTLS" ? "220 go\r\n250-x\r\n250 AUTH PLAIN" : "";
    }};
    office o;
    o.use_exchanger("b.example", host);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    auto const u = o.queue.settled("Q1");
    CHECK(u.state == state::queued);
    CHECK(u.last_reply.find("between the reply to STARTTLS and the handshake") != std::string::npos);
    for (auto const& line : host.lines()) CHECK_FALSE(line.starts_with("MAIL"));
}

TEST_CASE("require_tls: nothing goes to a smart host without TLS and a good certificate")
{
    test_certificate c;
    scripted_server with_tls{{}, extensions, {}, false, c.context.get()};
    scripted_server without;
    office o;
    o.settings.delivery.require_tls = true;
    o.dns->address("mx.b.example", "127.0.0.1");
    o.dns->address("other.example", "127.0.0.1");
    o.use_smart_host(without);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").last_reply.starts_with("451 4.7.5"));
    CHECK(o.queue.settled("Q1").state == state::queued);

    auto const port = std::to_string(with_tls.port());
    o.settings.delivery.smart_host = "mx.b.example:" + port;
    REQUIRE(o.running->reload(o.settings));
    o.send(office::letter("Q2", {"to@b.example"}));
    CHECK(o.queue.settled("Q2").last_reply.starts_with("451 4.7.5"));
    CHECK(with_tls.mail(0).empty());

    // The same with a certificate that is trusted; and with one of another name.
    o.running->stop(0s);
    o.world.tls = c.trusted();
    o.open();
    o.send(office::letter("Q3", {"to@b.example"}));
    CHECK(o.queue.settled("Q3").state == state::delivered);
    CHECK(with_tls.mail(1).back().tls);
    o.settings.delivery.smart_host = "other.example:" + port;
    REQUIRE(o.running->reload(o.settings));
    o.send(office::letter("Q4", {"to@b.example"}));
    CHECK(o.queue.settled("Q4").last_reply.starts_with("451 4.7.5"));
    CHECK(with_tls.mail(1).size() == 1);
    for (auto const& line : without.lines()) CHECK_FALSE(line.starts_with("MAIL"));
}

TEST_CASE("a row of tls_policy holds for a smart host, too")
{
    test_certificate c;
    SSL_CTX_set_max_proto_version(c.context.get(), TLS1_2_VERSION);
    scripted_server host{{}, extensions, {}, false, c.context.get()};
    for (std::string const minimum : {"1.2", "1.3"}) {
        CAPTURE(minimum);
        office o;
        o.dns->address("mx.b.example", "127.0.0.1");
        o.settings.delivery.smart_host = "mx.b.example:" + std::to_string(host.port());
        o.settings.tls_policy = {{"mx.b.example", config::tls_level::encrypt, minimum, {}}};
        o.open();
        o.send(office::letter("Q1", {"to@other.example"}));
        CHECK(o.queue.settled("Q1").state == (minimum == "1.2" ? state::delivered : state::queued));
    }
    CHECK(host.mail(1).size() == 1);
    CHECK(host.mail(1).at(0).tls);
}

TEST_CASE("a smart host on port 465 is spoken to in TLS from the start")
{
    test_certificate c;
    scripted_server host{{}, extensions, {}, false, c.context.get()};
    host.tls_from_start();
    office o;
    o.dns->address("mx.b.example", "127.0.0.1");
    o.settings.delivery.smart_host = "mx.b.example:" + std::to_string(host.port());
    o.settings.delivery.require_tls = true;
    o.world.submissions_port = host.port();
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").last_reply.starts_with("451 4.7.5"));
    o.running->stop(0s);
    o.world.tls = c.trusted();
    o.open();
    o.send(office::letter("Q2", {"to@b.example"}));
    CHECK(o.queue.settled("Q2").state == state::delivered);
    CHECK(host.mail(1).at(0).tls);
    CHECK(host.lines().at(0).starts_with("EHLO"));
}

TEST_CASE("REQUIRETLS goes only to a host that proved itself and offers it (75)")
{
    test_certificate c;
    scripted_server host{{}, extensions, {}, false, c.context.get()};
    for (bool trusted : {false, true}) {
        CAPTURE(trusted);
        office o;
        if (trusted) o.world.tls = c.trusted();
        o.use_exchanger("b.example", host);
        o.dns->sign("b.example");
        o.open();
        auto m = office::letter("Q1", {"to@b.example"});
        m.env.require_tls = true;
        m.env.ret = mail::dsn_return::full;
        o.send(m, "Subject: x\r\n\r\nthe secret body\r\n");
        auto const u = o.queue.settled("Q1");
        CHECK(u.state == (trusted ? state::delivered : state::bounced));
        if (trusted) {
            CHECK(host.mail(1).back().mail == "MAIL FROM:<from@us.example> REQUIRETLS");
        } else {
            CHECK(u.last_reply.starts_with("550 5.7.30"));
            REQUIRE(o.queue.reports().size() == 1);
            CHECK(o.queue.reports()[0].second.find("the secret body") == std::string::npos);
        }
    }
}

TEST_CASE("REQUIRETLS: the next exchanger is asked when the first one does not offer it")
{
    test_certificate c;
    // The first one has no TLS.
    scripted_server host{[](std::string const& line, unsigned connection) -> std::string {
                             return connection == 1 && line.starts_with("EHLO") ? "250-x\r\n250 PIPELINING" : "";
                         },
                         extensions,
                         {},
                         false,
                         c.context.get()};
    office o;
    o.world.tls = c.trusted();
    o.dns->exchanger("b.example", 5, "first.b.example");
    o.dns->address("first.b.example", "127.0.0.1");
    o.use_exchanger("b.example", host);
    o.dns->sign("b.example");
    o.open();
    auto m = office::letter("Q1", {"to@b.example"});
    m.env.require_tls = true;
    o.send(m);
    CHECK(o.queue.settled("Q1").state == state::delivered);
    CHECK(host.mail(1).back().mail == "MAIL FROM:<from@us.example> REQUIRETLS");
    // Other mail takes the first one.
    o.send(office::letter("Q2", {"to@b.example"}));
    CHECK(o.queue.settled("Q2").state == state::delivered);
}

TEST_CASE("REQUIRETLS: an exchanger that could not be asked leaves hope, one that does not offer it leaves none")
{
    test_certificate c;
    scripted_server host{{}, "PIPELINING", {}, false, c.context.get()};
    for (bool another : {false, true}) {
        CAPTURE(another);
        office o;
        o.world.tls = c.trusted();
        if (another) {
            o.dns->exchanger("b.example", 20, "dead.b.example");
            o.dns->address("dead.b.example", "127.0.0.2");
        }
        o.use_exchanger("b.example", host);
        o.dns->sign("b.example");
        o.open();
        auto m = office::letter("Q1", {"to@b.example"});
        m.env.require_tls = true;
        o.send(m);
        auto const u = o.queue.settled("Q1");
        CHECK(u.state == (another ? state::queued : state::bounced));
        CHECK(u.last_reply.starts_with(another ? "451 4.4.1" : "550 5.7.30"));
        CHECK(host.lines().back() == "QUIT");
        for (auto const& line : host.lines()) CHECK_FALSE(line.starts_with("MAIL"));
    }
}

TEST_CASE("REQUIRETLS: a host that does not offer it is asked at one of its addresses")
{
    scripted_server host{{}, "PIPELINING"};
    office o;
    o.use_exchanger("b.example", host);
    for (int i = 0; i < 15; ++i) o.dns->address("mx.b.example", "127.0.0.1");
    o.dns->sign("b.example");
    o.open();
    auto m = office::letter("Q1", {"to@b.example"});
    m.env.require_tls = true;
    o.send(m);
    auto const u = o.queue.settled("Q1");
    CHECK(u.state == state::bounced);
    CHECK(u.last_reply.starts_with("550 5.7.30"));
    CHECK(host.connections() == 1);
}

TEST_CASE("REQUIRETLS: exchangers that there was no time to ask leave hope, and are no fault of the DNS")
{
    test_certificate c;
    scripted_server host{[](std::string const& line, unsigned) -> std::string {
                             if (line == "QUIT") std::this_thread::sleep_for(700ms);
                             return {};
                         },
                         "PIPELINING",
                         {},
                         false,
                         c.context.get()};
    office o;
    o.world.tls = c.trusted();
    o.world.limits.finding = 600ms;
    o.world.limits.quit = 5s;
    o.use_exchanger("b.example", host);
    o.dns->exchanger("b.example", 20, "mx.b.example.second");
    o.dns->address("mx.b.example.second", "127.0.0.1");
    o.dns->sign("b.example");
    o.open();
    auto m = office::letter("Q1", {"to@b.example"});
    m.env.require_tls = true;
    o.send(m);
    auto const u = o.queue.settled("Q1");
    CHECK(u.state == state::queued);
    CHECK(u.last_reply.starts_with("451 4.7.5"));
}
