#include "console/logins.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "base/ip.hpp"
#include "base/json.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"
#include "catalogue/catalogue.hpp"
#include "catalogue/rules.hpp"

namespace postern::console {
namespace json = boost::json;
namespace {

// Where it ended: while it logged in (or with that), before it tried to, or with what it sent then.
constexpr std::string_view at_login = "log-in", before_login = "no log-in", at_sending = "sending";
constexpr std::size_t most_before_login = 20;

/// What one session tried.
struct attempt {
    std::string time, first;
    std::uint64_t times = 1;
    bool ok = false, near = false;
    std::string_view stage = at_login;
    std::string rule, cause, meaning, hello, mechanism, client, listener, tls, credential, label, session;

    /// Whether it is the same again.
    bool like(attempt const& o) const
    {
        return ok == o.ok && stage == o.stage && rule == o.rule && cause == o.cause && hello == o.hello &&
               mechanism == o.mechanism && client == o.client && listener == o.listener && tls == o.tls &&
               credential == o.credential;
    }
};

/// "192.0.2.7:50312" and "[2001:db8::1]:50312" without the port, which says nothing.
std::string address_of(std::string const& client)
{
    auto const colon = client.rfind(':');
    if (colon == std::string::npos) return client;
    if (client.starts_with('[') && client[colon - 1] == ']') return client.substr(1, colon - 2);
    return client.find(':') == colon ? client.substr(0, colon) : client;
}

std::string session_of(json::object const& e)
{
    auto const s = text_in(e, "session");
    return s.substr(0, s.find('.'));
}

std::optional<ip_address> customer_at(std::string const& address)
{
    auto const a = ip_address::parse(address);
    return a ? std::optional{customer_of(*a)} : std::nullopt;
}

bool is_in(std::vector<std::string> const& names, std::string const& name)
{
    return !name.empty() && std::ranges::find(names, to_lower(name)) != names.end();
}

/// What a device that is set up wrongly meets before anybody can tell whose it is.
bool is_of_set_up(std::string const& rule)
{
    using namespace catalogue::rules;
    static std::array<catalogue::rule const*, 7> const all{
        &wants_tls_from_start, &tls_on_plain_port, &tls_handshake_failed, &tls_required,
        &auth_needs_tls,       &auth_required,     &relay_needs_login};
    return std::ranges::any_of(all, [&](catalogue::rule const* r) { return r->name == rule; });
}

bool is_sending(std::string const& command)
{
    constexpr std::array<std::string_view, 4> verbs{"MAIL", "RCPT", "DATA", "BDAT"};
    return std::ranges::any_of(verbs, [&](auto verb) { return starts_with_ignoring_case(command, verb); });
}

/// Where it ended; nothing when it is no log-in, or somebody else's.
std::optional<std::string_view> stage_of(json::object const& e, login_question const& q)
{
    auto const name = text_in(e, "event");
    auto const account = text_in(e, "account");
    bool const own = is_in(q.names, account);
    if (own && (name == "login" || name == "web_sign_in" || name == "web_sign_in_refused")) return at_login;
    if (name != "refused") return std::nullopt;
    auto const command = text_in(e, "command");
    auto const* const in = e.if_contains("logged_in");
    bool const logged_in = in && in->is_bool() && in->as_bool();
    if (own && logged_in) return is_sending(command) ? std::optional{at_sending} : std::nullopt;
    if (own) return command.starts_with("AUTH") ? std::optional{at_login} : std::nullopt;
    if (!account.empty()) return std::nullopt;
    if (is_in(q.names, text_in(e, "mail_from"))) return before_login;
    // A sender that is not this account is somebody else's, who may share the address.
    if (!text_in(e, "mail_from").empty()) return std::nullopt;
    if (q.waiting_since.empty() || text_in(e, "time") < q.waiting_since) return std::nullopt;
    return is_from(e, q.here) && is_of_set_up(text_in(e, "rule")) ? std::optional{before_login} : std::nullopt;
}

attempt read(json::object const& e, std::string_view stage)
{
    attempt l;
    l.stage = stage;
    l.time = l.first = text_in(e, "time");
    auto const name = text_in(e, "event");
    l.ok = name == "login" || name == "web_sign_in";
    if (name.starts_with("web_")) l.listener = "web";
    l.rule = text_in(e, "rule");
    // Of one that went well the log has how it was found, which is no cause.
    if (!l.ok && stage == at_login) {
        l.cause = text_in(e, "cause");
        l.meaning = text_in(e, "meaning");
    }
    l.hello = printable(text_in(e, "ehlo"), 255);
    l.mechanism = text_in(e, "mechanism");
    l.client = address_of(text_in(e, "client"));
    if (l.listener.empty()) l.listener = text_in(e, "listener");
    l.tls = text_in(e, "tls");
    l.credential = text_in(e, "credential");
    l.label = text_in(e, "label");
    l.session = text_in(e, "session");
    return l;
}

/// What the same session did next: that is how it ended, but what it is shows in how it began.
void go_on(attempt& before, attempt&& next)
{
    next.first = std::move(before.first);
    for (auto const part : {&attempt::hello, &attempt::mechanism})
        if (!(before.*part).empty()) next.*part = std::move(before.*part);
    for (auto const part : {&attempt::credential, &attempt::label})
        if ((next.*part).empty()) next.*part = std::move(before.*part);
    before = std::move(next);
}

/// One for each session, by the time of its end.
std::vector<attempt> read_sessions(std::vector<json::object> const& events, login_question const& q)
{
    std::vector<attempt> all;
    std::map<std::string, std::size_t> known;
    for (auto const& e : events) {
        auto const session = session_of(e);
        auto const at = session.empty() ? known.end() : known.find(session);
        if (text_in(e, "event") == "login_cause") {
            // What was found out after the answer had gone.
            if (at == known.end() || all[at->second].ok || all[at->second].stage != at_login) continue;
            all[at->second].cause = text_in(e, "cause");
            all[at->second].meaning = text_in(e, "meaning");
            continue;
        }
        auto const stage = stage_of(e, q);
        if (!stage) continue;
        auto next = read(e, *stage);
        if (at != known.end()) {
            go_on(all[at->second], std::move(next));
        } else {
            if (!session.empty()) known.emplace(session, all.size());
            all.push_back(std::move(next));
        }
    }
    std::ranges::stable_sort(all, {}, &attempt::time);
    return all;
}

/// Which of them came from where the account is at home.
void find_near(std::vector<attempt>& all, std::string const& here)
{
    std::set<ip_address> known;
    if (auto const c = customer_at(here)) known.insert(*c);
    for (auto const& l : all)
        if (auto const c = customer_at(l.client); c && (l.ok || l.stage == at_sending)) known.insert(*c);
    for (auto& l : all) {
        auto const c = customer_at(l.client);
        l.near = c && known.contains(*c);
        if (l.near || l.stage != before_login) continue;
        // It may be anybody's who gave this address, by mistake or not.
        l.hello.clear();
        l.session.clear();
    }
}

/// What one device tried again with the same end is one row.
std::vector<attempt> fold(std::vector<attempt>&& all)
{
    std::vector<attempt> folded;
    std::map<std::string, std::size_t> latest;  // of each device
    for (auto& l : all) {
        auto const device = l.client + '\n' + l.hello;
        auto const at = latest.find(device);
        if (at != latest.end() && folded[at->second].like(l)) {
            auto& same = folded[at->second];
            l.first = std::move(same.first);
            l.times += same.times;
            same = std::move(l);
            continue;
        }
        latest[device] = folded.size();
        folded.push_back(std::move(l));
    }
    std::ranges::stable_sort(folded, {}, &attempt::time);
    return folded;
}

json::object show(attempt const& l)
{
    json::object o;
    o["time"] = l.time;
    o["first"] = l.first;
    o["times"] = l.times;
    o["result"] = l.ok ? "ok" : "refused";
    o["stage"] = l.stage;
    o["near"] = l.near;
    o["rule"] = l.rule;
    o["cause"] = l.cause;
    auto const* const rule = l.rule.empty() ? nullptr : catalogue::find(l.rule);
    o["meaning"] = !l.meaning.empty() || rule == nullptr ? std::string_view{l.meaning} : rule->what;
    o["remedy"] = rule ? rule->user : std::string_view{};
    auto const guess = guess_device(l.hello, l.mechanism);
    if (guess.name.empty()) {
        o["device"] = nullptr;
    } else {
        o["device"] = json::object{{"name", guess.name}, {"probably", guess.probably}};
    }
    o["hello"] = l.hello;
    o["mechanism"] = l.mechanism;
    o["client"] = l.client;
    o["listener"] = l.listener;
    auto const colon = l.listener.rfind(':');
    o["port"] = colon == std::string::npos ? 0 : parse_number<std::uint16_t>(l.listener.substr(colon + 1)).value_or(0);
    o["tls"] = l.tls;
    o["credential"] = l.credential;
    o["label"] = l.label;
    o["session"] = l.session;
    return o;
}

}  // namespace

std::string text_in(json::object const& event, std::string_view key)
{
    return std::string{postern::text_in(event, key)};
}

bool is_from(json::object const& event, std::string_view here)
{
    auto const customer = customer_at(address_of(text_in(event, "client")));
    return customer && customer == customer_at(std::string{here});
}

device_guess guess_device(std::string_view hello, std::string_view mechanism) noexcept
{
    struct known {
        std::string_view begins;
        device_guess what;
    };
    // Those that name themselves, and habits that were seen; the greeting may say anything, so nothing is built on it.
    static constexpr std::array<known, 9> table{{
        {"postern", {"Postern", false}},
        {"thunderbird", {"Thunderbird", false}},
        {"k-9", {"K-9 Mail", false}},
        {"fairemail", {"FairEmail", false}},
        {"iphone", {"iPhone", true}},
        {"ipad", {"iPad", true}},
        {"desktop-", {"Outlook or another program on Windows", true}},
        {"laptop-", {"Outlook or another program on Windows", true}},
        {"localhost", {"msmtp, a script or a device", true}},
    }};
    for (auto const& k : table)
        if (starts_with_ignoring_case(hello, k.begins)) return k.what;
    if (hello.starts_with("[")) {
        if (mechanism == "PLAIN") return {"Thunderbird or a phone", true};
        if (mechanism == "CRAM-MD5") return {"Thunderbird, or a script in Python", true};
        return {"a mail program", true};
    }
    // Programs on Windows greet with the computer's name, without a domain, and prefer LOGIN.
    if (!hello.empty() && hello.find('.') == std::string_view::npos && mechanism == "LOGIN")
        return {"Outlook or a scanner", true};
    return {};
}

json::array list_logins(std::vector<json::object> const& events, login_question const& q)
{
    auto all = read_sessions(events, q);
    find_near(all, q.here);
    auto const folded = fold(std::move(all));
    json::array list;
    std::size_t strangers = 0, near = 0;
    for (auto at = folded.rbegin(); at != folded.rend() && list.size() < q.limit; ++at) {
        // Neighbours behind one address can push no log-in out of the list either.
        if (at->stage == before_login && ++(at->near ? near : strangers) > most_before_login) continue;
        list.emplace_back(show(*at));
    }
    return list;
}

}  // namespace postern::console
