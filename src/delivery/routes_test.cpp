// Where mail goes: exchangers, addresses, local mailboxes, and what is refused on the way.
#include <fstream>
#include <iterator>
#include <set>

#include <sys/stat.h>

#include "catalogue/rules.hpp"
#include "delivery/exchangers.hpp"
#include "delivery/test_office.hpp"

using namespace postern;
using namespace postern::delivery;
using namespace postern::delivery::testing;
using namespace std::string_literals;
namespace rules = postern::catalogue::rules;

namespace {

std::string read_file(std::filesystem::path const& p)
{
    std::ifstream in{p, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

std::vector<std::filesystem::path> files_in(std::filesystem::path const& p)
{
    std::vector<std::filesystem::path> all;
    if (!std::filesystem::exists(p)) return all;
    for (auto const& e : std::filesystem::directory_iterator{p}) all.push_back(e.path());
    return all;
}

exchangers choose(std::vector<dns::mx_record> records, dns::finding what = dns::finding::found)
{
    std::mt19937 random{1};
    return choose_exchangers("b.example", {what, std::move(records), false, "because"}, "us.example", random);
}

}  // namespace

TEST_CASE("exchangers: best preference first, equal ones in any order")
{
    CHECK(choose({{20, "c"}, {10, "a"}, {30, "d"}}).hosts == std::vector<std::string>{"a", "c", "d"});
    std::set<std::string> first;
    std::mt19937 random{7};
    for (int i = 0; i < 50; ++i) {
        auto const e = choose_exchangers("b.example", {dns::finding::found, {{5, "a"}, {5, "b"}, {9, "c"}}, false, {}},
                                         "us.example", random);
        first.insert(e.hosts.at(0));
        CHECK(e.hosts.at(2) == "c");
    }
    CHECK(first == std::set<std::string>{"a", "b"});
}

TEST_CASE("exchangers: many are cut, the same ones are one")
{
    std::vector<dns::mx_record> many;
    for (std::uint16_t i = 0; i < 100; ++i) many.push_back({i, "h" + std::to_string(i)});
    CHECK(choose(many).hosts.size() == most_hosts);
    CHECK(choose({{1, "a"}, {2, "a"}, {3, "b"}}).hosts == std::vector<std::string>{"a", "b"});
}

TEST_CASE("exchangers: no MX means the domain itself, no domain means a bounce, no answer means later")
{
    CHECK(choose({}, dns::finding::no_data).hosts == std::vector<std::string>{"b.example"});
    CHECK(choose({}, dns::finding::no_such_name).problem == &rules::route_no_such_domain);
    CHECK(choose({}, dns::finding::temporary).problem == &rules::route_dns_failure);
    CHECK(choose({}, dns::finding::bogus).problem == &rules::route_dnssec_bogus);
}

TEST_CASE("exchangers: null MX (68), and a root among others")
{
    CHECK(choose({{0, ""}}).problem == &rules::route_null_mx);
    CHECK(choose({{0, ""}, {10, "a"}}).hosts == std::vector<std::string>{"a"});
}

TEST_CASE("exchangers: where we are one ourselves, only better ones count (RFC 5321 section 5.1)")
{
    CHECK(choose({{10, "a"}, {20, "US.example"}, {20, "b"}, {30, "c"}}).hosts == std::vector<std::string>{"a"});
    CHECK(choose({{10, "us.example"}, {20, "b"}}).problem == &rules::route_loop);
}

TEST_CASE("addresses of this machine lead back")
{
    std::vector<ip_address> const own{*ip_address::parse("192.0.2.1"), *ip_address::parse("2001:db8::1")};
    for (char const* a : {"127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "0.1.2.3", "::", "192.0.2.1", "2001:db8::1",
                          "::ffff:127.0.0.1"}) {
        CAPTURE(a);
        CHECK(leads_back(*ip_address::parse(a), own));
    }
    CHECK_FALSE(leads_back(*ip_address::parse("192.0.2.2"), own));
    CHECK_FALSE(leads_back(*ip_address::parse("2001:db8::2"), own));
    CHECK_FALSE(own_addresses().empty());
}

TEST_CASE("families take turns")
{
    std::mt19937 random{1};
    dns::address_answer a;
    a.what = dns::finding::found;
    a.v6 = {*ip_address::parse("2001:db8::1")};
    a.v4 = {*ip_address::parse("192.0.2.1"), *ip_address::parse("192.0.2.2")};
    auto const order = order_addresses(a, random);
    REQUIRE(order.size() == 3);
    CHECK_FALSE(order[0].is_v4());
    CHECK(order[1].is_v4());
}

TEST_CASE("what the DNS says ends or delays a mail")
{
    office o;
    o.dns->exchanger("null.example", 0, "");
    o.dns->fail("none.example", dns::finding::no_such_name);
    o.dns->fail("broken.example", dns::finding::temporary);
    o.dns->fail("bogus.example", dns::finding::bogus);
    o.dns->exchanger("loop.example", 5, "us.example");
    o.dns->exchanger("unresolved.example", 5, "gone.example");
    o.open();
    struct row {
        char const* domain;
        state fate;
        char const* reply;
    };
    for (row const& r :
         {row{"null.example", state::bounced, "556 5.1.10"}, row{"none.example", state::bounced, "550 5.1.2"},
          row{"broken.example", state::queued, "451 4.4.3"}, row{"bogus.example", state::queued, "451 4.7.5"},
          row{"loop.example", state::bounced, "554 5.4.6"}, row{"unresolved.example", state::bounced, "550 5.4.4"}}) {
        CAPTURE(r.domain);
        o.send(office::letter(r.domain, {std::string{"to@"} + r.domain}));
        auto const u = o.queue.settled(r.domain);
        CHECK(u.state == r.fate);
        CHECK(u.last_reply.starts_with(r.reply));
    }
}

TEST_CASE("an exchanger on this machine is a loop")
{
    scripted_server host;
    office o;
    o.use_exchanger("b.example", host);
    o.world.loopback_is_us = true;
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    auto const u = o.queue.settled("Q1");
    CHECK(u.state == state::bounced);
    CHECK(u.last_reply.starts_with("554 5.4.6"));
    CHECK(host.connections() == 0);
}

TEST_CASE("a server that the settings name is a loop where we listen there ourselves")
{
    struct row {
        char const* door;
        bool loop;
    };
    for (auto const& r : {row{"127.0.0.1:", true}, {":", true}, {"0.0.0.0:", true}, {"127.0.0.2:", false}}) {
        CAPTURE(r.door);
        scripted_server host;
        office o;
        o.use_smart_host(host);
        o.settings.listeners.emplace_back().address = r.door + std::to_string(host.port());
        o.open();
        o.send(office::letter("Q1", {"to@b.example"}));
        auto const u = o.queue.settled("Q1");
        CHECK(u.state == (r.loop ? state::queued : state::delivered));
        if (r.loop) CHECK(u.last_reply.starts_with("451 4.4.6"));
        CHECK(host.connections() == (r.loop ? 0 : 1));
    }
}

TEST_CASE("a better exchanger that can't be looked up delays the mail, though this machine is the next one")
{
    office o;
    o.world.loopback_is_us = true;
    o.dns->exchanger("b.example", 10, "mx.b.example");
    o.dns->addresses["mx.b.example"].what = dns::finding::temporary;
    o.dns->exchanger("b.example", 20, "us.b.example");
    o.dns->address("us.b.example", "127.0.0.1");
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    auto const u = o.queue.settled("Q1");
    CHECK(u.state == state::queued);
    CHECK(u.last_reply.starts_with("451 4.4.3"));
}

TEST_CASE("no exchanger is tried that is as good as this machine, or worse (RFC 5321 section 5.1)")
{
    office o;
    o.world.loopback_is_us = true;
    // Several, since which of the equal ones comes first is left to chance.
    for (int i = 0; i < 10; ++i) {
        std::string const domain = "d" + std::to_string(i) + ".example";
        o.dns->exchanger(domain, 10, "us.b.example");
        o.dns->exchanger(domain, 10, "other.b.example");
        o.dns->exchanger(domain, 20, "worse.b.example");
    }
    o.dns->address("us.b.example", "127.0.0.1");
    // Nobody can connect there, but whoever tries finds a dead host and no loop.
    o.dns->address("other.b.example", "255.255.255.255");
    o.dns->address("worse.b.example", "255.255.255.255");
    o.open();
    for (int i = 0; i < 10; ++i) {
        std::string const id = "Q" + std::to_string(i);
        o.send(office::letter(id, {"to@d" + std::to_string(i) + ".example"}));
        auto const u = o.queue.settled(id);
        CHECK(u.state == state::bounced);
        CHECK(u.last_reply.starts_with("554 5.4.6"));
    }
}

TEST_CASE("one host for local mail and all other keeps both roles apart")
{
    scripted_server host{{}, "PIPELINING"};
    office o;
    o.settings.delivery.local = "smtp:" + host.address();
    o.use_smart_host(host);
    o.accounts.domains = {"us.example"};
    o.open();
    for (std::string const to : {"ann@us.example", "to@b.example"}) {
        auto m = office::letter(to, {to});
        m.recipients[0].to.notify = {.specified = true, .success = true};
        o.send(m);
        CHECK(o.queue.settled(to).state == state::delivered);
    }
    auto const reports = o.queue.reports();
    REQUIRE(reports.size() == 2);
    CHECK(reports[0].second.find("Action: delivered") != std::string::npos);
    CHECK(reports[1].second.find("Action: relayed") != std::string::npos);

    // The smart host only with TLS, which it lacks; local mail goes on.
    o.settings.delivery.require_tls = true;
    REQUIRE(o.running->reload(o.settings));
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").last_reply.starts_with("451 4.7.5"));
    o.send(office::letter("Q2", {"ann@us.example"}));
    CHECK(o.queue.settled("Q2").state == state::delivered);
}

TEST_CASE("what waits for a smart host goes to its successor after a reload")
{
    scripted_server hangs{[](std::string const&, unsigned) { return std::string{"HANG"}; }};
    scripted_server good;
    office o;
    o.use_smart_host(hangs);
    o.open();
    for (int i = 0; i < 3; ++i) o.send(office::letter("Q" + std::to_string(i), {"to@b.example"}));
    while (hangs.connections() == 0) std::this_thread::sleep_for(5ms);
    o.use_smart_host(good);
    REQUIRE(o.running->reload(o.settings));
    CHECK(good.mail(3, 5s).size() == 3);
}

TEST_CASE("reports don't tell where mailboxes are")
{
    for (bool unix_socket : {true, false}) {
        CAPTURE(unix_socket);
        office o;
        auto const path = (o.folder / "lmtp").string();
        scripted_server store{[](std::string const& line, unsigned) -> std::string {
                                  return line.starts_with("RCPT TO:<no") ? "550 5.1.1 nobody here" : "";
                              },
                              "PIPELINING", unix_socket ? path : std::string{}, true};
        std::string const where = unix_socket ? "unix:" + path : store.address();
        o.settings.delivery.local = "lmtp:" + where;
        o.accounts.domains = {"us.example"};
        o.open();
        auto m = office::letter("Q1", {"no@us.example", "yes@us.example"});
        m.recipients[1].to.notify = {.specified = true, .success = true};
        o.send(m);
        CHECK(o.queue.settled("Q1", 0).state == state::bounced);
        CHECK(o.queue.settled("Q1", 1).state == state::delivered);
        // And when it is not there at all.
        o.settings.delivery.local = unix_socket ? "lmtp:unix:" + path + "-gone" : "lmtp:127.0.0.1:1";
        o.settings.delivery.give_up_after = 1h;
        REQUIRE(o.running->reload(o.settings));
        m = office::letter("Q2", {"yes@us.example"});
        m.accepted_at -= 2h;
        o.send(m);
        CHECK(o.queue.settled("Q2").state == state::expired);
        bool said = false;
        for (auto const& [what, text] : o.queue.reports()) {
            CHECK(text.find("Remote-MTA") == std::string::npos);
            CHECK(text.find(path) == std::string::npos);
            CHECK(text.find("127.0.0.1") == std::string::npos);
            said = said || text.find("Diagnostic-Code: smtp; 550 5.1.1 nobody here") != std::string::npos;
        }
        CHECK(said);
    }
}

TEST_CASE("the next exchanger is tried when the first one is dead or unwilling")
{
    scripted_server host{[](std::string const& line, unsigned connection) -> std::string {
        return line == "GREETING" && connection == 1 ? "421 4.3.2 too busy" : "";
    }};
    office o;
    o.dns->exchanger("b.example", 10, "dead.b.example");
    o.dns->exchanger("b.example", 20, "busy.b.example");
    o.dns->exchanger("b.example", 30, "good.b.example");
    o.dns->address("dead.b.example", "127.0.0.2");
    o.dns->address("busy.b.example", "127.0.0.1");
    o.dns->address("good.b.example", "127.0.0.1");
    o.world.mx_port = host.port();
    o.open();
    o.send(office::letter("Q1", {"to@b.example"}));
    CHECK(o.queue.settled("Q1").state == state::delivered);
    CHECK(host.connections() == 2);
}

TEST_CASE("a domain without MX, and an address literal, are hosts themselves")
{
    scripted_server host;
    office o;
    o.dns->address("bare.example", "127.0.0.1");
    o.dns->address("[127.0.0.1]", "127.0.0.1");
    o.world.mx_port = host.port();
    o.open();
    o.send(office::letter("Q1", {"to@bare.example"}));
    o.send(office::letter("Q2", {"to@[127.0.0.1]"}));
    CHECK(o.queue.settled("Q1").state == state::delivered);
    CHECK(o.queue.settled("Q2").state == state::delivered);
}

TEST_CASE("more than a hundred recipients go in several messages")
{
    scripted_server host;
    office o;
    o.use_exchanger("b.example", host);
    o.open();
    std::vector<std::string> all;
    all.reserve(250);
    for (int i = 0; i < 250; ++i) all.push_back("to" + std::to_string(i) + "@b.example");
    o.send(office::letter("Q1", all));
    auto const got = host.mail(3);
    REQUIRE(got.size() == 3);
    CHECK(got[0].rcpt.size() + got[1].rcpt.size() + got[2].rcpt.size() == 250);
    for (std::uint32_t i = 0; i < 250; ++i) CHECK(o.queue.settled("Q1", i).state == state::delivered);
}

TEST_CASE("a host's own limit of recipients and messages is kept (77)")
{
    scripted_server small{[](std::string const& line, unsigned) -> std::string {
        return line.starts_with("EHLO") ? "250-small\r\n250-PIPELINING\r\n250 LIMITS RCPTMAX=2 MAILMAX=2" : "";
    }};
    office o;
    o.use_smart_host(small);
    o.open();
    o.send(office::letter("Q1", {"a@b.example", "b@b.example", "c@b.example", "d@b.example", "e@b.example"}));
    auto const got = small.mail(3);
    REQUIRE(got.size() == 3);
    for (auto const& m : got) CHECK(m.rcpt.size() <= 2);
    CHECK(small.connections() >= 2);
    for (std::uint32_t i = 0; i < 5; ++i) CHECK(o.queue.settled("Q1", i).state == state::delivered);
}

TEST_CASE("what a host can't take bounces: SMTPUTF8 (73), signed 8 bits, size (71), REQUIRETLS (75)")
{
    scripted_server host{{}, "PIPELINING SIZE"};
    scripted_server tiny{[](std::string const& line, unsigned) -> std::string {
        return line.starts_with("EHLO") ? "250-tiny\r\n250-SMTPUTF8\r\n250 SIZE 10" : "";
    }};
    office o;
    o.use_exchanger("b.example", host);
    o.settings.delivery.smart_host.clear();
    o.open();
    auto utf8 = office::letter("UTF8", {"j\xc3\xb6rg@b.example"});
    utf8.env.smtputf8 = true;
    o.send(utf8);
    CHECK(o.queue.settled("UTF8").last_reply.starts_with("553 5.6.7"));
    // SMTPUTF8 was said, but nothing needs it.
    auto plain = office::letter("PLAIN", {"to@b.example"});
    plain.env.smtputf8 = true;
    o.send(plain);
    CHECK(o.queue.settled("PLAIN").state == state::delivered);
    auto header = office::letter("HEADER", {"to@b.example"});
    header.env.smtputf8 = true;
    o.send(header, "Subject: \xc3\xb6\r\n\r\nx\r\n");
    CHECK(o.queue.settled("HEADER").last_reply.starts_with("553 5.6.7"));
    auto eight = office::letter("EIGHT", {"to@b.example"});
    eight.env.body = mail::body_type::eight_bit_mime;
    o.send(
        eight,
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\n\xc3\xb6\r\n"
        "--s--\r\n");
    auto const no = o.queue.settled("EIGHT").last_reply;
    CHECK(no.starts_with("554 5.6.3"));
    CHECK(no.find("a part is signed, and would not be any more") != std::string::npos);
    auto secret = office::letter("SECRET", {"to@b.example"});
    secret.env.require_tls = true;
    o.send(secret);
    CHECK(o.queue.settled("SECRET").state == state::bounced);
    CHECK(o.queue.settled("SECRET").last_reply.starts_with("550 5.7.30"));
    CHECK(o.queue.reports().size() == 4);

    o.settings.delivery.smart_host = tiny.address();
    REQUIRE(o.running->reload(o.settings));
    o.send(office::letter("BIG", {"to@c.example"}));
    CHECK(o.queue.settled("BIG").last_reply.starts_with("552 5.3.4"));
}

TEST_CASE("8-bit and binary content is converted where the host takes none, for this host only")
{
    scripted_server seven{{}, "PIPELINING SIZE"}, eight{{}, "PIPELINING 8BITMIME CHUNKING"};
    office o;
    o.settings.data_dir = o.folder;
    o.settings.routes = {{{"seven.example"}, {}, {}, "smtp:" + seven.address(), {}},
                         {{"eight.example"}, {}, {}, "smtp:" + eight.address(), {}}};
    o.open();
    std::string const head = "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
    std::string const body =
        "Sch\xc3\xb6ne Gr\xc3\xbc\xc3\x9f"
        "e an alle, die das lesen\r\n";
    std::string const converted =
        head +
        "Content-Transfer-Encoding: quoted-printable\r\n\r\nSch=C3=B6ne Gr=C3=BC=C3=9Fe an alle, die das lesen\r\n";
    auto m = office::letter("Q1", {"to@seven.example", "to@eight.example"});
    m.env.body = mail::body_type::eight_bit_mime;
    o.send(m, head + "Content-Transfer-Encoding: 8bit\r\n\r\n" + body);
    auto const a = seven.mail(1), b = eight.mail(1);
    REQUIRE(a.size() == 1);
    REQUIRE(b.size() == 1);
    CHECK(a[0].content == converted);
    CHECK(a[0].mail == "MAIL FROM:<from@us.example> SIZE=" + std::to_string(converted.size()));
    CHECK(b[0].content == head + "Content-Transfer-Encoding: 8bit\r\n\r\n" + body);
    CHECK(b[0].mail.ends_with(" BODY=8BITMIME"));

    // More than is kept in memory, and binary: of all of it, 8-bit text may stay where that is taken.
    std::string const picture = std::string(300'000, '\0') + "\n.\xff";
    std::string const mixed =
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" +
        head.substr(31) + "Content-Transfer-Encoding: 8bit\r\n\r\n.\r\n" + body +
        "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n" + picture + "\r\n--b--\r\n";
    m = office::letter("Q2", {"to@seven.example", "to@eight.example"});
    m.env.body = mail::body_type::binary_mime;
    o.send(m, mixed);
    for (auto* host : {&seven, &eight}) {
        auto const got = host->mail(2);
        REQUIRE(got.size() == 2);
        CHECK(got[1].content.find("Content-Transfer-Encoding: base64\r\n\r\nAAAAAAAA") != std::string::npos);
        CHECK(got[1].content.find("\0"s) == std::string::npos);
        CHECK((got[1].content.find('\xc3') == std::string::npos) == (host == &seven));
        CHECK(got[1].mail.ends_with(host == &seven ? std::to_string(got[1].content.size()) : "BODY=8BITMIME"));
    }
    CHECK(eight.mail(2)[1].content.find("\r\n\r\n..\r\nSch\xc3\xb6ne") != std::string::npos);
    for (std::uint32_t i : {0u, 1u}) CHECK(o.queue.settled("Q2", i).state == state::delivered);
}

TEST_CASE("BINARYMIME goes as one chunk, octet for octet")
{
    scripted_server host{{}, "PIPELINING CHUNKING BINARYMIME"};
    office o;
    o.use_smart_host(host);
    o.open();
    std::string const text = "Subject: x\r\n\r\n.\r\n\0\n\r.bin"s;
    for (bool piecemeal : {false, true}) {
        std::string const id = piecemeal ? "Q2" : "Q1";
        auto m = office::letter(id, {"to@b.example"});
        m.env.body = mail::body_type::binary_mime;
        o.send(m, text, piecemeal);
        CHECK(o.queue.settled(id).state == state::delivered);
        CHECK(host.mail(piecemeal ? 2 : 1).back().content == text);
    }
}

TEST_CASE("local mail lands in the account's Maildir")
{
    office o;
    o.accounts.domains = {"us.example"};
    o.accounts.add("ann@us.example", {"info@us.example"});
    o.open();
    auto m = office::letter("QQQQ", {"info@us.example", "ann+list@us.example", "nobody@us.example"}, "a@b.example");
    m.recipients[0].to.notify = {.specified = true, .success = true, .failure = true};
    o.send(m);
    CHECK(o.queue.settled("QQQQ", 0).state == state::delivered);
    CHECK(o.queue.settled("QQQQ", 1).state == state::delivered);
    auto const nobody = o.queue.settled("QQQQ", 2);
    CHECK(nobody.state == state::bounced);
    CHECK(nobody.last_reply.starts_with("550 5.1.1"));
    auto const box = o.folder / "us.example/ann";
    auto const got = files_in(box / "new");
    REQUIRE(got.size() == 2);
    CHECK(files_in(box / "tmp").empty());
    CHECK(std::filesystem::is_directory(box / "cur"));
    CHECK(read_file(got[0]) ==
          "Return-Path: <a@b.example>\nDelivered-To: ann@us.example\n"
          "Subject: test\nFrom: from@us.example\n\nbody\n");
    // One report of the delivery that was asked for, one of the failure.
    auto const reports = o.queue.reports();
    REQUIRE(reports.size() == 2);
    bool const first = reports[0].second.find("Action: delivered") != std::string::npos;
    CHECK(reports[first ? 0 : 1].second.find("Action: delivered") != std::string::npos);
    CHECK(reports[first ? 1 : 0].second.find("Action: failed") != std::string::npos);
}

TEST_CASE("a mailbox that can't be written delays the mail, and a directory that is down too")
{
    office o;
    o.accounts.domains = {"us.example"};
    o.accounts.add("ann@us.example");
    std::ofstream{o.folder / "us.example"} << "in the way";
    o.open();
    o.send(office::letter("Q1", {"ann@us.example"}));
    auto const u = o.queue.settled("Q1");
    CHECK(u.state == state::queued);
    CHECK(u.last_reply.find("Not a directory") != std::string::npos);
    o.accounts.broken = true;
    o.send(office::letter("Q2", {"ann@us.example"}));
    CHECK(o.queue.settled("Q2").state == state::queued);
    o.accounts.broken = false;
    std::filesystem::remove(o.folder / "us.example");
    o.later(6min);
    CHECK(o.queue.settled("Q1", 0, 2).state == state::delivered);
    CHECK(o.queue.settled("Q2", 0, 2).state == state::delivered);
}

TEST_CASE("LMTP: over a Unix socket and over TCP, a fate for each recipient, aliases named as accounts")
{
    for (bool unix_socket : {true, false}) {
        CAPTURE(unix_socket);
        office o;
        auto const path = (o.folder / "lmtp").string();
        int asked = 0;
        scripted_server store{[&](std::string const& line, unsigned) -> std::string {
                                  if (line != ".") return {};
                                  return ++asked == 2 ? "552 5.2.2 over quota" : "250 2.0.0 saved";
                              },
                              "PIPELINING 8BITMIME", unix_socket ? path : std::string{}, true};
        o.settings.delivery.local = unix_socket ? "lmtp:unix:" + path : "lmtp:" + store.address();
        o.accounts.domains = {"us.example"};
        o.accounts.add("ann@us.example", {"info@us.example"});
        o.open();
        auto m = office::letter("Q1", {"info@us.example", "ann@us.example", "ann+x@us.example", "other@us.example"});
        m.recipients[0].to.notify = {.specified = true, .success = true};
        o.send(m);
        CHECK(o.queue.settled("Q1", 0).state == state::delivered);
        CHECK(o.queue.settled("Q1", 1).state == state::bounced);
        CHECK(o.queue.settled("Q1", 2).state == state::delivered);
        CHECK(o.queue.settled("Q1", 3).state == state::delivered);
        auto const got = store.mail(1);
        REQUIRE(!got.empty());  // a report may have followed
        CHECK(got[0].rcpt == std::vector<std::string>{"RCPT TO:<ann@us.example>", "RCPT TO:<ann@us.example>",
                                                      "RCPT TO:<ann+x@us.example>", "RCPT TO:<other@us.example>"});
        CHECK(store.lines().at(0) == "LHLO us.example");
        bool reported = false;
        for (auto const& [what, text] : o.queue.reports()) {
            reported = reported || text.find("Action: delivered") != std::string::npos;
        }
        CHECK(reported);
    }
}

TEST_CASE("REQUIRETLS asks nothing of mailboxes on this machine (75)")
{
    for (std::string const how : {"maildir", "unix", "tcp"}) {
        CAPTURE(how);
        office o;
        auto const path = (o.folder / "lmtp").string();
        scripted_server store{{}, "PIPELINING", how == "unix" ? path : std::string{}, true};
        if (how == "unix") o.settings.delivery.local = "lmtp:unix:" + path;
        if (how == "tcp") o.settings.delivery.local = "lmtp:" + store.address();
        o.accounts.domains = {"us.example"};
        o.accounts.add("ann@us.example");
        o.open();
        auto m = office::letter("Q1", {"ann@us.example"});
        m.env.require_tls = true;
        o.send(m);
        CHECK(o.queue.settled("Q1").state == state::delivered);
    }
}

TEST_CASE("settings that make no sense are refused, and a reload leaves the old ones")
{
    office o;
    for (char const* local : {"", "mbox:/var/mail", "maildir:relative/%n", "maildir:/x/../%n", "maildir:/x/%z",
                              "lmtp:unix:relative", "lmtp:host", "lmtp:host:0", "smtp:host:99999", "smtp::25"}) {
        CAPTURE(local);
        o.settings.delivery.local = local;
        CHECK_FALSE(make_service_in(o.world, o.settings, o.accounts, o.queue));
    }
    o.settings.delivery.local = "lmtp:[::1]:24";
    CHECK(make_service_in(o.world, o.settings, o.accounts, o.queue));
    o.open();
    o.settings.delivery.smart_host = "host:port";
    CHECK_FALSE(o.running->reload(o.settings));
}
