// Servers that misbehave: nothing is lost, nothing is taken for delivered that was not.
#include "delivery/test_office.hpp"

using namespace postern;
using namespace postern::delivery;
using namespace postern::delivery::testing;

namespace {

spool::recipient_update fate_with(scripted_server::script script, std::chrono::milliseconds limit = 30s)
{
    scripted_server host{std::move(script)};
    office o;
    o.world.limits.command = o.world.limits.data = o.world.limits.content = limit;
    o.use_smart_host(host);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    return o.queue.settled("Q1");
}

scripted_server::script at(std::string const& where, std::string const& what)
{
    return [where, what](std::string const& line, unsigned) { return line.starts_with(where) ? what : std::string{}; };
}

}  // namespace

TEST_CASE("whatever a server does before the final 250, the message stays ours")
{
    for (std::string const where : {"GREETING", "EHLO", "MAIL", "RCPT", "DATA", "."}) {
        for (std::string const what : {"CLOSE", "421 4.3.2 going down", "451 4.3.0 later", "nonsense", "250-half",
                                       "999 what?", "250-a\r\n251 b", "350 more?"}) {
            CAPTURE(where);
            CAPTURE(what);
            auto const u = fate_with(at(where, what), 300ms);
            CHECK(u.state == state::queued);
            CHECK_FALSE(u.last_reply.empty());
        }
    }
}

TEST_CASE("a server that hangs costs a time limit")
{
    for (std::string const where : {"GREETING", "EHLO", "MAIL", "DATA", "."}) {
        CAPTURE(where);
        auto const start = steady_clock::now();
        auto const u = fate_with(at(where, "HANG"), 200ms);
        CHECK(u.state == state::queued);
        CHECK(u.last_reply.find("no answer in time") != std::string::npos);
        CHECK(steady_clock::now() - start < 5s);
    }
}

TEST_CASE("a reply that drips in is as late as one that does not come")
{
    scripted_server host{[](std::string const& line, unsigned) -> std::string {
        if (!line.starts_with("MAIL")) return {};
        std::string endless;
        for (int i = 0; i < 60; ++i) endless += "250-still busy\r\n";
        return endless + "250-";
    }};
    office o;
    o.world.limits.command = 400ms;
    o.use_smart_host(host);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").state == state::queued);
}

TEST_CASE("endless lines and endless replies end the session")
{
    auto u = fate_with(at("GREETING", "220 " + std::string(5000, 'a')));
    CHECK(u.last_reply.find("too long") != std::string::npos);
    std::string lines;
    for (int i = 0; i < 200; ++i) lines += "250-EXT\r\n";
    u = fate_with(at("EHLO", lines + "250 HELP"));
    CHECK(u.last_reply.find("too many lines") != std::string::npos);
    CHECK(u.state == state::queued);
}

TEST_CASE("a 5xx for the greeting is about the host, not about the message")
{
    auto const u = fate_with(at("GREETING", "554 5.7.1 blocked"));
    CHECK(u.state == state::queued);
    CHECK(u.last_reply == "554 5.7.1 blocked");
}

TEST_CASE("a 5xx for the content bounces")
{
    auto const u = fate_with(at(".", "554 5.7.1 spam"));
    CHECK(u.state == state::bounced);
}

TEST_CASE("control characters of a server do not reach the queue")
{
    auto const u = fate_with(at("RCPT", "550 5.1.1 \x1b[31mred\x07"));
    CHECK(u.state == state::bounced);
    for (char c : u.last_reply) CHECK(static_cast<unsigned char>(c) >= 0x20);
}

TEST_CASE("421 in the middle: the messages behind it go over another connection at once")
{
    scripted_server host{[](std::string const& line, unsigned connection) -> std::string {
        static thread_local int mails = 0;
        if (line == "GREETING") mails = 0;
        if (line.starts_with("MAIL") && ++mails > 3 && connection < 4) return "421 4.7.0 enough for one connection";
        return {};
    }};
    office o;
    o.use_smart_host(host);
    o.settings.delivery.connections_per_host = 1;
    for (int i = 0; i < 10; ++i) {
        auto m = office::letter("Q" + std::to_string(i), {"to@b.example"});
        m.size = 5;
        o.queue.keep(m, std::make_shared<memory_content>("a\r\n\r\n", false));
    }
    o.open();
    CHECK(host.mail(10).size() == 10);
    for (int i = 0; i < 10; ++i) {
        CHECK(o.queue.settled("Q" + std::to_string(i)).state == state::delivered);
        CHECK(o.queue.times_settled("Q" + std::to_string(i)) == 1);
    }
}

TEST_CASE("an old connection that the server closed costs no attempt")
{
    std::atomic<bool> first = true;
    scripted_server host{[&](std::string const& line, unsigned) -> std::string {
        if (line == "." && first.exchange(false)) return "250 2.0.0 ok\r\n421 4.4.2 idle too long";
        return {};
    }};
    office o;
    o.use_smart_host(host);
    o.world.limits.idle = 10s;
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").state == state::delivered);
    o.send(office::letter("Q2", {"to@b.example"}));
    CHECK(o.queue.settled("Q2").state == state::delivered);
    CHECK(o.queue.times_settled("Q2") == 1);
}
