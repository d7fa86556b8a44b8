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

TEST_CASE("mail waits for a busy exchanger rather than go to a worse one (RFC 5321 section 5.1)")
{
    std::atomic<bool> go = false;
    scripted_server busy{[&](std::string const& line, unsigned) -> std::string {
        while (line == "." && !go) std::this_thread::sleep_for(5ms);
        return {};
    }};
    scripted_server worse{{}, "PIPELINING", {}, false, nullptr, "127.0.0.2", busy.port()};
    office o;
    o.settings.delivery.connections_per_host = 1;
    o.use_exchanger("a.example", busy);
    o.use_exchanger("b.example", busy);
    o.dns->exchanger("b.example", 20, "second.b.example");
    o.dns->address("second.b.example", "127.0.0.2");
    o.open();
    o.send(office::letter("Q1", {"to@a.example"}));
    while (busy.connections() == 0) std::this_thread::sleep_for(5ms);
    o.send(office::letter("Q2", {"to@b.example"}));
    std::this_thread::sleep_for(200ms);
    CHECK(worse.connections() == 0);
    go = true;
    CHECK(o.queue.settled("Q2").state == state::delivered);
    CHECK(busy.mail(2).size() == 2);
    CHECK(worse.connections() == 0);
}

TEST_CASE("new domains whose server hangs leave half of the connections to others")
{
    scripted_server hangs{[](std::string const&, unsigned) { return std::string{"HANG"}; }};
    scripted_server good;
    office o;
    o.settings.delivery.concurrency = 4;
    o.settings.delivery.connections_per_host = 4;
    o.settings.delivery.local = "smtp:" + good.address();
    o.accounts.domains = {"us.example"};
    use_exchanger_for_all(o, hangs, 8);
    o.open();
    send_to_all(o, 8, "H");
    while (hangs.connections() < 2) std::this_thread::sleep_for(5ms);
    for (int i = 0; i < 20; ++i) o.send(office::letter("G" + std::to_string(i), {"a@us.example"}));
    CHECK(good.mail(20, 5s).size() == 20);
    CHECK(hangs.most_at_once() == 2);
}

TEST_CASE("what waits for a server that hangs does not keep other mail from being tried again")
{
    scripted_server hangs{[](std::string const&, unsigned) { return std::string{"HANG"}; }};
    scripted_server good;
    office o;
    o.settings.delivery.connections_per_host = 1;
    o.settings.delivery.local = "smtp:" + good.address();
    o.accounts.domains = {"us.example"};
    o.use_exchanger("a.example", hangs);
    o.use_exchanger("b.example", hangs);
    SUBCASE("as it is") {}
    SUBCASE("however much may wait in line") { o.world.most_in_line = 100'000; }
    o.open();
    o.send(office::letter("H", {"to@a.example"}));
    while (hangs.connections() == 0) std::this_thread::sleep_for(5ms);
    for (int i = 0; i < 41; ++i) {
        std::vector<std::string> to;
        for (int n = 0; n < 100; ++n) to.push_back("to" + std::to_string(n) + "@b.example");
        o.send(office::letter("H" + std::to_string(i), to));
    }
    auto m = office::letter("G", {"a@us.example"});
    m.size = 5;
    o.queue.keep(m, std::make_shared<memory_content>("a\r\n\r\n", false));
    std::this_thread::sleep_for(50ms);
    o.running->wake();
    CHECK(good.mail(1, 5s).size() == 1);
}

TEST_CASE("a slow domain's long line does not keep other mail from being tried again")
{
    // It lives, and takes its time.
    scripted_server slow_one{[](std::string const& line, unsigned) {
        return line.starts_with("MAIL") ? std::string{"HANG"} : std::string{};
    }};
    scripted_server good;
    office o;
    o.settings.delivery.connections_per_host = 1;
    o.settings.delivery.local = "smtp:" + good.address();
    o.accounts.domains = {"us.example"};
    o.use_exchanger("a.example", slow_one);
    auto const keep = [&](spool::message m) {
        m.size = 5;
        o.queue.keep(std::move(m), std::make_shared<memory_content>("a\r\n\r\n", false));
    };
    std::size_t count = 0;
    SUBCASE("a few mailings to very many")
    {
        for (; count < 60; ++count) {
            std::vector<std::string> to;
            for (int n = 0; n < 100; ++n) to.push_back("to" + std::to_string(n) + "@a.example");
            keep(office::letter("A" + std::to_string(count), to));
        }
    }
    SUBCASE("very many messages: what is too much waits in the spool until about its turn")
    {
        o.world.most_from_spool = 500;
        for (; count < 4500; ++count) keep(office::letter("A" + std::to_string(1000 + count), {"to@a.example"}));
        keep(office::letter("B", {"last@a.example"}));
    }
    keep(office::letter("Z", {"a@us.example"}));
    o.open();
    CHECK(good.mail(1).size() == 1);
    if (count == 60) return;
    auto const u = o.queue.settled("B");
    CHECK(u.state == state::queued);
    CHECK(u.last_reply.starts_with("451 4.3.2"));
    CHECK(u.next_attempt > wall_clock::now() + 50s);
    CHECK(u.next_attempt < wall_clock::now() + 62min);
}

TEST_CASE("what waits for a server beyond a number waits in the spool")
{
    scripted_server hangs{[](std::string const&, unsigned) { return std::string{"HANG"}; }};
    office o;
    o.settings.delivery.connections_per_host = 1;
    o.world.most_in_line = 3;
    use_exchanger_for_all(o, hangs, 8);
    o.open();
    o.send(office::letter("H", {"to@d0.example"}));
    while (hangs.connections() == 0) std::this_thread::sleep_for(5ms);
    for (int d = 1; d < 4; ++d) {
        o.send(office::letter("H" + std::to_string(d), {"to@d" + std::to_string(d) + ".example"}));
    }
    std::this_thread::sleep_for(100ms);
    for (int d = 4; d < 8; ++d) {
        std::string const n = std::to_string(d);
        o.send(office::letter("L" + n, {"to@d" + n + ".example"}));
        auto const u = o.queue.settled("L" + n);
        CHECK(u.state == state::queued);
        CHECK(u.last_reply.starts_with("451 4.3.2"));
        CHECK(u.next_attempt < wall_clock::now() + 80s);
    }
    for (int d = 1; d < 4; ++d) CHECK(o.queue.times_settled("H" + std::to_string(d)) == 0);
}

TEST_CASE("mail for a host of the settings shares its connections, with REQUIRETLS or without")
{
    for (bool unix_socket : {false, true}) {
        CAPTURE(unix_socket);
        office o;
        auto const path = (o.folder / "lmtp").string();
        scripted_server host{slow(5ms), "PIPELINING", unix_socket ? path : std::string{}, true};
        o.settings.delivery.connections_per_host = 1;
        o.settings.delivery.local = "lmtp:" + (unix_socket ? "unix:" + path : host.address());
        o.accounts.domains = {"us.example"};
        o.world.limits.idle = 30s;
        o.open();
        for (int i = 0; i < 20; ++i) {
            auto m = office::letter("Q" + std::to_string(i), {"a@us.example"});
            m.env.require_tls = i % 2 == 0;
            o.send(m);
        }
        CHECK(host.mail(20).size() == 20);
        CHECK(host.most_at_once() == 1);
    }
}

TEST_CASE("who waits for a server is woken when a reload allows it more connections")
{
    scripted_server hangs{[](std::string const&, unsigned) { return std::string{"HANG"}; }};
    office o;
    o.settings.delivery.connections_per_host = 1;
    use_exchanger_for_all(o, hangs, 3);
    o.open();
    send_to_all(o, 3, "Q");
    std::this_thread::sleep_for(100ms);
    CHECK(hangs.connections() == 1);
    o.settings.delivery.connections_per_host = 3;
    REQUIRE(o.running->reload(o.settings));
    auto const until = steady_clock::now() + 5s;
    while (hangs.connections() < 3 && steady_clock::now() < until) std::this_thread::sleep_for(5ms);
    CHECK(hangs.connections() == 3);
}
