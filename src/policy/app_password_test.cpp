// What an app password may be used for, besides what its account may.
#include <algorithm>

#include <doctest/doctest.h>

#include "policy/policy.hpp"

using namespace postern;
using namespace postern::policy;

namespace {

facts with_app_password(stage at)
{
    facts f;
    f.stage = at;
    f.client = *ip_address::parse("192.0.2.7");
    f.listener_port = f.login_port = 587;
    f.account = "alice@example.com";
    f.app_password = "7 (phone)";
    f.reverse_path.address = {"alice", "example.com"};
    f.header_address = "alice@example.com";
    f.forward_path = {"bob", "example.net"};
    f.sender_owned = true;
    return f;
}

}  // namespace

TEST_CASE("an app password narrows what its account may, and widens nothing")
{
    struct {
        stage at;
        bool owned, null, sender, recipient, check;
        char const* rule;
    } const rows[] = {
        {stage::sender, true, false, true, true, true, "allowed-login"},
        {stage::sender, true, false, false, true, true, "app-password-sender"},
        {stage::sender, false, false, true, true, true, "sender-not-owned"},
        {stage::sender, false, false, false, true, true, "sender-not-owned"},
        {stage::sender, true, true, false, true, true, "allowed-login"},
        {stage::sender, true, false, true, false, true, "allowed-login"},
        {stage::recipient, true, false, true, true, true, "allowed-login"},
        {stage::recipient, true, false, true, false, true, "app-password-recipient"},
        {stage::recipient, true, false, false, true, true, "allowed-login"},
        {stage::header_from, true, false, true, true, true, "allowed-login"},
        {stage::header_from, true, false, false, true, true, "app-password-sender"},
        {stage::header_from, true, false, false, true, false, "app-password-sender"},
        {stage::header_from, false, false, true, true, true, "header-from-not-owned"},
        {stage::header_from, false, false, true, true, false, "allowed-login"},
    };
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        CAPTURE(i);
        auto const& row = rows[i];
        auto f = with_app_password(row.at);
        f.sender_owned = row.owned;
        f.reverse_path.null = row.null;
        f.app_password_sender = row.sender;
        f.app_password_recipient = row.recipient;
        f.check_header_from = row.check;
        auto const v = decide(f);
        CHECK(v.why->name == row.rule);
        if (!v.accepted())
            CHECK(std::any_of(v.facts.begin(), v.facts.end(),
                              [](auto const& e) { return e.key == "app_password" && e.value == "7 (phone)"; }));
    }
    // Whoever may not write there needn't learn whether there is such a mailbox.
    auto f = with_app_password(stage::recipient);
    f.app_password_recipient = false;
    f.recipient = recipient_kind::local_unknown;
    CHECK(decide(f).why->name == "app-password-recipient");
}

TEST_CASE("what turns a refusal of an app password is another app password")
{
    auto f = with_app_password(stage::sender);
    f.app_password_sender = false;
    CHECK(smallest_flip(f) == "use an app password that may send as alice@example.com");
    f = with_app_password(stage::recipient);
    f.app_password_recipient = false;
    CHECK(smallest_flip(f) == "use an app password that may write to bob@example.net");
}
