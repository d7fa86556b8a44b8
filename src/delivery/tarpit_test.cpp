// Servers that take their time: each answer comes in time, but not all of them together; and
// many domains that lead to the same one.
#include "delivery/test_office.hpp"

using namespace postern;
using namespace postern::delivery;
using namespace postern::delivery::testing;

namespace {

scripted_server::script slow(std::chrono::milliseconds wait)
{
    return [wait](std::string const&, unsigned) {
        std::this_thread::sleep_for(wait);
        return std::string{};
    };
}

// Domains d0.example, d1.example, ... with exchangers of their own names at one address.
void use_exchanger_for_all(office& o, scripted_server const& host, int domains)
{
    for (int d = 0; d < domains; ++d) o.use_exchanger("d" + std::to_string(d) + ".example", host);
}

void send_to_all(office& o, int domains, std::string const& name)
{
    for (int d = 0; d < domains; ++d) {
        std::string const n = std::to_string(d);
        o.send(office::letter(name + n, {"to@d" + n + ".example"}));
    }
}

}  // namespace

TEST_CASE("a server that answers each command just in time does not hold a connection for long")
{
    scripted_server host{slow(150ms), "8BITMIME"};
    office o;
    o.world.limits.transaction = 300ms;
    o.use_smart_host(host);
    o.open();
    auto const start = steady_clock::now();
    o.send(office::letter("Q1", {"to@b.example"}));
    auto const u = o.queue.settled("Q1");
    CHECK(u.state == state::queued);
    CHECK(u.last_reply.find("it took too long altogether") != std::string::npos);
    CHECK(steady_clock::now() - start < 5s);
    CHECK(host.mail(0).empty());
}

TEST_CASE("a large message may take longer")
{
    scripted_server host{slow(50ms), "8BITMIME"};
    office o;
    o.world.limits.transaction = 1ms;
    o.use_smart_host(host);
    o.open();
    std::string big = "Subject: big\r\n\r\n";
    while (big.size() < 100'000) big += "0123456789 abcdefghijklmnopqrstuvwxyz\r\n";
    o.send(office::letter("Q1", {"to@b.example"}), big);
    CHECK(o.queue.settled("Q1").state == state::delivered);
}

TEST_CASE("each message of a connection has the whole time, and a rest costs nothing")
{
    scripted_server host{slow(20ms)};
    office o;
    o.world.limits.transaction = 400ms;
    o.world.limits.idle = 5s;
    o.settings.delivery.connections_per_host = 1;
    o.use_smart_host(host);
    o.open();
    for (int i = 0; i < 15; ++i) o.send(office::letter("Q" + std::to_string(i), {"to@b.example"}));
    CHECK(host.mail(15).size() == 15);
    std::this_thread::sleep_for(500ms);
    o.send(office::letter("Q15", {"to@b.example"}));
    CHECK(o.queue.settled("Q15").state == state::delivered);
    CHECK(host.connections() == 1);
}

TEST_CASE("a connection that is not ready after a time is given up, however it is done")
{
    for (std::string const where : {"GREETING", "EHLO"}) {
        CAPTURE(where);
        scripted_server host{[where](std::string const& line, unsigned) -> std::string {
            if (line.starts_with(where)) std::this_thread::sleep_for(600ms);
            return {};
        }};
        office o;
        o.world.limits.finding = 200ms;
        // Both exchangers together have the time that one has.
        o.dns->exchanger("b.example", 20, "second.b.example");
        o.dns->address("second.b.example", "127.0.0.1");
        o.use_exchanger("b.example", host);
        o.open();
        o.send(office::letter("Q1", {"to@b.example"}));
        auto const u = o.queue.settled("Q1");
        CHECK(u.state == state::queued);
        CHECK(u.last_reply.find("it took too long altogether") != std::string::npos);
        CHECK(host.connections() == 1);
    }
}

TEST_CASE("a host that takes nothing gets no second connection")
{
    scripted_server host{[](std::string const& line, unsigned) -> std::string {
        if (!line.starts_with("RCPT")) return {};
        std::this_thread::sleep_for(30ms);
        return "451 4.3.0 later";
    }};
    office o;
    o.use_smart_host(host);
    o.open();
    for (int i = 0; i < 30; ++i) o.send(office::letter("Q" + std::to_string(i), {"to@b.example"}));
    for (int i = 0; i < 30; ++i) CHECK(o.queue.settled("Q" + std::to_string(i)).state == state::queued);
    CHECK(host.most_at_once() == 1);
}

TEST_CASE("domains with the same exchanger share its connections")
{
    scripted_server host{slow(5ms)};
    office o;
    o.settings.delivery.connections_per_host = 2;
    o.world.limits.idle = 30s;  // what is idle makes room
    use_exchanger_for_all(o, host, 8);
    o.open();
    for (int i = 0; i < 4; ++i) send_to_all(o, 8, "Q" + std::to_string(i));
    CHECK(host.mail(32).size() == 32);
    CHECK(host.most_at_once() <= 2);
}

TEST_CASE("many domains whose exchanger hangs leave the connections to others")
{
    scripted_server hangs{[](std::string const&, unsigned) { return std::string{"HANG"}; }};
    scripted_server good;
    office o;
    o.settings.delivery.concurrency = 8;
    o.settings.delivery.connections_per_host = 2;
    o.settings.delivery.local = "smtp:" + good.address();
    o.accounts.domains = {"us.example"};
    o.world.limits.in_line = 200ms;
    o.world.housekeeping = 50ms;
    use_exchanger_for_all(o, hangs, 20);
    o.open();
    send_to_all(o, 20, "H");
    for (int i = 0; i < 20; ++i) o.send(office::letter("G" + std::to_string(i), {"a@us.example"}));
    CHECK(good.mail(20, 5s).size() == 20);
    CHECK(hangs.most_at_once() == 2);
    // What waits for a place too long is tried later instead.
    unsigned later = 0;
    auto const until = steady_clock::now() + 10s;
    while (later < 18 && steady_clock::now() < until) {
        std::this_thread::sleep_for(20ms);
        later = 0;
        for (int i = 0; i < 20; ++i) later += o.queue.times_settled("H" + std::to_string(i)) > 0 ? 1 : 0;
    }
    CHECK(later == 18);
}

TEST_CASE("a domain waits for its busy exchanger rather than fail at a dead one")
{
    scripted_server hangs{[](std::string const&, unsigned) { return std::string{"HANG"}; }};
    office o;
    o.settings.delivery.connections_per_host = 1;
    o.use_exchanger("a.example", hangs);
    o.use_exchanger("b.example", hangs);
    o.dns->exchanger("b.example", 20, "second.b.example");
    o.dns->address("second.b.example", "127.0.0.2");  // where nobody listens
    o.open();
    o.send(office::letter("Q1", {"to@a.example"}));
    while (hangs.connections() == 0) std::this_thread::sleep_for(5ms);
    o.send(office::letter("Q2", {"to@b.example"}));
    std::this_thread::sleep_for(200ms);
    CHECK(o.queue.times_settled("Q2") == 0);
}
