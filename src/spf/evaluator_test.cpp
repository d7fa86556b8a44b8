#include "spf/evaluator.hpp"

#include <doctest/doctest.h>

#include <map>
#include <sstream>

#include "base/text.hpp"

namespace postern::spf {
namespace {

using mail::auth_result;

// "name TYPE value" a line; TYPE is TXT, A, MX, PTR (of an address), FAILS (nobody answers) or ALIAS.
class zone final : public names {
public:
    explicit zone(std::string_view text)
    {
        std::istringstream lines{std::string{text}};
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words{line};
            std::string name, type, value;
            if (!(words >> name >> type)) continue;
            std::getline(words >> std::ws, value);
            records_[to_lower(name)].push_back({type, value});
        }
    }
    unsigned asked = 0;

    answer<std::string> texts(std::string const& name) override { return look(name, "TXT"); }
    answer<std::string> exchangers(std::string const& name) override { return look(name, "MX"); }
    answer<ip_address> addresses(std::string const& name, bool v6) override
    {
        auto const found = look(name, "A");
        answer<ip_address> of_kind{found.what};
        for (auto const& text : found.records)
            if (auto const a = ip_address::parse(text); a && a->is_v4() != v6) of_kind.records.push_back(*a);
        return of_kind;
    }
    answer<std::string> names_of(ip_address const& address) override { return look(address.to_string(), "PTR"); }

private:
    answer<std::string> look(std::string const& name, std::string_view type)
    {
        ++asked;
        answer<std::string> a{answered::nothing};
        auto const at = records_.find(to_lower(name));
        if (at == records_.end()) return a;
        for (auto const& [of_type, value] : at->second) {
            if (of_type == "FAILS") return {answered::failed};
            if (of_type == type) a.records.push_back(value);
        }
        if (!a.records.empty()) a.what = answered::found;
        return a;
    }
    std::map<std::string, std::vector<std::pair<std::string, std::string>>> records_;
};

auth_result ask(zone& z, std::string const& client, std::string const& sender,
                std::string const& helo = "mx.remote.test")
{
    identity who;
    who.client = *ip_address::parse(client);
    auto const at = sender.rfind('@');
    if (at != std::string::npos) who.local_part = sender.substr(0, at);
    who.domain = at == std::string::npos ? sender : sender.substr(at + 1);
    who.helo = helo;
    return evaluate(z, who);
}

// What the examples of RFC 7208, appendix A, are about: one domain with all kinds of hosts.
constexpr char const* world = R"(
company.test MX mail-a.company.test
company.test MX mail-b.company.test
company.test A 192.0.2.10
company.test A 192.0.2.11
mail-a.company.test A 192.0.2.129
mail-b.company.test A 192.0.2.130
mail-b.company.test A 2001:db8::130
other.test MX mail-c.other.test
mail-c.other.test A 192.0.2.140
192.0.2.65 PTR shop.company.test
shop.company.test A 192.0.2.65
192.0.2.66 PTR shop.company.test
192.0.2.67 PTR notcompany.test
notcompany.test A 192.0.2.67
)";

TEST_CASE("each mechanism matches what RFC 7208 says")
{
    struct {
        char const* record;
        char const* client;
        auth_result wanted;
    } const rows[] = {
        {"v=spf1 +all", "203.0.113.1", auth_result::pass},
        {"v=spf1 all", "203.0.113.1", auth_result::pass},
        {"v=spf1 -all", "203.0.113.1", auth_result::fail},
        {"v=spf1 ~all", "203.0.113.1", auth_result::softfail},
        {"v=spf1 ?all", "203.0.113.1", auth_result::neutral},
        {"v=spf1", "203.0.113.1", auth_result::neutral},
        {"v=spf1 a -all", "192.0.2.10", auth_result::pass},
        {"v=spf1 a -all", "192.0.2.129", auth_result::fail},
        {"v=spf1 a:other.test -all", "192.0.2.10", auth_result::fail},
        {"v=spf1 A/28 -ALL", "192.0.2.14", auth_result::pass},
        {"v=spf1 a/28 -all", "192.0.2.17", auth_result::fail},
        {"v=spf1 a/0 -all", "203.0.113.1", auth_result::pass},
        {"v=spf1 a//0 -all", "203.0.113.1", auth_result::fail},
        {"v=spf1 mx -all", "192.0.2.129", auth_result::pass},
        {"v=spf1 mx -all", "192.0.2.130", auth_result::pass},
        {"v=spf1 mx -all", "2001:db8::130", auth_result::pass},
        {"v=spf1 mx//64 -all", "2001:db8::99", auth_result::pass},
        {"v=spf1 mx/30//128 -all", "2001:db8::99", auth_result::fail},
        {"v=spf1 mx/30 mx:other.test/30 -all", "192.0.2.131", auth_result::pass},
        {"v=spf1 mx/30 mx:other.test/30 -all", "192.0.2.143", auth_result::pass},
        {"v=spf1 mx:other.test -all", "192.0.2.129", auth_result::fail},
        {"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.140", auth_result::pass},
        {"v=spf1 ip4:192.0.2.130/28 -all", "192.0.2.140", auth_result::pass},
        {"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", auth_result::fail},
        {"v=spf1 ip4:192.0.2.128/28 -all", "::ffff:192.0.2.140", auth_result::pass},
        {"v=spf1 ip4:0.0.0.0/0 -all", "2001:db8::1", auth_result::fail},
        {"v=spf1 ip6:2001:db8::/32 -all", "2001:db8:7::1", auth_result::pass},
        {"v=spf1 ip6:2001:DB8::1 -all", "2001:db8::1", auth_result::pass},
        {"v=spf1 ip6:2001:db8::/33 -all", "2001:db8:8000::1", auth_result::fail},
        {"v=spf1 ip6:::ffff:192.0.2.140 -all", "192.0.2.140", auth_result::fail},
        {"v=spf1 ptr -all", "192.0.2.65", auth_result::pass},
        {"v=spf1 ptr:test -all", "192.0.2.65", auth_result::permerror},
        {"v=spf1 ptr -all", "192.0.2.66", auth_result::fail},
        {"v=spf1 ptr -all", "192.0.2.67", auth_result::fail},
        {"v=spf1 ptr:other.test -all", "192.0.2.65", auth_result::fail},
        {"v=spf1 exists:%{i}.list.company.test -all", "192.0.2.7", auth_result::pass},
        {"v=spf1 exists:%{i}.list.company.test -all", "192.0.2.8", auth_result::fail},
        // It is A that is asked for, whatever the client has.
        {"v=spf1 exists:mail-b.company.test -all", "2001:db8::1", auth_result::pass},
        {"v=spf1 include:inner.test -all", "192.0.2.200", auth_result::pass},
        {"v=spf1 include:inner.test -all", "192.0.2.201", auth_result::fail},
        {"v=spf1 ?include:inner.test -all", "192.0.2.200", auth_result::neutral},
        {"v=spf1 include:nothing.test -all", "192.0.2.200", auth_result::permerror},
        {"v=spf1 include:broken.test -all", "192.0.2.200", auth_result::permerror},
        {"v=spf1 include:silent.test -all", "192.0.2.200", auth_result::temperror},
        {"v=spf1 redirect=inner.test", "192.0.2.200", auth_result::pass},
        {"v=spf1 redirect=inner.test", "192.0.2.201", auth_result::softfail},
        {"v=spf1 redirect=nothing.test", "192.0.2.201", auth_result::permerror},
        {"v=spf1 redirect=inner.test -all", "192.0.2.200", auth_result::fail},
        {"v=spf1 ip4:192.0.2.200 a:silent.test", "192.0.2.200", auth_result::pass},
        {"v=spf1 a:silent.test ip4:192.0.2.200", "192.0.2.200", auth_result::temperror},
        {"v=spf1 mx:halfsilent.test", "192.0.2.200", auth_result::temperror},
        {"v=spf1 mx:null.test -all", "192.0.2.200", auth_result::fail},
    };
    for (auto const& r : rows) {
        CAPTURE(r.record);
        CAPTURE(r.client);
        zone z{std::string{world} + "company.test TXT " + r.record + R"(
7.2.0.192.list.company.test A 127.0.0.2
192.0.2.7.list.company.test A 127.0.0.2
inner.test TXT v=spf1 ip4:192.0.2.200 ~all
broken.test TXT v=spf1 nonsense
silent.test FAILS
halfsilent.test MX silent.test
null.test MX .
)"};
        CHECK(ask(z, r.client, "ann@company.test") == r.wanted);
    }
}

TEST_CASE("an error anywhere in a record is an error, even where it is not reached")
{
    constexpr char const* bad[] = {
        "all ip5:192.0.2.1",
        "all moo",
        "all a:",
        "all mx:",
        "all include",
        "all include:",
        "all exists",
        "all ptr:",
        "all:x",
        "all/8",
        "all.",
        "+",
        "all ++all",
        "all redirect=",
        "all redirect=b.test redirect=b.test",
        "all exp=b.test exp=b.test",
        "all exp=",
        "all redirect:b.test",
        "all include/24",
        "all ip4",
        "all ip4:",
        "all ip4:192.0.2",
        "all ip4:192.0.2.1/33",
        "all ip4:192.0.2.1/",
        "all ip4:192.0.2.1/08",
        "all ip4:192.0.2.1//32",
        "all ip4:2001:db8::1",
        "all ip6:192.0.2.1",
        "all ip6:2001:db8::1/129",
        "all ip6:2001:db8::1/-1",
        "all a/33",
        "all a//129",
        "all a/01",
        "all a/24/24",
        "all a:b.test/33",
        "all a:/24",
        "all ptr/24",
        "all a:b",
        "all a:b.1",
        "all a:b.-x",
        "all a:b.x-",
        "all a:b.test%",
        "all a:%{z}.test",
        "all a:%{d",
        "all a:%{d0}",
        "all a:%{dx}",
        "all a:%(d).test",
        "all a:%{}",
        "all a:%{c}.test",
        "all redirect=%{r}.test",
        "all a:%{t}",
        "all x=%",
        "all x=%{",
        "all a:b\x01.test",
        "all a:b\xc3\xa9.test",
        "all moo.cow/far=x",
        "all\ta",
    };
    for (auto const* terms : bad) {
        CAPTURE(terms);
        zone z{std::string{world} + "company.test TXT v=spf1 " + terms};
        CHECK(ask(z, "192.0.2.1", "ann@company.test") == auth_result::permerror);
    }
    constexpr char const* good[] = {
        "all  a",
        "all x=",
        "all x=y/z:%{d}",
        "all x=%{c}",
        "all a:b.test.",
        "all a:%{d}",
        "all a:b%%",
        "all a.b-c_d=1",
        "all a:b.x1",
        "all a:b.x--y",
        "all a:%{D2R.-+,/_=}.test",
        "all exp=b.test",
        "all a:b_c.test",
        "all a:!#b.test/0",
    };
    for (auto const* terms : good) {
        CAPTURE(terms);
        zone z{std::string{world} + "company.test TXT v=spf1 " + terms};
        CHECK(ask(z, "192.0.2.1", "ann@company.test") == auth_result::pass);
    }
}

TEST_CASE("which record it is, and that there is one")
{
    struct {
        char const* zone;
        char const* sender;
        auth_result wanted;
    } const rows[] = {
        {"a.test TXT v=spf1 -all", "a.test", auth_result::fail},
        {"a.test TXT V=sPf1 -all", "a.test", auth_result::fail},
        {"a.test TXT v=spf10 -all", "a.test", auth_result::none},
        {"a.test TXT v=spf1-all", "a.test", auth_result::none},
        {"a.test TXT something\na.test TXT v=spf1 -all", "a.test", auth_result::fail},
        {"a.test TXT \xff\na.test TXT v=spf1 -all", "a.test", auth_result::fail},
        {"a.test TXT v=spf1 -all\na.test TXT v=spf1 -all", "a.test", auth_result::permerror},
        {"a.test A 192.0.2.1", "a.test", auth_result::none},
        {"b.test A 192.0.2.1", "a.test", auth_result::none},
        {"a.test FAILS", "a.test", auth_result::temperror},
        {"test TXT v=spf1 -all", "test", auth_result::none},
        {"a..test TXT v=spf1 -all", "a..test", auth_result::none},
        {"[192.0.2.1] TXT v=spf1 -all", "[192.0.2.1]", auth_result::none},
    };
    for (auto const& r : rows) {
        CAPTURE(r.zone);
        zone z{r.zone};
        CHECK(ask(z, "192.0.2.1", r.sender) == r.wanted);
    }
    for (std::size_t const length : {63u, 64u}) {
        auto const name = std::string(length, 'x') + ".test";
        zone z{name + " TXT v=spf1 -all"};
        CHECK(ask(z, "192.0.2.1", "ann@" + name) == (length == 63 ? auth_result::fail : auth_result::none));
    }
}

TEST_CASE("macros mean the sender, its parts, the client and the greeting")
{
    struct {
        char const* spec;
        char const* name;  // that is asked for
        char const* client;
    } const rows[] = {
        {"%{s}.x.test", "strong-bad@email.example.com.x.test", "192.0.2.3"},
        {"%{o}.x.test", "email.example.com.x.test", "192.0.2.3"},
        {"%{d}.x.test", "email.example.com.x.test", "192.0.2.3"},
        {"%{d4}.x.test", "email.example.com.x.test", "192.0.2.3"},
        {"%{d2}.x.test", "example.com.x.test", "192.0.2.3"},
        {"%{d1}.x.test", "com.x.test", "192.0.2.3"},
        {"%{dr}.x.test", "com.example.email.x.test", "192.0.2.3"},
        {"%{d2r}.x.test", "example.email.x.test", "192.0.2.3"},
        {"%{l}.x.test", "strong-bad.x.test", "192.0.2.3"},
        {"%{l-}.x.test", "strong.bad.x.test", "192.0.2.3"},
        {"%{lr-}.x.test", "bad.strong.x.test", "192.0.2.3"},
        {"%{l1r-}.x.test", "strong.x.test", "192.0.2.3"},
        {"%{ir}.%{v}.%{d2}", "3.2.0.192.in-addr.example.com", "192.0.2.3"},
        {"%{ir}.%{v}.%{d2}", "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.example.com",
         "2001:db8::cb01"},
        {"%{h}.x.test", "mx.remote.test.x.test", "192.0.2.3"},
        {"%{S}.x.test", "strong-bad%40email.example.com.x.test", "192.0.2.3"},
        {"%{p}.x.test", "unknown.x.test", "192.0.2.3"},
        {"%{p}.x.test", "named.example.com.x.test", "192.0.2.4"},
        {"a%%b%-c.x.test", "a%b%20c.x.test", "192.0.2.3"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.spec);
        zone z{std::string{"email.example.com TXT v=spf1 exists:"} + r.spec + " -all\n" + r.name +
               " A 127.0.0.2\n192.0.2.4 PTR named.example.com\nnamed.example.com A 192.0.2.4"};
        CHECK(ask(z, r.client, "strong-bad@email.example.com") == auth_result::pass);
    }
    // Without a local part it is the postmaster's; one that is not ASCII is nobody's.
    zone z{"a.test TXT v=spf1 exists:%{l}.x.test -all\npostmaster.x.test A 127.0.0.2"};
    CHECK(ask(z, "192.0.2.1", "a.test") == auth_result::pass);
    CHECK(ask(z, "192.0.2.1", "h\xc3\xa5kan@a.test") == auth_result::fail);
    // Of an include, "d" is another domain, "o" is not.
    zone deep{
        "a.test TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 exists:%{d}.%{o} -all\nb.test.a.test A 127.0.0.2"};
    CHECK(ask(deep, "192.0.2.1", "ann@a.test") == auth_result::pass);
}

TEST_CASE("a name that gets too long loses labels on its left, however long it is made")
{
    std::string const tail =
        std::string(60, 'x') + '.' + std::string(60, 'y') + '.' + std::string(60, 'z') + ".tail.test";
    std::string const kept = std::string(50, 'w') + '.' + tail;
    zone z{"a.test TXT v=spf1 exists:%{l}." + std::string(50, 'w') + '.' + tail + " -all\n" + kept + " A 127.0.0.2"};
    CHECK(ask(z, "192.0.2.1", std::string(64, 'l') + "@a.test") == auth_result::pass);
    // Macros that make megabytes of a record's octets.
    std::string many = "v=spf1 exists:";
    while (many.size() < 8000) many += "%{h}";
    zone grown{"a.test TXT " + many + ".b.test -all"};
    CHECK(ask(grown, "192.0.2.1", "ann@a.test", std::string(250, 'h')) == auth_result::fail);
    std::string const literal = "v=spf1 exists:%{d}%{d}" + std::string(3700, 'a') + ".test -all";
    zone once{"a.test TXT " + literal};
    CHECK(ask(once, "192.0.2.1", "ann@a.test") == auth_result::fail);
    zone too_long{"a.test TXT v=spf1 +all x=" + std::string(9000, 'a')};
    CHECK(ask(too_long, "192.0.2.1", "ann@a.test") == auth_result::permerror);
}

TEST_CASE("what strangers can make us ask is bounded")
{
    std::string terms;
    std::string many_mx, chain;
    for (int i = 0; i < 12; ++i) {
        auto const n = std::to_string(i);
        many_mx += "m.test MX h" + n + ".m.test\nh" + n + ".m.test A 203.0.113." + n + '\n';
        chain += "c" + n + ".test TXT v=spf1 include:c" + std::to_string(i + 1) + ".test -all\n";
    }
    SUBCASE("ten terms that ask")
    {
        for (int i = 0; i < 10; ++i) terms += " a:m.test";
        zone z{"m.test A 192.0.2.9\na.test TXT v=spf1" + terms + " +all"};
        CHECK(ask(z, "192.0.2.1", "a.test") == auth_result::pass);
        zone more{"m.test A 192.0.2.9\na.test TXT v=spf1" + terms + " mx:m.test +all"};
        CHECK(ask(more, "192.0.2.1", "a.test") == auth_result::permerror);
        // Of those that are not reached, nothing is asked.
        zone less{"m.test A 192.0.2.9\na.test TXT v=spf1 +all" + terms + " a:m.test"};
        CHECK(ask(less, "192.0.2.1", "a.test") == auth_result::pass);
        CHECK(less.asked == 1);
    }
    SUBCASE("includes of includes")
    {
        zone z{chain};
        CHECK(ask(z, "192.0.2.1", "c0.test") == auth_result::permerror);
        CHECK(z.asked == 11);
        zone loop{"l.test TXT v=spf1 redirect=l.test"};
        CHECK(ask(loop, "192.0.2.1", "l.test") == auth_result::permerror);
        CHECK(loop.asked == 11);
    }
    SUBCASE("exchangers")
    {
        zone z{many_mx + "a.test TXT v=spf1 mx:m.test -all"};
        CHECK(ask(z, "203.0.113.1", "a.test") == auth_result::permerror);
        CHECK(z.asked == 2);
    }
    SUBCASE("questions in vain")
    {
        zone z{"a.test TXT v=spf1 a:x.test mx:y.test +all"};
        CHECK(ask(z, "192.0.2.1", "a.test") == auth_result::pass);
        zone more{"a.test TXT v=spf1 a:x.test mx:y.test exists:z.test +all"};
        CHECK(ask(more, "192.0.2.1", "a.test") == auth_result::permerror);
    }
    SUBCASE("names of the client")
    {
        std::string names_of_client;
        for (int i = 0; i < 12; ++i) {
            auto const n = "n" + std::to_string(i) + ".a.test";
            names_of_client += "192.0.2.1 PTR " + n + '\n' + n + " A 192.0.2." + (i == 11 ? "1" : "2") + '\n';
        }
        zone z{names_of_client + "a.test TXT v=spf1 ptr ptr -all"};
        CHECK(ask(z, "192.0.2.1", "a.test") == auth_result::fail);
        CHECK(z.asked == 12);
    }
}

}  // namespace
}  // namespace postern::spf
