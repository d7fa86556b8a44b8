// Smart hosts and routes in a world of fakes: which way mail takes, and what becomes of it when
// the host does not take us.
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "catalogue/rules.hpp"
#include "delivery/test_office.hpp"

using namespace postern;
using namespace postern::delivery;
using namespace postern::delivery::testing;
namespace rules = postern::catalogue::rules;

namespace {

// A [[smart_host]] on this machine, without TLS.
config::smart_host& add_host(office& o, scripted_server const& s, std::string name = "up")
{
    auto& h = o.settings.smart_hosts.emplace_back();
    h.name = name;
    h.address = s.address();
    h.tls = config::tls_mode::none;
    h.plaintext = true;
    o.settings.routes.push_back({{}, {}, {}, "smart_host:" + name, {}});
    return h;
}

config::smart_host& add_login(office& o, scripted_server const& s)
{
    auto& h = add_host(o, s);
    h.user = "ann";
    h.password = secret{"pencil"};
    return h;
}

std::size_t count(std::vector<std::string> const& lines, std::string_view verb)
{
    return static_cast<std::size_t>(
        std::count_if(lines.begin(), lines.end(), [&](auto const& l) { return l.starts_with(verb); }));
}

}  // namespace

TEST_CASE("mail goes by a smart host after a login, many messages with one")
{
    scripted_server host{[](std::string const& line, unsigned) {
        if (line.starts_with("EHLO")) return "250-scripted\r\n250 AUTH PLAIN";
        return line.starts_with("AUTH") ? "235 2.7.0 ok" : "";
    }};
    office o;
    add_login(o, host);
    o.open();
    for (char const* id : {"Q1", "Q2"}) {
        o.send(office::letter(id, {"to@b.example"}));
        CHECK(o.queue.settled(id).state == state::delivered);
    }
    CHECK(host.connections() == 1);
    CHECK(count(host.lines(), "AUTH") == 1);
}

TEST_CASE("a refused login: mail waits, the host is left alone, and the operator hears of it once")
{
    std::atomic<bool> good = false;
    scripted_server host{[&](std::string const& line, unsigned) {
        if (line.starts_with("EHLO")) return "250-scripted\r\n250 AUTH PLAIN";
        if (!line.starts_with("AUTH")) return "";
        return good ? "235 2.7.0 ok" : "535 5.7.8 Username and Password not accepted";
    }};
    office o;
    add_login(o, host);
    std::atomic<int> told = 0;
    o.world.on_account_trouble = [&](std::string const& name, std::string const& user, std::string const& reply,
                                     catalogue::rule const& why) {
        ++told;
        CHECK(name == "up");
        CHECK(user == "ann");
        CHECK(reply.find("PLAIN: 535 5.7.8 Username and Password not accepted") != std::string::npos);
        CHECK(&why == &rules::smart_host_login_refused);
    };
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    auto const u = o.queue.settled("Q1");
    CHECK(u.state == state::queued);
    CHECK(u.last_reply.starts_with("454 4.7.0"));
    CHECK(u.last_reply.find("535 5.7.8") != std::string::npos);
    for (char const* id : {"Q2", "Q3", "Q4"}) {
        o.send(office::letter(id, {"to@c.example"}));
        CHECK(o.queue.settled(id).last_reply == u.last_reply);
    }
    CHECK(host.connections() == 1);
    CHECK(count(host.lines(), "AUTH") == 1);
    CHECK(told == 1);
    // An operator who has mended it need not wait.
    good = true;
    o.later(6min);
    CHECK(host.mail(4).size() == 4);
    CHECK(told == 1);
}

TEST_CASE("what a provider says of the account is no bounce, and no more is sent to it for now")
{
    std::atomic<bool> full = true;
    scripted_server host{[&](std::string const& line, unsigned) {
        return full && line.starts_with("MAIL") ? "550 5.4.5 Daily user sending limit exceeded." : "";
    }};
    office o;
    add_host(o, host);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    auto const u = o.queue.settled("Q1");
    CHECK(u.state == state::queued);
    CHECK(u.last_reply.starts_with("451 4.7.0"));
    CHECK(u.last_reply.find("550 5.4.5") != std::string::npos);
    o.send(office::letter("Q2", {"to@b.example"}));
    CHECK(o.queue.settled("Q2").state == state::queued);
    CHECK(count(host.lines(), "MAIL") == 1);
    full = false;
    o.later(6min);
    CHECK(host.mail(2).size() == 2);
}

TEST_CASE("a server that is no smart host may say the same, and means the message")
{
    scripted_server host{[&](std::string const& line, unsigned) {
        return line.starts_with("MAIL") ? "550 5.4.5 Daily user sending limit exceeded." : "";
    }};
    office o;
    o.use_exchanger("b.example", host);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").state == state::bounced);
}

TEST_CASE("each sender's login is a line of its own")
{
    scripted_server host{[&](std::string const& line, unsigned) {
        if (line.starts_with("EHLO")) return "250-scripted\r\n250 AUTH PLAIN";
        // "\0bob\0bob's"
        if (line == "AUTH PLAIN AGJvYgBib2Incw==") return "235 ok";
        return line.starts_with("AUTH") ? "535 5.7.8 no" : "";
    }};
    office o;
    auto& h = add_login(o, host);
    config::smart_host_login bob;
    bob.senders = {"@bobs.example"};
    bob.user = "bob";
    bob.password = secret{"bob's"};
    h.logins.push_back(bob);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").state == state::queued);
    o.send(office::letter("Q2", {"to@b.example"}, "x@bobs.example"));
    CHECK(o.queue.settled("Q2").state == state::delivered);
}

TEST_CASE("log-ins of the same user, and those of none, are lines of their own, too")
{
    std::mutex lock;
    std::map<unsigned, std::string> came_as;
    std::vector<std::string> sent;
    scripted_server host{[&](std::string const& line, unsigned connection) -> std::string {
        if (line.starts_with("EHLO")) return "250-scripted\r\n250 AUTH PLAIN";
        std::lock_guard const hold{lock};
        if (line.starts_with("AUTH PLAIN ")) {
            came_as[connection] = line.substr(11);
            return "235 ok";
        }
        if (line.starts_with("MAIL FROM:<")) sent.push_back(came_as[connection] + ' ' + line.substr(11, 1));
        return {};
    }};
    office o;
    auto& h = add_host(o, host);
    for (char const* who : {"a", "b"}) {
        config::smart_host_login l;
        l.senders = {std::string{"@"} + who + ".example"};
        l.user = "apikey";
        l.password = secret{who};
        h.logins.push_back(std::move(l));
    }
    o.open();
    // Both at once, then each after the other's connection is there.
    for (int i = 0; i < 6; ++i) {
        std::string const who = i % 2 == 0 ? "a" : "b", id = "Q" + std::to_string(i);
        o.send(office::letter(id, {"to@d.example"}, who + "@" + who + ".example"));
        if (i > 0) CHECK(o.queue.settled(id).state == state::delivered);
    }
    CHECK(host.mail(6).size() == 6);
    std::lock_guard const hold{lock};
    // "\0apikey\0a" and "\0apikey\0b"
    for (auto const& s : sent) CHECK((s == "AGFwaWtleQBh a" || s == "AGFwaWtleQBi b"));
}

TEST_CASE("one connection too many is no reason to leave a smart host alone")
{
    std::atomic<unsigned> refused = 0;
    scripted_server host{[&](std::string const& line, unsigned connection) -> std::string {
        if (connection == 1) return {};
        ++refused;
        return line == "GREETING" ? "421 4.7.0 Too many connections, try again later" : "";
    }};
    office o;
    add_host(o, host);
    o.world.grow_after = 1ms;
    std::atomic<int> told = 0;
    o.world.on_account_trouble = [&](auto const&, auto const&, auto const&, auto const&) { ++told; };
    o.open();
    for (int i = 0; i < 200; ++i) o.send(office::letter("Q" + std::to_string(i), {"to@b.example"}));
    for (int i = 0; i < 200; ++i) CHECK(o.queue.settled("Q" + std::to_string(i)).state == state::delivered);
    CHECK(refused > 0);
    CHECK(told == 0);
    CHECK(host.mail(200).size() == 200);
}

TEST_CASE("delivery.smart_host with the address of a [[smart_host]] logs in as that says")
{
    scripted_server host{[&](std::string const& line, unsigned) {
        if (line.starts_with("EHLO")) return "250-scripted\r\n250 AUTH PLAIN";
        return line.starts_with("AUTH") ? "235 ok" : "";
    }};
    office o;
    add_login(o, host);
    o.settings.routes.clear();
    o.use_smart_host(host);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").state == state::delivered);
    CHECK(count(host.lines(), "AUTH") == 1);
}

TEST_CASE("a password file that is not there, or a server without log-ins: deferred, with the reason")
{
    std::atomic<bool> offers = true;
    scripted_server host{[&](std::string const& line, unsigned) {
        return offers && line.starts_with("EHLO") ? "250-scripted\r\n250 AUTH PLAIN" : "";
    }};
    office o;
    auto& h = add_host(o, host);
    h.user = "ann";
    SUBCASE("no file")
    {
        h.password_file = o.folder / "gone";
        o.open();
        o.send(office::letter("Q1", {"to@b.example"}));
        auto const u = o.queue.settled("Q1");
        CHECK(u.state == state::queued);
        CHECK(u.last_reply.find("gone: No such file") != std::string::npos);
    }
    SUBCASE("no AUTH")
    {
        offers = false;
        h.password = secret{"pencil"};
        o.open();
        o.send(office::letter("Q1", {"to@b.example"}));
        auto const u = o.queue.settled("Q1");
        CHECK(u.state == state::queued);
        CHECK(u.last_reply.find("offers no log-ins") != std::string::npos);
    }
    CHECK(count(host.lines(), "MAIL") == 0);
}

TEST_CASE("messages wait for their turn when a limit is set")
{
    scripted_server host;
    office o;
    auto& h = add_host(o, host);
    SUBCASE("a day")
    {
        o.settings.data_dir = o.folder;
        h.messages_per_day = 1;
        o.open();
        o.send(office::letter("Q1", {"to@b.example"}));
        CHECK(o.queue.settled("Q1").state == state::delivered);
        o.send(office::letter("Q2", {"to@b.example"}));
        auto const u = o.queue.settled("Q2");
        CHECK(u.state == state::queued);
        CHECK(u.last_reply.find("waits for its turn") != std::string::npos);
        CHECK(host.mail(1).size() == 1);
        // The provider knows nothing of our restarts.
        o.running->stop(1s);
        o.open();
        o.send(office::letter("Q3", {"to@b.example"}));
        CHECK(o.queue.settled("Q3").last_reply.find("waits for its turn") != std::string::npos);
        CHECK(host.mail(1).size() == 1);
    }
    SUBCASE("a connection")
    {
        h.messages_per_connection = 1;
        o.open();
        for (char const* id : {"Q1", "Q2", "Q3"}) o.send(office::letter(id, {"to@b.example"}));
        CHECK(host.mail(3).size() == 3);
        CHECK(host.connections() == 3);
    }
    SUBCASE("a minute, evenly")
    {
        h.messages_per_minute = 1200;
        o.open();
        for (char const* id : {"Q1", "Q2", "Q3"}) o.send(office::letter(id, {"to@b.example"}));
        CHECK(host.mail(3).size() == 3);
    }
}

TEST_CASE("routes lead to LMTP, to a Maildir, to MX past a smart host, and nowhere")
{
    scripted_server usual, boxes{{}, "PIPELINING", {}, true}, exchanger;
    office o;
    o.use_smart_host(usual);
    o.use_exchanger("mx.example", exchanger);
    o.accounts.domains = {"us.example"};
    o.settings.routes = {{{"boxes.example"}, {}, {}, "lmtp:" + boxes.address(), {}},
                         {{"archive.example"}, {}, {}, "maildir:" + (o.folder / "archive/%n").string(), {}},
                         {{"mx.example"}, {}, {}, "mx", {}},
                         {{"never.example"}, {}, {}, "refuse", "Not there"},
                         {{"held.example"}, {}, {}, "hold", {}}};
    o.open();
    struct row {
        char const* to;
        state fate;
        scripted_server* at;
    };
    for (row const& r :
         {row{"a@boxes.example", state::delivered, &boxes}, row{"b@archive.example", state::delivered, nullptr},
          row{"c@mx.example", state::delivered, &exchanger}, row{"d@never.example", state::bounced, nullptr},
          // What was released is not held again.
          row{"e@held.example", state::delivered, &usual}, row{"f@other.example", state::delivered, &usual}}) {
        CAPTURE(r.to);
        auto const before = r.at ? r.at->mail(0).size() : 0;
        o.send(office::letter(r.to, {r.to}));
        auto const u = o.queue.settled(r.to);
        CHECK(u.state == r.fate);
        if (r.at) CHECK(r.at->mail(before + 1).size() == before + 1);
        if (r.fate == state::bounced) CHECK(u.last_reply == "550 5.7.1 Not there");
    }
    CHECK(std::filesystem::exists(o.folder / "archive/b/new"));
}

TEST_CASE("an address that does not answer gives way to the next one")
{
    scripted_server host;
    // Whoever connects to a full line waits: its first packet is dropped.
    int const full = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(host.port());
    ::inet_pton(AF_INET, "127.0.0.2", &a.sin_addr);
    REQUIRE(::bind(full, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0);
    REQUIRE(::listen(full, 0) == 0);
    std::vector<int> in_line;
    for (int i = 0; i < 4; ++i) {
        in_line.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        ::connect(in_line.back(), reinterpret_cast<sockaddr*>(&a), sizeof a);
    }
    office o;
    o.world.limits.connect = 1h;
    o.world.limits.connect_next = 50ms;
    o.world.mx_port = host.port();
    // Several, since which address comes first is left to chance.
    for (int i = 0; i < 6; ++i) {
        std::string const domain = "d" + std::to_string(i) + ".example";
        o.dns->exchanger(domain, 10, "a." + domain);
        o.dns->exchanger(domain, 20, "b." + domain);
        o.dns->address("a." + domain, "127.0.0.2");
        o.dns->address("a." + domain, "127.0.0.1");
        o.dns->address("b." + domain, "127.0.0.1");
    }
    o.open();
    for (int i = 0; i < 6; ++i) {
        std::string const id = "Q" + std::to_string(i);
        o.send(office::letter(id, {"to@d" + std::to_string(i) + ".example"}));
        CHECK(o.queue.settled(id).state == state::delivered);
    }
    o.running->stop(0s);
    for (int const s : in_line) ::close(s);
    ::close(full);
}

TEST_CASE("a reload takes a mended login up")
{
    scripted_server host{[&](std::string const& line, unsigned) {
        if (line.starts_with("EHLO")) return "250-scripted\r\n250 AUTH PLAIN";
        // "\0ann\0right"
        if (line == "AUTH PLAIN AGFubgByaWdodA==") return "235 ok";
        return line.starts_with("AUTH") ? "535 5.7.8 no" : "";
    }};
    office o;
    add_login(o, host);
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").state == state::queued);
    o.settings.smart_hosts[0].password = secret{"right"};
    REQUIRE(o.running->reload(o.settings));
    o.send(office::letter("Q2", {"to@b.example"}));
    CHECK(o.queue.settled("Q2").state == state::delivered);
}

TEST_CASE("after a reload, what waited for a smart host goes the new way")
{
    std::atomic<bool> hang = true;
    scripted_server old_host{
        [&](std::string const& line, unsigned) { return hang && line.starts_with("EHLO") ? "HANG" : ""; }};
    scripted_server exchanger, boxes;
    office o;
    o.use_exchanger("b.example", exchanger);
    SUBCASE("delivery.smart_host") { o.use_smart_host(old_host); }
    SUBCASE("[[smart_host]]") { add_login(o, old_host).password = secret{"pencil"}; }
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    for (int i = 0; i < 200 && old_host.connections() == 0; ++i) std::this_thread::sleep_for(10ms);
    REQUIRE(old_host.connections() == 1);
    o.settings.delivery.smart_host.clear();
    o.settings.smart_hosts.clear();
    o.settings.routes.clear();
    REQUIRE(o.running->reload(o.settings));
    CHECK(o.queue.settled("Q1").state == state::delivered);
    CHECK(exchanger.mail(1).size() == 1);
    hang = false;
}
