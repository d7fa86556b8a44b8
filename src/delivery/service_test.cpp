// The service against servers on loopback that do what a script says.
#include "delivery/service.hpp"

#include "delivery/test_office.hpp"

using namespace postern;
using namespace postern::delivery;
using namespace postern::delivery::testing;

TEST_CASE("mail goes to the smart host, content as it is")
{
    scripted_server host;
    office o;
    o.use_smart_host(host);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}), "Subject: x\r\n\r\n.a\r\n..\r\nb.\r\n");
    auto const got = host.mail(1);
    REQUIRE(got.size() == 1);
    CHECK(got[0].mail == "MAIL FROM:<from@us.example> SIZE=26");
    CHECK(got[0].rcpt == std::vector<std::string>{"RCPT TO:<to@b.example>"});
    CHECK(got[0].content == "Subject: x\r\n\r\n..a\r\n...\r\nb.\r\n");
    auto const u = o.queue.settled("Q1");
    CHECK(u.state == state::delivered);
    CHECK(u.last_reply == "250 2.0.0 queued");
    CHECK(o.queue.reports().empty());
}

TEST_CASE("content that can only be read in pieces arrives whole")
{
    scripted_server host;
    office o;
    o.use_smart_host(host);
    o.open();
    std::string big = "Subject: big\r\n\r\n";
    while (big.size() < 1'000'000) big += "0123456789 abcdefghijklmnopqrstuvwxyz\r\n";
    std::string const dotted = big + ".\r\n.x\r\n";
    o.send(office::letter("Q1", {"to@b.example"}), big, true);
    o.send(office::letter("Q2", {"to@b.example"}), dotted, true);
    o.send(office::letter("Q3", {"to@b.example"}), "no line end", true);
    auto got = host.mail(3);
    REQUIRE(got.size() == 3);
    std::sort(got.begin(), got.end(), [](auto const& a, auto const& b) { return a.content.size() < b.content.size(); });
    CHECK(got[0].content == "no line end\r\n");
    CHECK((got[1].content == big));
    CHECK((got[2].content == big + "..\r\n..x\r\n"));
}

TEST_CASE("many messages share few connections")
{
    scripted_server host;
    office o;
    o.use_smart_host(host);
    o.open();
    for (int i = 0; i < 500; ++i) o.send(office::letter("Q" + std::to_string(i), {"to@b.example"}));
    CHECK(host.mail(500).size() == 500);
    for (int i = 0; i < 500; ++i) CHECK(o.queue.settled("Q" + std::to_string(i)).state == state::delivered);
    CHECK(host.connections() <= 20);
}

TEST_CASE("an idle connection is used again, and ends with QUIT")
{
    scripted_server host;
    office o;
    o.use_smart_host(host);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    o.queue.settled("Q1");
    o.send(office::letter("Q2", {"to@b.example"}));
    o.queue.settled("Q2");
    CHECK(host.connections() == 1);
    o.running->stop(5s);
    CHECK(host.lines().back() == "QUIT");
}

TEST_CASE("a slow host gets more connections, but never more than allowed")
{
    scripted_server host{[](std::string const& line, unsigned) {
        if (line == ".") std::this_thread::sleep_for(30ms);
        return std::string{};
    }};
    office o;
    o.use_smart_host(host);
    o.settings.delivery.connections_per_host = 3;
    o.open();
    for (int i = 0; i < 60; ++i) o.send(office::letter("Q" + std::to_string(i), {"to@b.example"}));
    CHECK(host.mail(60).size() == 60);
    CHECK(host.most_at_once() == 3);
}

TEST_CASE("recipients of one message have their own fates, and the sender hears of failures")
{
    scripted_server host{[](std::string const& line, unsigned) -> std::string {
        if (line.starts_with("RCPT TO:<no@")) return "550 5.1.1 no such user";
        if (line.starts_with("RCPT TO:<later@")) return "450 4.2.0 greylisted";
        return {};
    }};
    office o;
    o.use_smart_host(host);
    o.open();
    o.send(office::letter("Q1", {"yes@b.example", "no@b.example", "later@b.example"}));
    CHECK(o.queue.settled("Q1", 0).state == state::delivered);
    auto const no = o.queue.settled("Q1", 1);
    CHECK(no.state == state::bounced);
    CHECK(no.last_reply == "550 5.1.1 no such user");
    auto const later = o.queue.settled("Q1", 2);
    CHECK(later.state == state::queued);
    CHECK(later.next_attempt > wall_clock::now() + 4min);
    CHECK(later.next_attempt < wall_clock::now() + 6min);

    auto const reports = o.queue.reports();
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].first.env.reverse_path.null);
    CHECK(reports[0].first.recipients.at(0).to.forward_path == box("from@us.example"));
    CHECK(reports[0].second.find("no@b.example") != std::string::npos);
    CHECK(reports[0].second.find("Status: 5.1.1") != std::string::npos);
    CHECK(reports[0].second.find("yes@b.example") == std::string::npos);
    CHECK(reports[0].second.find("Subject: test") != std::string::npos);
    // The report itself goes out, with a null reverse-path.
    auto const got = host.mail(2);
    REQUIRE(got.size() == 2);
    CHECK(got[1].mail.starts_with("MAIL FROM:<>"));
}

TEST_CASE("a deferred recipient is tried again when its time has come")
{
    std::atomic<int> asked = 0;
    scripted_server host{[&](std::string const& line, unsigned) -> std::string {
        if (line.starts_with("RCPT") && asked++ == 0) return "451 4.3.0 later";
        return {};
    }};
    office o;
    o.use_smart_host(host);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").state == state::queued);
    o.running->wake();
    std::this_thread::sleep_for(50ms);
    CHECK(asked == 1);
    o.later(6min);
    CHECK(o.queue.settled("Q1", 0, 2).state == state::delivered);
    CHECK(asked == 2);
}

TEST_CASE("what was to come back by a time is not delivered after it")
{
    std::atomic<int> commands = 0;
    scripted_server host{[&](std::string const& line, unsigned) {
        if (line.starts_with("MAIL")) ++commands;
        return std::string{};
    }};
    office o;
    o.accounts.domains = {"us.example"};
    o.accounts.add("ann@us.example");
    o.use_exchanger("b.example", host);
    o.open();
    auto m = office::letter("Q1", {"to@b.example", "ann@us.example"});
    m.env.by.mode = mail::by_mode::give_back;
    m.env.by.until = wall_clock::now() - 1s;
    o.send(m);
    for (std::uint32_t i : {0u, 1u}) {
        auto const u = o.queue.settled("Q1", i);
        CHECK(u.state == state::bounced);
        CHECK(u.last_reply.starts_with("550 5.4.7"));
    }
    CHECK(host.connections() == 0);
    CHECK_FALSE(std::filesystem::exists(o.folder / "us.example/ann"));
    CHECK(o.queue.reports().size() == 2);
    // With time left, and for who only wants to hear of it, nothing changes.
    m.queue_id = "Q2";
    m.env.by.until = wall_clock::now() + 1h;
    o.send(m);
    m.queue_id = "Q3";
    m.env.by.mode = mail::by_mode::notify;
    m.env.by.until = wall_clock::now() - 1h;
    o.send(m);
    for (char const* id : {"Q2", "Q3"})
        for (std::uint32_t i : {0u, 1u}) CHECK(o.queue.settled(id, i).state == state::delivered);
    CHECK(commands == 2);
}

TEST_CASE("time that ends in line is over for the next connection, too")
{
    std::mutex lock;
    std::condition_variable go;
    bool gone = false;
    scripted_server host{[&](std::string const& line, unsigned) {
        if (line != "GREETING") return std::string{};
        std::unique_lock hold{lock};
        go.wait_for(hold, 20s, [&] { return gone; });
        return std::string{};
    }};
    office o;
    o.use_smart_host(host);
    o.open();
    auto m = office::letter("Q1", {"to@b.example"});
    m.env.by.mode = mail::by_mode::give_back;
    m.env.by.until = wall_clock::now() + 100ms;
    o.send(m);
    std::this_thread::sleep_until(m.env.by.until);
    {
        std::lock_guard const hold{lock};
        gone = true;
    }
    go.notify_all();
    CHECK(o.queue.settled("Q1").state == state::bounced);
    CHECK(host.mail(0).empty());
}

TEST_CASE("what was in the spool at the start is delivered")
{
    scripted_server host;
    office o;
    o.use_smart_host(host);
    for (int i = 0; i < 300; ++i) {
        auto m = office::letter("Q" + std::to_string(i), {"to@b.example"});
        m.size = 5;
        o.queue.keep(m, std::make_shared<memory_content>("a\r\n\r\n", false));
    }
    o.open();
    CHECK(host.mail(300).size() == 300);
}

TEST_CASE("after give_up_after the sender gets a report; a message without a sender gets none (66, 67)")
{
    scripted_server host{[](std::string const& line, unsigned) -> std::string {
        return line.starts_with("RCPT") ? "451 4.3.0 later" : "";
    }};
    office o;
    o.use_smart_host(host);
    o.settings.delivery.give_up_after = std::chrono::hours{24};
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    o.send(office::letter("Q2", {"to@b.example"}, ""));
    CHECK(o.queue.settled("Q1").state == state::queued);
    CHECK(o.queue.settled("Q2").state == state::queued);
    o.later(std::chrono::hours{25});
    CHECK(o.queue.settled("Q1", 0, 2).state == state::expired);
    CHECK(o.queue.settled("Q2", 0, 2).state == state::expired);
    auto const reports = o.queue.reports();
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].second.find("451 4.3.0 later") != std::string::npos);
}

TEST_CASE("the report of a failure comes at the time that is configured, not at the next attempt after it")
{
    scripted_server host{[](std::string const& line, unsigned) -> std::string {
        return line.starts_with("RCPT") ? "451 4.3.0 later" : "";
    }};
    office o;
    o.use_smart_host(host);
    o.settings.delivery.retry = {1h};
    o.settings.delivery.give_up_after = 10min;
    o.open();
    auto m = office::letter("Q1", {"to@b.example"});
    auto const end = m.accepted_at + 10min;
    o.send(m);
    CHECK(o.queue.settled("Q1").state == state::queued);
    CHECK(o.queue.settled("Q1").next_attempt == end);
    o.later(10min);
    CHECK(o.queue.settled("Q1", 0, 2).state == state::expired);
}

TEST_CASE("what is put off for want of room is given up in time too")
{
    scripted_server hangs{[](std::string const&, unsigned) { return std::string{"HANG"}; }};
    office o;
    o.world.most_under_way = 1;
    o.use_smart_host(hangs);
    o.settings.delivery.give_up_after = 30s;
    o.open();
    o.send(office::letter("H1", {"to@b.example"}));
    auto m = office::letter("Q1", {"to@b.example"});
    auto const end = m.accepted_at + 30s;
    o.send(m);
    auto const u = o.queue.settled("Q1");
    CHECK(u.state == state::queued);
    CHECK(u.last_reply.starts_with("451 4.3.2"));
    CHECK(u.next_attempt == end);
    o.later(30s);
    CHECK(o.queue.settled("Q1", 0, 2).state == state::expired);
    CHECK(o.queue.reports().size() == 1);
}

TEST_CASE("the sender is told once that mail is late, also across restarts (74)")
{
    scripted_server host{[](std::string const& line, unsigned) -> std::string {
        return line.starts_with("RCPT TO:<to@") ? "451 4.3.0 later" : "";
    }};
    office o;
    o.use_smart_host(host);
    o.settings.delivery.retry = {3h};
    o.settings.delivery.delay_notice_after = 4h;
    o.open();
    auto m = office::letter("Q1", {"to@b.example", "to@b.example", "to@b.example", "to@b.example"});
    m.recipients[1].to.notify = {.specified = true, .failure = true, .delay = true};
    m.recipients[2].to.notify = {.specified = true, .failure = true};
    m.recipients[3].to.notify = {.specified = true, .never = true};
    m.env.ret = mail::dsn_return::full;
    for (std::uint32_t i = 0; i < m.recipients.size(); ++i) m.recipients[i].number = i;
    auto const accepted = m.accepted_at;
    o.send(m);
    o.send(office::letter("Q2", {"to@b.example"}, ""));
    CHECK(o.queue.settled("Q1").state == state::queued);
    CHECK(o.queue.settled("Q2").state == state::queued);
    o.later(3h + 20min);
    // The attempt after this one is made when the notice is due.
    CHECK(o.queue.settled("Q1", 0, 2).next_attempt == accepted + 4h);
    CHECK(o.queue.reports().empty());
    o.running->stop(0s);
    o.open();
    o.later(40min);
    CHECK(o.queue.settled("Q1", 0, 3).state == state::queued);
    o.running->stop(0s);
    o.open();
    for (int times = 4; times < 6; ++times) {
        o.later(4h);
        CHECK(o.queue.settled("Q1", 0, static_cast<std::size_t>(times)).state == state::queued);
    }
    auto const reports = o.queue.reports();
    REQUIRE(reports.size() == 1);
    auto const& text = reports[0].second;
    CHECK(reports[0].first.env.reverse_path.null);
    CHECK(text.find("Subject: Your mail is delayed") != std::string::npos);
    CHECK(text.find("Diagnostic-Code: smtp; 451 4.3.0 later") != std::string::npos);
    CHECK(text.find("body") == std::string::npos);
    std::size_t delayed = 0;
    for (std::size_t at = text.find("Action: delayed"); at != std::string::npos;
         at = text.find("Action: delayed", at + 1))
        ++delayed;
    CHECK(delayed == 2);
    auto const until = std::chrono::time_point_cast<wall_clock::duration>(accepted + std::chrono::hours{120});
    CHECK(text.find("Will-Retry-Until: " + to_rfc5322(until)) != std::string::npos);
}

TEST_CASE("no notice of a delay when the setting is 0")
{
    scripted_server host{[](std::string const& line, unsigned) -> std::string {
        return line.starts_with("RCPT TO:<to@") ? "451 4.3.0 later" : "";
    }};
    office o;
    o.use_smart_host(host);
    o.settings.delivery.delay_notice_after = 0s;
    o.open();
    auto m = office::letter("Q1", {"to@b.example"});
    m.recipients[0].to.notify = {.specified = true, .delay = true};
    o.send(m);
    CHECK(o.queue.settled("Q1").state == state::queued);
    o.later(5h);
    CHECK(o.queue.settled("Q1", 0, 2).state == state::queued);
    CHECK(o.queue.reports().empty());
}

TEST_CASE("of a delay hear those that sent the mail for sure, and strangers that ask for it")
{
    scripted_server host{[](std::string const& line, unsigned) -> std::string {
        return line.starts_with("RCPT TO:<to@") ? "451 4.3.0 later" : "";
    }};
    office o;
    o.use_smart_host(host);
    o.settings.relay.networks = {*network::parse("192.0.2.0/24")};
    o.settings.delivery.delay_notice_after = 4h;
    o.open();
    auto const send = [&](std::string const& name, std::string const& account, std::string const& client, bool asks) {
        auto m = office::letter(name, {"to@b.example"}, name + "@c.example");
        m.account = account;
        m.client = client;
        if (asks) m.recipients[0].to.notify = {.specified = true, .failure = true, .delay = true};
        o.send(m);
        CHECK(o.queue.settled(name).state == state::queued);
    };
    send("forged", "", "203.0.113.9", false);
    send("asks", "", "203.0.113.9", true);
    send("inside", "", "192.0.2.7", false);
    send("account", "ann@us.example", "203.0.113.9", false);
    o.later(5h);
    for (std::string const name : {"forged", "asks", "inside", "account"}) {
        CHECK(o.queue.settled(name, 0, 2).state == state::queued);
    }
    std::vector<std::string> told;
    for (auto const& [report, text] : o.queue.reports())
        told.push_back(report.recipients.at(0).to.forward_path.local_part);
    std::sort(told.begin(), told.end());
    CHECK(told == std::vector<std::string>{"account", "asks", "inside"});
}

TEST_CASE("a bounce of a bounce is dropped (66)")
{
    scripted_server host{[](std::string const& line, unsigned) -> std::string {
        return line.starts_with("RCPT") ? "550 5.1.1 nobody" : "";
    }};
    office o;
    o.use_smart_host(host);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").state == state::bounced);
    auto const reports = o.queue.reports();
    REQUIRE(reports.size() == 1);
    // The report is refused too, and that is the end of it.
    CHECK(o.queue.settled(reports[0].first.queue_id).state == state::bounced);
    CHECK(o.queue.reports().size() == 1);
    CHECK(*o.queue.count() == 0);
}

TEST_CASE("NOTIFY decides about reports (74)")
{
    auto const refuse = [](std::string const& line, unsigned) -> std::string {
        return line.starts_with("RCPT TO:<no") ? "550 5.1.1 nobody" : "";
    };
    // The host knows no DSN: what it takes is reported as passed on.
    scripted_server host{refuse, "PIPELINING"};
    office o;
    o.use_smart_host(host);
    o.open();
    auto never = office::letter("Q1", {"no@b.example"});
    never.recipients[0].to.notify = {.specified = true, .never = true};
    o.send(never);
    auto success_only = office::letter("Q2", {"no@b.example"});
    success_only.recipients[0].to.notify = {.specified = true, .success = true};
    o.send(success_only);
    CHECK(o.queue.settled("Q1").state == state::bounced);
    CHECK(o.queue.settled("Q2").state == state::bounced);
    CHECK(o.queue.reports().empty());
    auto success = office::letter("Q3", {"yes@b.example"});
    success.recipients[0].to.notify = {.specified = true, .success = true};
    success.env.envelope_id = "my id";
    o.send(success);
    CHECK(o.queue.settled("Q3").state == state::delivered);
    REQUIRE(o.queue.reports().size() == 1);
    CHECK(o.queue.reports()[0].second.find("Action: relayed") != std::string::npos);
    CHECK(o.queue.reports()[0].second.find("Original-Envelope-Id: my id") != std::string::npos);
}

TEST_CASE("a host that knows DSN gets the parameters and the duty")
{
    scripted_server host;
    office o;
    o.use_smart_host(host);
    o.open();
    auto m = office::letter("Q1", {"yes@b.example"});
    m.recipients[0].to.notify = {.specified = true, .success = true};
    m.recipients[0].to.original = "rfc822;orig@b.example";
    o.send(m);
    CHECK(o.queue.settled("Q1").state == state::delivered);
    CHECK(o.queue.reports().empty());
    CHECK(host.mail(1).at(0).rcpt.at(0) == "RCPT TO:<yes@b.example> NOTIFY=SUCCESS ORCPT=rfc822;orig@b.example");
}

TEST_CASE("a dead destination delays nobody else")
{
    scripted_server alive;
    scripted_server hangs{[](std::string const&, unsigned) { return std::string{"HANG"}; }};
    office o;
    o.use_exchanger("good.example", alive);
    o.settings.delivery.local = "smtp:" + hangs.address();
    o.accounts.domains = {"us.example"};
    o.world.limits.command = 30s;
    o.open();
    for (int i = 0; i < 50; ++i) o.send(office::letter("H" + std::to_string(i), {"a@us.example"}));
    for (int i = 0; i < 50; ++i) o.send(office::letter("G" + std::to_string(i), {"a@good.example"}));
    CHECK(alive.mail(50, 5s).size() == 50);
    CHECK(o.queue.times_settled("H0") == 0);
}

TEST_CASE("few connections in total go round, and idle ones make room")
{
    scripted_server host{[](std::string const& line, unsigned) {
        if (line == ".") std::this_thread::sleep_for(2ms);
        return std::string{};
    }};
    office o;
    o.settings.delivery.concurrency = 2;
    o.world.limits.idle = 30s;
    o.world.mx_port = host.port();
    for (int d = 0; d < 6; ++d) {
        std::string const domain = "d" + std::to_string(d) + ".example";
        o.dns->exchanger(domain, 1, "mx." + domain);
        o.dns->address("mx." + domain, "127.0.0.1");
    }
    o.open();
    for (int i = 0; i < 60; ++i) {
        o.send(office::letter("Q" + std::to_string(i), {"to@d" + std::to_string(i % 6) + ".example"}));
    }
    CHECK(host.mail(60).size() == 60);
    CHECK(host.most_at_once() <= 2);
}

TEST_CASE("hosts that hang again and again leave half of the connections to the others")
{
    std::atomic<bool> hang = false;
    scripted_server bad{[&](std::string const&, unsigned) -> std::string { return hang ? "HANG" : "CLOSE"; }};
    scripted_server good;
    office o;
    o.settings.delivery.concurrency = 4;
    o.settings.delivery.local = "smtp:" + good.address();
    o.accounts.domains = {"us.example"};
    o.world.mx_port = bad.port();
    o.world.down_first = o.world.down_most = 1ms;
    for (int d = 0; d < 8; ++d) {
        std::string const domain = "d" + std::to_string(d) + ".example";
        o.dns->exchanger(domain, 1, "mx." + domain);
        o.dns->address("mx." + domain, "127.0.0.1");
    }
    o.open();
    auto const to_all = [&](std::string const& name) {
        for (int d = 0; d < 8; ++d) {
            std::string const n = std::to_string(d);
            o.send(office::letter(name + n, {"to@d" + n + ".example"}));
        }
    };
    to_all("A");
    for (int d = 0; d < 8; ++d) CHECK(o.queue.settled("A" + std::to_string(d)).state == state::queued);
    std::this_thread::sleep_for(20ms);
    hang = true;
    to_all("B");
    for (int i = 0; i < 20; ++i) o.send(office::letter("G" + std::to_string(i), {"a@us.example"}));
    CHECK(good.mail(20, 5s).size() == 20);
    CHECK(bad.most_at_once() <= 4);
}

TEST_CASE("a host that refuses connections is found dead once, not for each message")
{
    office o;
    o.settings.delivery.smart_host = "127.0.0.1:1";
    o.open();
    for (int i = 0; i < 20; ++i) o.send(office::letter("Q" + std::to_string(i), {"to@b.example"}));
    std::size_t soon = 0;
    auto const look_at = [&](std::string const& id) {
        auto const u = o.queue.settled(id);
        CHECK(u.state == state::queued);
        CHECK(u.last_reply.starts_with("451 4.4.1"));
        soon += u.next_attempt < wall_clock::now() + 40s ? 1 : 0;
    };
    for (int i = 0; i < 20; ++i) look_at("Q" + std::to_string(i));
    o.send(office::letter("R1", {"to@b.example"}));
    look_at("R1");
    // One is there for the next look at it; the others wait their time, or until it works.
    CHECK(soon == 1);
    auto const known = o.running->destinations(10);
    REQUIRE(known.size() == 1);
    CHECK(known[0].key == "smtp:127.0.0.1:1");
    CHECK(known[0].down_until.has_value());
    CHECK(known[0].last_failure.starts_with("451 4.4.1"));
}

TEST_CASE("who asks for another attempt gets one, also at a host that is left alone")
{
    std::atomic<bool> works = false;
    scripted_server host{[&](std::string const&, unsigned) -> std::string { return works ? "" : "CLOSE"; }};
    office o;
    o.world.down_first = o.world.down_most = 1h;
    o.use_smart_host(host);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").state == state::queued);
    CHECK(o.running->destinations(10).at(0).down_until.has_value());
    works = true;
    o.later(6min);
    CHECK(o.queue.settled("Q1", 0, 2).state == state::delivered);
}

TEST_CASE("a host that comes back gets what waited")
{
    office o;
    o.world.down_first = 1ms;
    o.world.down_most = 1ms;
    std::uint16_t port = 0;
    {
        scripted_server gone;
        port = gone.port();
        o.use_smart_host(gone);
    }
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").state == state::queued);
    scripted_server host;
    o.settings.delivery.smart_host = host.address();
    REQUIRE(o.running->reload(o.settings));
    o.later(6min);
    CHECK(o.queue.settled("Q1", 0, 2).state == state::delivered);
    CHECK(port != host.port());
}

TEST_CASE("a settlement that the disk does not take is not forgotten")
{
    scripted_server host;
    office o;
    o.use_smart_host(host);
    o.queue.fail_settlements(1);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").state == state::delivered);
    CHECK(host.mail(1).size() == 1);
}

TEST_CASE("stop ends what hangs and leaves it in the spool")
{
    scripted_server hangs{[](std::string const& line, unsigned) -> std::string { return line == "." ? "HANG" : ""; }};
    office o;
    o.use_smart_host(hangs);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    while (hangs.lines().empty() || hangs.lines().back() != "DATA") std::this_thread::sleep_for(5ms);
    auto const start = steady_clock::now();
    o.running->stop(0s);
    CHECK(steady_clock::now() - start < 4s);
    CHECK(*o.queue.count() == 1);
}
