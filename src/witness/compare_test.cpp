#include "witness/compare.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace postern;
using namespace postern::witness;
namespace rules = postern::catalogue::rules;

namespace {

/// A session over STARTTLS that both ends saw alike, without anything between.
departure left()
{
    departure d;
    d.number = 1;
    d.at = *endpoint::parse("192.0.2.25:587");
    d.own = *endpoint::parse("198.51.100.7:40000");
    d.connected = d.spoke = true;
    d.greeted = "mail.example.com";
    d.hello_name = "1.chk-k7q2m9tx4wza.check.invalid";
    d.clear = {true, true, "", true, {}};
    d.secured = {true, true, "", false, {"PLAIN", "LOGIN"}};
    d.tls_version = "TLSv1.3";
    d.cipher = "TLS_AES_256_GCM_SHA384";
    d.certificate = "aa11";
    return d;
}

sighting arrived()
{
    sighting s;
    s.number = 1;
    s.session = "K7Q2M9TX4WZA";
    s.client = "198.51.100.7:40000";
    s.server = "192.0.2.25:587";
    s.greeted = "mail.example.com";
    s.clear = {true, true, "1.chk-k7q2m9tx4wza.check.invalid", true, {}};
    s.secured = {true, true, "1.chk-k7q2m9tx4wza.check.invalid", false, {"LOGIN", "PLAIN"}};
    s.starttls_asked = true;
    s.tls_version = "TLSv1.3";
    s.cipher = "TLS_AES_256_GCM_SHA384";
    s.certificate = "aa11";
    return s;
}

}  // namespace

TEST_CASE("what lies between two ends")
{
    struct {
        char const* name;
        std::function<void(departure&, std::vector<sighting>&)> change;
        std::vector<catalogue::rule const*> expected;
    } const rows[] = {
        {"nothing", [](auto&, auto&) {}, {}},
        {"letter case and order of what is offered",
         [](auto& d, auto& s) {
             d.greeted = "MAIL.example.com";
             s[0].secured.mechanisms = {"plain", "LOGIN"};
         },
         {}},
        {"STARTTLS taken out",
         [](auto& d, auto& s) {
             d.clear.starttls = false;
             d.secured = {};
             d.certificate.clear();
             s[0].secured = {};
             s[0].certificate.clear();
             s[0].starttls_asked = false;
         },
         {&rules::starttls_stripped}},
        {"another certificate, and another cipher",
         [](auto& d, auto&) {
             d.certificate = "bb22";
             d.tls_version = "TLSv1.2";
         },
         {&rules::certificate_replaced}},
        {"TLS here, and none there",
         [](auto&, auto& s) {
             s[0].secured = {};
             s[0].certificate.clear();
             s[0].starttls_asked = false;
         },
         {&rules::certificate_replaced}},
        {"another server",
         [](auto& d, auto& s) {
             d.greeted = "proxy.example";
             s.clear();
         },
         {&rules::other_server_answered}},
        {"nothing arrives",
         [](auto& d, auto& s) {
             d.connected = d.spoke = false;
             d.greeted.clear();
             s.clear();
         },
         {&rules::never_arrived}},
        {"something takes the connection and says nothing",
         [](auto& d, auto& s) {
             d.spoke = false;
             d.greeted.clear();
             s.clear();
         },
         {&rules::never_arrived}},
        {"an address translated",
         [](auto&, auto& s) { s[0].client = "203.0.113.9:40000"; },
         {&rules::address_translated}},
        {"a port translated", [](auto&, auto& s) { s[0].client = "198.51.100.7:41000"; }, {&rules::address_translated}},
        {"EHLO edited", [](auto&, auto& s) { s[0].secured.name = "proxy.example"; }, {&rules::conversation_changed}},
        {"EHLO edited in the clear alone, with TLS after it",
         [](auto&, auto& s) { s[0].clear.name = "proxy.example"; },
         {}},
        {"the greeting edited", [](auto& d, auto&) { d.greeted = "*****"; }, {&rules::conversation_changed}},
        {"log-ins taken out", [](auto& d, auto&) { d.secured.mechanisms = {"PLAIN"}; }, {&rules::conversation_changed}},
        {"another port", [](auto&, auto& s) { s[0].server = "192.0.2.25:25"; }, {&rules::address_translated}},
        {"a proxy with a certificate of its own, gravest first",
         [](auto& d, auto& s) {
             s[0].client = "203.0.113.9:1";
             d.greeted = "proxy.example";
             d.certificate = "bb22";
         },
         {&rules::certificate_replaced, &rules::conversation_changed, &rules::address_translated}},
        {"a session without a mark",
         [](auto& d, auto& s) {
             d.number = 0;
             s.clear();
         },
         {}},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto d = left();
        std::vector<sighting> s{arrived()};
        row.change(d, s);
        std::vector<catalogue::rule const*> found;
        for (auto const& one : compare("mail.example.com", {d}, s)) found.push_back(one.why);
        CHECK(found == row.expected);
    }
}

TEST_CASE("each thing between is told once, whatever the number of sessions")
{
    auto one = left(), two = left();
    one.certificate = two.certificate = "bb22";
    two.number = 2;
    auto first = arrived(), second = arrived();
    second.number = 2;
    auto const found = compare("mail.example.com", {one, two}, {first, second});
    REQUIRE(found.size() == 1);
    CHECK(found.front().number == 1);
}

TEST_CASE("both columns")
{
    auto s = arrived();
    s.client = "203.0.113.9:40000";
    s.tried = {"PLAIN"};
    auto const rows = side_by_side(left(), &s);
    REQUIRE(!rows.empty());
    CHECK(rows[0].what == "client's address");
    CHECK(rows[0].here == "198.51.100.7:40000");
    CHECK(rows[0].there == "203.0.113.9:40000");
    CHECK(rows[0].differs);
    CHECK_FALSE(rows[1].differs);
    auto const alone = side_by_side(left(), nullptr);
    CHECK(alone[0].there == "nothing arrived");
    CHECK_FALSE(alone[0].differs);
}
