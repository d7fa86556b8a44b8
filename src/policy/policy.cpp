#include "policy/policy.hpp"

#include <array>
#include <utility>

#include "base/text.hpp"

namespace postern::policy {
namespace {

using catalogue::verdict;
namespace rules = catalogue::rules;

constexpr std::size_t shown_limit = 320;

std::string shown(mail::mailbox const& address) { return printable(address.to_string(), shown_limit); }

std::string sender_of(facts const& f)
{
    if (f.stage == stage::header_from) return f.header_address;
    return f.reverse_path.null ? "<>" : f.reverse_path.address.to_string();
}

// Accepting is the common case and says only which rule allowed it.
verdict accept(facts const& f)
{
    verdict v;
    v.why = !f.account.empty()    ? &rules::allowed_login
            : f.local_program     ? &rules::allowed_program
            : f.in_relay_networks ? &rules::allowed_network
                                  : &rules::allowed_local;
    return v;
}

verdict refuse(catalogue::rule const& why, facts const& f) { return catalogue::make_verdict(why, evidence_of(f)); }

verdict decide_sender(facts const& f)
{
    if (f.account.empty()) return accept(f);
    // Mail programs send read receipts with the null reverse-path, as they must (RFC 8098
    // section 3). It claims to be nobody; who wrote the message is judged by its From.
    if (f.reverse_path.null) return accept(f);
    if (!f.sender_owned) return refuse(rules::sender_not_owned, f);
    return f.app_password_sender ? accept(f) : refuse(rules::app_password_sender, f);
}

verdict decide_recipient(facts const& f)
{
    bool const stranger = f.account.empty() && !f.in_relay_networks && !f.local_program;
    if (stranger && f.recipient == recipient_kind::not_local)
        return refuse(f.login_port != 0 ? rules::relay_needs_login : rules::relay_needs_login_here, f);
    // Before the look at the mailbox: whoever may not write to it needn't learn whether it exists.
    if (!f.account.empty() && !f.app_password_recipient) return refuse(rules::app_password_recipient, f);
    if (stranger && !f.local_without_auth) return refuse(rules::local_needs_login, f);
    if (f.recipient == recipient_kind::local_unknown) return refuse(rules::unknown_recipient, f);
    return accept(f);
}

verdict decide_header_from(facts const& f)
{
    if (f.account.empty()) return accept(f);
    if (f.check_header_from && !f.sender_owned) return refuse(rules::header_from_not_owned, f);
    // A limit that somebody asked for, whatever holds for all.
    return f.app_password_sender ? accept(f) : refuse(rules::app_password_sender, f);
}

}  // namespace

verdict decide(facts const& f)
{
    if (f.listener == config::role::submission && f.account.empty() && !f.in_relay_networks && !f.local_program)
        return refuse(rules::auth_required, f);
    switch (f.stage) {
        case stage::sender: return decide_sender(f);
        case stage::recipient: return decide_recipient(f);
        case stage::header_from: return decide_header_from(f);
    }
    return refuse(rules::internal_failure, f);
}

std::vector<catalogue::evidence> evidence_of(facts const& f)
{
    std::vector<catalogue::evidence> values;
    values.reserve(10);
    values.push_back({"client", f.client.to_string()});
    std::string listener = f.listener == config::role::submission ? "submission" : "mx";
    if (f.listener_port != 0) listener += ':' + std::to_string(f.listener_port);
    values.push_back({"listener", std::move(listener)});
    values.push_back({"tls", f.tls ? "yes" : "no"});
    if (!f.account.empty()) values.push_back({"account", f.account});
    if (!f.app_password.empty()) values.push_back({"app_password", f.app_password});
    values.push_back({"relay_network", f.in_relay_networks ? "yes" : "no"});
    values.push_back({"sender", sender_of(f)});
    if (f.stage == stage::recipient) {
        values.push_back({"recipient", f.forward_path.to_string()});
        values.push_back({"domain", f.forward_path.domain});
    }
    // The port that the reply names as the one to log in on.
    if (f.login_port != 0 && f.account.empty()) values.push_back({"port", std::to_string(f.login_port)});
    return values;
}

namespace {

// One thing that somebody could change: makes it (false: nothing to change there),
// and says so.
struct change {
    bool (*make)(facts&);
    std::string (*words)(facts const& before);
};

std::string log_in(facts const& f)
{
    std::string words = "log in (AUTH) before MAIL";
    if (f.stage != stage::recipient && !f.reverse_path.null)
        words += ", with an account that may send as " + printable(sender_of(f), shown_limit);
    if (f.listener == config::role::mx && f.login_port != 0) words += ", on port " + std::to_string(f.login_port);
    return words;
}

std::string grant(facts const& f)
{
    auto const account = printable(f.account, shown_limit);
    auto const sender = printable(sender_of(f), shown_limit);
    return "let " + account + " send as " + sender + " (postern account send-as add " + account + ' ' + sender + ')';
}

// What turns a refusal, the smallest first: what the client does by itself, then what
// the operator does for one client, one address, one domain, and for everybody.
constexpr std::array<change, 8> loosening{{
    {[](facts& f) {
         if (!f.account.empty()) return false;
         f.account = "somebody";
         f.sender_owned = true;
         return true;
     },
     log_in},
    {[](facts& f) { return !std::exchange(f.in_relay_networks, true); },
     [](facts const& f) { return "add " + f.client.to_string() + " to relay.networks"; }},
    {[](facts& f) { return !f.account.empty() && !std::exchange(f.sender_owned, true); }, grant},
    {[](facts& f) { return !f.app_password.empty() && !std::exchange(f.app_password_sender, true); },
     [](facts const& f) { return "use an app password that may send as " + printable(sender_of(f), shown_limit); }},
    {[](facts& f) { return !f.app_password.empty() && !std::exchange(f.app_password_recipient, true); },
     [](facts const& f) { return "use an app password that may write to " + shown(f.forward_path); }},
    {[](facts& f) {
         if (f.recipient != recipient_kind::local_unknown) return false;
         f.recipient = recipient_kind::local_known;
         return true;
     },
     [](facts const& f) {
         auto const address = shown(f.forward_path);
         return "give " + address + " a mailbox (postern account add " + address + ')';
     }},
    {[](facts& f) {
         if (f.recipient != recipient_kind::not_local) return false;
         f.recipient = recipient_kind::local_known;
         return true;
     },
     [](facts const& f) {
         return "make " + printable(f.forward_path.domain) + " a local domain (postern domain add " +
                printable(f.forward_path.domain) + ") with a mailbox for " + shown(f.forward_path);
     }},
    {[](facts& f) { return !std::exchange(f.local_without_auth, true); },
     [](facts const&) { return std::string("set relay.local_without_auth = true"); }},
}};

constexpr change without_header_check{
    [](facts& f) { return std::exchange(f.check_header_from, false); },
    [](facts const&) { return std::string("set submission.check_header_from = false"); }};

// What turns an acceptance.
constexpr std::array<change, 5> tightening{{
    {[](facts& f) {
         bool const any = !f.account.empty();
         f.account.clear();
         f.sender_owned = false;
         return any;
     },
     [](facts const&) { return std::string("send without logging in"); }},
    {[](facts& f) { return std::exchange(f.in_relay_networks, false); },
     [](facts const& f) { return "take " + f.client.to_string() + " out of relay.networks"; }},
    {[](facts& f) { return std::exchange(f.sender_owned, false); },
     [](facts const& f) { return "send as an address that is not one of " + printable(f.account, shown_limit); }},
    {[](facts& f) {
         if (f.recipient != recipient_kind::local_known) return false;
         f.recipient = recipient_kind::local_unknown;
         return true;
     },
     [](facts const& f) { return "write to an address without a mailbox, unlike " + shown(f.forward_path); }},
    {[](facts& f) { return std::exchange(f.local_without_auth, false); },
     [](facts const&) { return std::string("set relay.local_without_auth = false"); }},
}};

bool turns(facts changed, change const& c, bool accepted)
{
    return c.make(changed) && decide(changed).accepted() != accepted;
}

}  // namespace

std::string smallest_flip(facts const& f)
{
    bool const accepted = decide(f).accepted();
    if (accepted) {
        for (auto const& c : tightening)
            if (turns(f, c, accepted)) return c.words(f);
        return {};
    }
    for (auto const& c : loosening)
        if (turns(f, c, accepted)) return c.words(f);
    if (turns(f, without_header_check, accepted)) return without_header_check.words(f);
    // Two changes, such as a log-in and another sender.
    for (auto const& first : loosening) {
        facts once = f;
        if (!first.make(once)) continue;
        for (auto const& second : loosening)
            if (turns(once, second, accepted)) return first.words(f) + ", and " + second.words(f);
    }
    return {};
}

}  // namespace postern::policy
