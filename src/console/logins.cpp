#include "console/logins.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"
#include "catalogue/catalogue.hpp"

namespace postern::console {
namespace json = boost::json;
namespace {

struct login {
    std::string time, first;
    std::uint64_t times = 1;
    bool ok = false;
    std::string rule, cause, meaning, hello, mechanism, client, listener, tls, credential, label, session;

    /// Whether it is the same again.
    bool like(login const& o) const
    {
        return ok == o.ok && rule == o.rule && cause == o.cause && hello == o.hello && mechanism == o.mechanism &&
               client == o.client && listener == o.listener && tls == o.tls && credential == o.credential;
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

bool is_about(json::object const& e, std::vector<std::string> const& names)
{
    return std::find(names.begin(), names.end(), to_lower(text_in(e, "account"))) != names.end();
}

bool is_login(json::object const& e)
{
    auto const name = text_in(e, "event");
    return name == "login" || name == "web_sign_in" || name == "web_sign_in_refused" ||
           (name == "refused" && text_in(e, "command").starts_with("AUTH"));
}

login read(json::object const& e)
{
    login l;
    l.time = l.first = text_in(e, "time");
    auto const name = text_in(e, "event");
    l.ok = name == "login" || name == "web_sign_in";
    if (name.starts_with("web_")) l.listener = "web";
    l.rule = text_in(e, "rule");
    // Of one that went well the log has how it was found, which is no cause.
    if (!l.ok) {
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

/// What was found out after the answer had gone.
void refine(std::vector<login>& list, json::object const& e)
{
    auto const of = session_of(e);
    auto const at = std::find_if(list.rbegin(), list.rend(),
                                 [&](login const& l) { return l.session.substr(0, l.session.find('.')) == of; });
    if (at == list.rend() || at->ok) return;
    at->cause = text_in(e, "cause");
    at->meaning = text_in(e, "meaning");
}

json::object show(login const& l)
{
    json::object o;
    o["time"] = l.time;
    o["first"] = l.first;
    o["times"] = l.times;
    o["result"] = l.ok ? "ok" : "refused";
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

json::array list_logins(std::vector<json::object> const& events, std::vector<std::string> const& names,
                        std::size_t limit)
{
    std::vector<login> all;
    for (auto const& e : events) {
        if (!is_about(e, names)) continue;
        if (is_login(e))
            all.push_back(read(e));
        else if (text_in(e, "event") == "login_cause")
            refine(all, e);
    }
    std::vector<login> folded;
    for (auto& l : all) {
        if (folded.empty() || !folded.back().like(l)) {
            folded.push_back(std::move(l));
            continue;
        }
        auto& same = folded.back();
        ++same.times;
        same.time = std::move(l.time);
        same.session = std::move(l.session);
        same.label = std::move(l.label);
    }
    json::array list;
    for (auto at = folded.rbegin(); at != folded.rend() && list.size() < limit; ++at) list.emplace_back(show(*at));
    return list;
}

}  // namespace postern::console
