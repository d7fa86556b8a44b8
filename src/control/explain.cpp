// explain: the decision about a mail that nobody sends. Facts come from the directory and
// the settings, as they would for a real session; the decision from the same function.
#include <algorithm>

#include <boost/json/array.hpp>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "catalogue/verdict.hpp"
#include "control/commands.hpp"
#include "directory/directory.hpp"
#include "policy/policy.hpp"
#include "submission/facts.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

using catalogue::verdict;

/// Somebody on the Internet: an address that documentation uses (RFC 5737) and no rule names.
constexpr std::string_view a_stranger = "192.0.2.1";

std::uint16_t port_of(std::string_view address)
{
    auto const colon = address.rfind(':');
    if (colon == std::string_view::npos) return 0;
    return parse_number<std::uint16_t>(address.substr(colon + 1)).value_or(0);
}

/// The listener asked for; else the first one for mail programs, else the first.
config::listener const* choose_listener(config::settings const& s, std::optional<std::uint64_t> port)
{
    auto const& all = s.listeners;
    auto const found = std::find_if(all.begin(), all.end(), [&](config::listener const& l) {
        return port ? port_of(l.address) == *port : l.role == config::role::submission;
    });
    if (found != all.end()) return &*found;
    return port || all.empty() ? nullptr : &all.front();
}

std::string ports_of(config::settings const& s)
{
    std::string list;
    for (auto const& l : s.listeners) {
        if (!list.empty()) list += ", ";
        list += std::to_string(port_of(l.address));
    }
    return list.empty() ? "none" : list;
}

/// What the caller asked, checked.
struct question {
    config::listener const* listener = nullptr;
    ip_address client;
    bool tls = false;
    std::string as;
    mail::path from;
    std::optional<mail::mailbox> to;
    std::optional<mail::mailbox> header_from;
};

mail::path read_reverse_path(arguments& a, std::string const& text)
{
    mail::path p;
    if (text.empty() || text == "<>") {
        p.null = true;
        return p;
    }
    auto read = read_mailbox(text);
    if (!read) {
        a.wrong(std::move(read.error()));
        return p;
    }
    p.address = std::move(*read);
    p.utf8 = p.address.needs_smtputf8();
    return p;
}

mail::mailbox read_forward_path(arguments& a, std::string const& text)
{
    // The one address without a domain that a server takes, RFC 5321 section 4.5.1.
    if (equal_ignoring_case(text, "postmaster")) return {text, {}};
    auto read = read_mailbox(text);
    if (!read) {
        a.wrong(std::move(read.error()));
        return {};
    }
    return std::move(*read);
}

question read_question(context const& c, arguments& a)
{
    question q;
    auto const& s = *c.settings;
    auto const port = a.optional_number("listener", 65535);
    q.listener = choose_listener(s, port);
    if (!q.listener) {
        a.wrong(port ? "no listener has port " + std::to_string(*port) + "; those of the configuration: " + ports_of(s)
                     : "the configuration has no listener");
    }
    auto const client = a.optional_text("client").value_or(std::string{a_stranger});
    if (auto parsed = ip_address::parse(client)) {
        q.client = *parsed;
    } else {
        a.wrong("`" + printable(client, 100) + "` is not an IP address");
    }
    auto const tls = a.optional_flag("tls");
    if (q.listener) q.tls = tls.value_or(q.listener->tls != config::tls_mode::none);
    q.as = a.optional_text("as").value_or("");
    auto const from = a.optional_text("from");
    q.from = read_reverse_path(a, from ? *from : q.as.empty() ? std::string{"someone@elsewhere.example"} : q.as);
    if (auto to = a.optional_text("to")) q.to = read_forward_path(a, *to);
    if (auto header = a.optional_text("header_from")) {
        if (auto read = read_mailbox(*header)) {
            q.header_from = std::move(*read);
        } else {
            a.wrong(std::move(read.error()));
        }
    }
    return q;
}

json::object reply_of(verdict const& v, bool recipient)
{
    json::object reply;
    if (v.accepted()) {
        reply["code"] = 250;
        reply["status"] = recipient ? "2.1.5" : "2.1.0";
        reply["text"] = recipient ? "Recipient accepted" : "Sender accepted";
    } else {
        reply["code"] = v.why ? v.why->code : 0;
        reply["status"] = v.why ? to_string(v.why->status) : "";
        reply["text"] = v.text;
    }
    return reply;
}

std::string_view name_of(catalogue::decision d)
{
    switch (d) {
        case catalogue::decision::accept: return "accept";
        case catalogue::decision::refuse: return "refuse";
        case catalogue::decision::defer: break;
    }
    return "defer";
}

std::string_view name_of(policy::recipient_kind k)
{
    switch (k) {
        case policy::recipient_kind::not_local: return "not local";
        case policy::recipient_kind::local_known: return "local, known";
        case policy::recipient_kind::local_unknown: break;
    }
    return "local, unknown";
}

struct answer {
    verdict what;
    std::string at;    // the command that got it
    std::string flip;  // empty: nothing would
    json::object facts;
};

json::value print(answer&& a)
{
    json::object o;
    o["verdict"] = name_of(a.what.what);
    o["rule"] = a.what.why ? json::value(a.what.why->name) : json::value(nullptr);
    o["at"] = a.at;
    o["reply"] = reply_of(a.what, a.at != "MAIL");
    o["facts"] = std::move(a.facts);
    o["flip"] = a.flip.empty() ? json::value(nullptr) : json::value(a.flip);
    if (a.what.why) {
        json::object remedy;
        remedy["id"] = a.what.why->id;
        remedy["what"] = a.what.why->what;
        remedy["user"] = a.what.why->user;
        remedy["operator"] = a.what.why->operator_remedy;
        o["remedy"] = std::move(remedy);
    }
    return o;
}

/// Where the mail would go, and by which setting.
std::string next_hop(config::settings const& s, policy::facts const& f, std::optional<std::size_t> route)
{
    if (route) return s.routes[*route].to + " (route " + std::to_string(*route + 1) + ')';
    if (f.recipient != policy::recipient_kind::not_local) return s.delivery.local + " (delivery.local)";
    if (!s.delivery.smart_host.empty()) return "smtp:" + s.delivery.smart_host + " (delivery.smart_host)";
    return "mx";
}

/// Whether AUTH would have gone well for the account, wrong passwords apart.
std::optional<answer> refuse_login(config::settings const& s, question const& q, directory::account const& who)
{
    answer a;
    a.at = "AUTH";
    bool const clear_allowed = !s.auth.require_tls || contains(s.auth.plaintext_networks, q.client);
    if (!q.tls && !clear_allowed) {
        a.what = catalogue::make_verdict(catalogue::rules::auth_needs_tls);
        a.flip = "encrypt: STARTTLS on this port, or a port with TLS from the start; or add " + q.client.to_string() +
                 " to auth.plaintext_networks";
    } else if (!who.enabled) {
        a.what = catalogue::make_verdict(catalogue::rules::auth_account_disabled);
        a.flip = "postern account enable " + who.address;
    } else if (!who.smtp_auth) {
        a.what = catalogue::make_verdict(catalogue::rules::auth_smtp_off);
        a.flip = "postern account smtp-auth " + who.address + " on";
    } else {
        return std::nullopt;
    }
    return a;
}

std::uint16_t login_port(config::settings const& s)
{
    for (auto const& l : s.listeners)
        if (l.role == config::role::submission) return port_of(l.address);
    return 0;
}

json::object show(question const& q, policy::facts const& f)
{
    json::object o;
    o["listener"] = q.listener->address;
    o["role"] = f.listener == config::role::submission ? "submission" : "mx";
    o["client"] = f.client.to_string();
    o["tls"] = f.tls;
    o["account"] = f.account.empty() ? json::value(nullptr) : json::value(f.account);
    o["in_relay_networks"] = f.in_relay_networks;
    o["local_without_auth"] = f.local_without_auth;
    o["reverse_path"] = f.reverse_path.to_string();
    if (!f.account.empty()) o["sender_owned"] = f.sender_owned;
    return o;
}

}  // namespace

outcome explain(context& c, arguments a)
{
    auto const& s = *c.settings;
    auto const q = read_question(c, a);
    if (auto wrong = a.problem()) return std::move(*wrong);

    std::shared_ptr<directory::account const> who;
    if (!q.as.empty()) {
        c.accounts->wait_for_login(q.as);
        auto found = c.accounts->find_account(q.as);
        if (!found) return to_failure(found.error());
        if (!*found) return failure{failure::kind::usage, "there is no account " + printable(q.as, 320), {}};
        who = std::move(*found);
    }

    policy::facts f;
    f.listener = q.listener->role;
    f.listener_port = port_of(q.listener->address);
    f.login_port = login_port(s);
    f.client = q.client;
    f.tls = q.tls;
    f.in_relay_networks = contains(s.relay.networks, q.client);
    f.local_without_auth = s.relay.local_without_auth;
    f.check_header_from = s.submission.check_header_from;
    f.reverse_path = q.from;
    if (who) {
        f.account = who->address;
        if (!q.from.null) c.accounts->wait_for_address(q.from.address);
        auto const owned = q.from.null ? result<bool>{false} : c.accounts->may_send_as(*who, q.from.address);
        if (!owned) return to_failure(owned.error());
        f.sender_owned = *owned;
    }

    auto facts = show(q, f);
    if (who) {
        if (auto refused = refuse_login(s, q, *who)) {
            refused->facts = std::move(facts);
            return print(std::move(*refused));
        }
    }

    answer result;
    auto const ask = [&](policy::stage stage, std::string_view at) {
        f.stage = stage;
        result.what = policy::decide(f);
        result.at = at;
        result.flip = policy::smallest_flip(f);
        return result.what.accepted();
    };
    bool going = ask(policy::stage::sender, "MAIL");
    if (going && q.to) {
        facts["forward_path"] = q.to->to_string();
        c.accounts->wait_for_address(*q.to);
        if (auto const kind = submission::find_recipient_kind(*c.accounts, c.forwards, *q.to)) {
            f.forward_path = *q.to;
            f.recipient = *kind;
            facts["recipient"] = name_of(*kind);
            going = ask(policy::stage::recipient, "RCPT");
            auto const route = submission::find_route(s, f);
            if (going) facts["next_hop"] = next_hop(s, f, route);
            if (going && route && s.routes[*route].to == "refuse") {
                result = {policy::refusal(s.routes[*route], *q.to), "RCPT", {}, {}};
                result.flip = "take out " + policy::describe(s.routes, *route) + ", or put another one before it";
                going = false;
            }
        } else {
            result = {submission::lookup_failed(kind.error()), "RCPT", {}, {}};
            facts["problem"] = kind.error().logged;
            going = false;
        }
    }
    if (going && q.header_from && who) {
        f.header_address = q.header_from->to_string();
        c.accounts->wait_for_address(*q.header_from);
        auto const owned = c.accounts->may_send_as(*who, *q.header_from);
        if (!owned) return to_failure(owned.error());
        f.sender_owned = *owned;
        facts["header_from"] = f.header_address;
        facts["header_from_owned"] = f.sender_owned;
        ask(policy::stage::header_from, "DATA");
    }
    result.facts = std::move(facts);
    return print(std::move(result));
}

}  // namespace postern::control
