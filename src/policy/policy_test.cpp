#include "policy/policy.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::policy;
namespace rules = catalogue::rules;
using config::role;

namespace {

facts usual()
{
    facts f;
    f.client = *ip_address::parse("192.0.2.7");
    f.listener_port = 587;
    f.login_port = 587;
    f.tls = true;
    f.reverse_path.address = {"alice", "example.com"};
    f.header_address = "alice@example.com";
    f.forward_path = {"bob", "example.net"};
    return f;
}

// The table, a row a rule, first match wins: written down apart from the code
// under test. A dot stands for any value.
struct row {
    char const* stage;     // s, r, h
    char const* listener;  // s: submission, m: mx
    char const* login;     // y, n
    char const* network;
    char const* owned;
    char const* null;       // the reverse-path is <>
    char const* recipient;  // k: local and known, u: local, unknown, f: foreign
    char const* open;       // local_without_auth
    char const* check;      // check_header_from
    char const* rule;
};

// clang-format off
constexpr row table[] = {
    // stage lst   login net  owned null rcpt open chk
    {".",   "s",  "n",  "n",  ".",  ".", ".", ".", ".", "auth-required"},
    // MAIL
    {"s",   ".",  "n",  "y",  ".",  ".", ".", ".", ".", "allowed-network"},
    {"s",   "m",  "n",  "n",  ".",  ".", ".", ".", ".", "allowed-local"},
    {"s",   ".",  "y",  ".",  ".",  "y", ".", ".", ".", "allowed-login"},
    {"s",   ".",  "y",  ".",  "y",  "n", ".", ".", ".", "allowed-login"},
    {"s",   ".",  "y",  ".",  "n",  "n", ".", ".", ".", "sender-not-owned"},
    // RCPT
    {"r",   "m",  "n",  "n",  ".",  ".", "f", ".", ".", "relay-needs-login"},
    {"r",   "m",  "n",  "n",  ".",  ".", ".", "n", ".", "local-needs-login"},
    {"r",   ".",  ".",  ".",  ".",  ".", "u", ".", ".", "unknown-recipient"},
    {"r",   "m",  "n",  "n",  ".",  ".", "k", "y", ".", "allowed-local"},
    {"r",   ".",  "y",  ".",  ".",  ".", ".", ".", ".", "allowed-login"},
    {"r",   ".",  "n",  "y",  ".",  ".", ".", ".", ".", "allowed-network"},
    // From
    {"h",   ".",  "n",  "y",  ".",  ".", ".", ".", ".", "allowed-network"},
    {"h",   "m",  "n",  "n",  ".",  ".", ".", ".", ".", "allowed-local"},
    {"h",   ".",  "y",  ".",  "y",  ".", ".", ".", ".", "allowed-login"},
    {"h",   ".",  "y",  ".",  "n",  ".", ".", ".", "n", "allowed-login"},
    {"h",   ".",  "y",  ".",  "n",  ".", ".", ".", "y", "header-from-not-owned"},
};
// clang-format on

bool fits(char const* pattern, char value) { return pattern[0] == '.' || pattern[0] == value; }
char yes(bool b) { return b ? 'y' : 'n'; }

std::string_view expected(facts const& f)
{
    char const st = f.stage == stage::sender ? 's' : f.stage == stage::recipient ? 'r' : 'h';
    char const rc = f.recipient == recipient_kind::local_known     ? 'k'
                    : f.recipient == recipient_kind::local_unknown ? 'u'
                                                                   : 'f';
    for (auto const& r : table)
        if (fits(r.stage, st) && fits(r.listener, f.listener == role::mx ? 'm' : 's') &&
            fits(r.login, yes(!f.account.empty())) && fits(r.network, yes(f.in_relay_networks)) &&
            fits(r.owned, yes(f.sender_owned)) && fits(r.null, yes(f.reverse_path.null)) && fits(r.recipient, rc) &&
            fits(r.open, yes(f.local_without_auth)) && fits(r.check, yes(f.check_header_from)))
            return r.rule;
    return "no row";
}

// Every combination of the facts that count.
template <class Use>
void for_all(Use use)
{
    for (unsigned bits = 0; bits < 1u << 7; ++bits)
        for (auto const st : {stage::sender, stage::recipient, stage::header_from})
            for (auto const rc :
                 {recipient_kind::not_local, recipient_kind::local_known, recipient_kind::local_unknown}) {
                facts f = usual();
                f.stage = st;
                f.recipient = rc;
                f.listener = (bits & 1) != 0 ? role::mx : role::submission;
                if ((bits & 2) != 0) f.account = "alice@example.com";
                f.in_relay_networks = (bits & 4) != 0;
                f.sender_owned = (bits & 8) != 0;
                f.reverse_path.null = (bits & 16) != 0;
                f.local_without_auth = (bits & 32) != 0;
                f.check_header_from = (bits & 64) != 0;
                use(f);
            }
}

}  // namespace

TEST_CASE("every combination of facts gets the verdict of the table")
{
    int count = 0;
    for_all([&](facts const& f) {
        ++count;
        auto const v = decide(f);
        REQUIRE(v.why != nullptr);
        CHECK(v.why->name == expected(f));
        CHECK(v.accepted() == (v.why->code == 0));
        CHECK(v.accepted() == v.facts.empty());
    });
    CHECK(count == 128 * 9);
}

TEST_CASE("a stranger never relays, whatever else is so")
{
    for_all([](facts f) {
        f.account.clear();
        f.in_relay_networks = false;
        f.stage = stage::recipient;
        f.recipient = recipient_kind::not_local;
        CHECK_FALSE(decide(f).accepted());
        f.recipient = recipient_kind::local_unknown;
        CHECK_FALSE(decide(f).accepted());
        f.listener = role::submission;
        for (auto const st : {stage::sender, stage::recipient, stage::header_from}) {
            f.stage = st;
            CHECK_FALSE(decide(f).accepted());
        }
    });
}

TEST_CASE("nobody who logged in sends as somebody else")
{
    for_all([](facts f) {
        if (f.account.empty() || f.sender_owned) return;
        f.reverse_path.null = false;
        f.stage = stage::sender;
        CHECK(decide(f).why == &rules::sender_not_owned);
        f.stage = stage::header_from;
        f.check_header_from = true;
        CHECK(decide(f).why == &rules::header_from_not_owned);
    });
}

TEST_CASE("a read receipt, which has the null sender, is taken from a login, and its From is judged all the same")
{
    facts f = usual();
    f.account = "alice@example.com";
    f.reverse_path.null = true;
    CHECK(decide(f).why == &rules::allowed_login);
    f.stage = stage::header_from;
    CHECK(decide(f).why == &rules::header_from_not_owned);
    f.sender_owned = true;
    CHECK(decide(f).accepted());
}

TEST_CASE("a refused stranger who may not write here does not learn whether a mailbox exists")
{
    facts f = usual();
    f.stage = stage::recipient;
    f.listener = role::mx;
    f.local_without_auth = false;
    f.recipient = recipient_kind::local_known;
    auto const known = decide(f);
    f.recipient = recipient_kind::local_unknown;
    CHECK(catalogue::to_reply(known, "") == catalogue::to_reply(decide(f), ""));
}

TEST_CASE("replies name what the client needs")
{
    facts f = usual();
    f.stage = stage::recipient;
    f.listener = role::mx;
    f.listener_port = 25;
    auto v = decide(f);
    CHECK(v.why->code == 550);
    CHECK(to_string(v.why->status) == "5.7.1");
    CHECK(v.text.find("example.net") != std::string::npos);
    CHECK(v.text.find("did not log in") != std::string::npos);
    CHECK(v.text.find("port 587") != std::string::npos);
    f.login_port = 0;
    CHECK(decide(f).why == &rules::relay_needs_login_here);
    CHECK(decide(f).text.find("port") == std::string::npos);

    f = usual();
    v = decide(f);
    CHECK(v.why->code == 530);
    CHECK(to_string(v.why->status) == "5.7.0");

    f.account = "alice@example.com";
    f.reverse_path.address = {"eve", "example.org"};
    v = decide(f);
    CHECK(v.text.find("alice@example.com") != std::string::npos);
    CHECK(v.text.find("eve@example.org") != std::string::npos);
}

TEST_CASE("evidence says who, where and what")
{
    facts f = usual();
    f.stage = stage::recipient;
    f.listener = role::mx;
    f.listener_port = 25;
    std::string all;
    for (auto const& e : decide(f).facts) all += e.key + '=' + e.value + ' ';
    CHECK(all ==
          "client=192.0.2.7 listener=mx:25 tls=yes relay_network=no sender=alice@example.com "
          "recipient=bob@example.net domain=example.net port=587 ");
    f = usual();
    f.account = "a@example.com";
    f.reverse_path.null = true;
    f.tls = false;
    all.clear();
    for (auto const& e : evidence_of(f)) all += e.key + '=' + e.value + ' ';
    CHECK(all == "client=192.0.2.7 listener=submission:587 tls=no account=a@example.com relay_network=no sender=<> ");
}

TEST_CASE("the smallest change that turns a verdict")
{
    auto with = [](auto edit) {
        facts f = usual();
        edit(f);
        return smallest_flip(f);
    };
    auto mx = [](facts& f) {
        f.listener = role::mx;
        f.listener_port = 25;
        f.stage = stage::recipient;
    };
    CHECK(with([](facts&) {}) == "log in (AUTH) before MAIL, with an account that may send as alice@example.com");
    CHECK(with([&](facts& f) { mx(f); }) == "log in (AUTH) before MAIL, on port 587");
    CHECK(with([&](facts& f) { mx(f), f.login_port = 0; }) == "log in (AUTH) before MAIL");
    CHECK(with([](facts& f) { f.account = "a@example.com"; }) ==
          "let a@example.com send as alice@example.com "
          "(postern account send-as add a@example.com alice@example.com)");
    CHECK(with([](facts& f) { f.account = "a@example.com", f.reverse_path.null = true; }) == "send without logging in");
    CHECK(with([](facts& f) { f.reverse_path.null = true; }) == "log in (AUTH) before MAIL");
    CHECK(with([&](facts& f) { mx(f), f.recipient = recipient_kind::local_unknown; }) ==
          "give bob@example.net a mailbox (postern account add bob@example.net)");
    CHECK(with([&](facts& f) { mx(f), f.recipient = recipient_kind::local_known, f.local_without_auth = false; }) ==
          "log in (AUTH) before MAIL, on port 587");
    CHECK(with([](facts& f) { f.account = "a@example.com", f.stage = stage::header_from; }) ==
          "let a@example.com send as alice@example.com "
          "(postern account send-as add a@example.com alice@example.com)");
    // Two changes at once.
    CHECK(with([](facts& f) { f.stage = stage::recipient, f.recipient = recipient_kind::local_unknown; }) ==
          "log in (AUTH) before MAIL, and give bob@example.net a mailbox (postern account add bob@example.net)");
    // What was accepted.
    CHECK(with([](facts& f) { f.account = "a@example.com", f.sender_owned = true; }) == "send without logging in");
    CHECK(with([&](facts& f) { mx(f), f.in_relay_networks = true; }) == "take 192.0.2.7 out of relay.networks");
    CHECK(with([&](facts& f) { mx(f), f.recipient = recipient_kind::local_known; }) ==
          "write to an address without a mailbox, unlike bob@example.net");
    CHECK(with([&](facts& f) { mx(f), f.stage = stage::sender; }) == "");
}

TEST_CASE("every refusal has a way out, and every verdict's words are safe to show")
{
    for_all([](facts f) {
        f.reverse_path.address = {"a\r\nb", "example.com"};
        f.header_address = "a\r\nb@example.com";
        f.forward_path.local_part = "b\x1b";
        auto const words = smallest_flip(f);
        if (!decide(f).accepted()) CHECK_FALSE(words.empty());
        CHECK(std::none_of(words.begin(), words.end(), [](char c) { return c >= 0 && c < ' '; }));
        auto const reply = catalogue::to_reply(decide(f), "K7Q2M9TX4WZA.1");
        CHECK(reply.find_first_of("\r\n\x1b") == reply.size() - 2);
    });
}
