// account test: would a log-in work now, and what stands in its way?
#include <algorithm>
#include <future>

#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "control/commands.hpp"
#include "directory/directory.hpp"
#include "directory/names.hpp"
#include "guard/conduct.hpp"
#include "guard/keeper.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::chrono::seconds patience_with_check{20};
constexpr std::chrono::hours soon{24 * 7};

/// What was found, each with what to do about it.
class findings {
public:
    void good(std::string_view check, std::string text) { add(check, "ok", std::move(text), {}); }
    void warn(std::string_view check, std::string text, std::string remedy)
    {
        add(check, "warning", std::move(text), std::move(remedy));
    }
    void unknown(std::string_view check, std::string text, std::string remedy)
    {
        add(check, "unknown", std::move(text), std::move(remedy));
    }
    void obstacle(std::string_view check, std::string text, std::string remedy)
    {
        add(check, "obstacle", std::move(text), std::move(remedy));
        works_ = false;
    }
    bool works() const { return works_; }
    json::array take() { return std::move(list_); }

private:
    void add(std::string_view check, std::string_view state, std::string text, std::string remedy)
    {
        json::object o;
        o["check"] = check;
        o["state"] = state;
        o["text"] = std::move(text);
        o["remedy"] = std::move(remedy);
        list_.emplace_back(std::move(o));
    }

    json::array list_;
    bool works_ = true;
};

struct question {
    std::string address;
    secret password;
    std::optional<ip_address> client;
    std::string listener;
    std::string mechanism;
};

/// What is known of the account.
struct subject {
    directory::account const& account;
    bool stored = false;  // in the database, not of a back end
    bool basic = true;
    std::size_t app_passwords = 0;  // that work
};

std::string account_command(std::string_view what, std::string_view address, std::string_view rest = {})
{
    std::string text = "`postern account ";
    text.append(what).append(" ").append(address).append(rest);
    return text + '`';
}

std::string day_of(wall_time t) { return to_rfc3339(t).substr(0, 10); }

void look_at_back_ends(context& c, bool known, findings& f)
{
    bool down = false;
    for (auto const& b : c.accounts->backends()) {
        if (b.up) continue;
        down = true;
        auto const text = "The back end " + b.name + " can't answer: " + b.detail;
        auto const remedy = "Until it can, its users get 454 and try again later; see docs/backends.md.";
        if (known)
            f.warn("back ends", text, remedy);
        else
            f.obstacle("back ends", text, remedy);
    }
    if (!down && !c.accounts->backends().empty()) f.good("back ends", "All back ends answer.");
}

void look_at_switches(subject const& s, findings& f)
{
    auto const& a = s.account;
    if (a.enabled)
        f.good("account", a.address + " is switched on.");
    else
        f.obstacle("account", a.address + " is switched off: 525 5.7.13.",
                   s.stored ? account_command("enable", a.address) : "Switch the user on where it comes from.");
    if (a.smtp_auth)
        f.good("smtp auth", "SMTP AUTH is on.");
    else
        f.obstacle("smtp auth", "SMTP AUTH is off for the account: 535 5.7.8.",
                   account_command("smtp-auth", a.address, " on"));
}

void look_at_passwords(context& c, subject const& s, question const& q, findings& f)
{
    using level = directory::basic_passwords::level;
    auto const& a = s.account;
    auto const basic = c.accounts->basic_passwords_of(a);
    auto const words = basic.from == level::nobody ? std::string{}
                                                   : ": set for the " + std::string{to_string(basic.from)} + " on " +
                                                         day_of(basic.now.since) + " by the " + basic.now.by;
    auto const make_one = account_command("app-password add", a.address, " --label TEXT");
    if (s.basic) {
        f.good("basic passwords", "The account's own password is taken" + words + ".");
    } else if (s.app_passwords != 0) {
        f.good("basic passwords", "The account's own password is not taken" + words + "; its app passwords are.");
    } else {
        auto const text = "The account's own password is not taken" + words + ", and it has no app password that works";
        // A token may be what they use.
        if (c.settings->oauth.issuer.empty() || !q.password.empty())
            f.obstacle("basic passwords", text + ".", make_one);
        else
            f.warn("basic passwords", text + "; only tokens, certificates and Kerberos tickets are.", make_one);
    }
    auto const now = wall_clock::now();
    for (auto const& p : a.app_passwords) {
        auto const name = "App password " + std::to_string(p->id) + " (" + p->label + ")";
        if (p->revoked || !p->expires) continue;
        if (p->expired(now))
            f.warn("app passwords", name + " expired on " + day_of(*p->expires) + ".", make_one);
        else if (*p->expires < now + soon)
            f.warn("app passwords", name + " expires on " + day_of(*p->expires) + ".", make_one);
    }
    if (!q.client) return;
    for (auto const& p : a.app_passwords)
        if (p->works(now) && !p->limits.allow_client(*q.client))
            f.warn("app passwords",
                   "App password " + std::to_string(p->id) + " (" + p->label + ") may not be used from " +
                       q.client->to_string() + ".",
                   "Use another one there; limits of an app password don't change.");
}

sasl::account_means means_of(context& c, subject const& s)
{
    auto const& a = s.account;
    auto const now = wall_clock::now();
    auto const keys = [&](hash h) {
        return (s.basic && a.has_scram(h)) ||
               std::any_of(a.app_passwords.begin(), a.app_passwords.end(), [&](auto const& p) {
                   return p->works(now) &&
                          std::find(p->scram_hashes.begin(), p->scram_hashes.end(), h) != p->scram_hashes.end();
               });
    };
    auto m = c.accounts->means();
    m.password = s.basic || s.app_passwords != 0;
    m.scram_sha1 = keys(hash::sha1);
    m.scram_sha256 = keys(hash::sha256);
    m.scram_sha512 = keys(hash::sha512);
    m.cram_md5 = s.basic && a.has_cram_md5;
    m.token = !c.settings->oauth.issuer.empty();
    return m;
}

bool has_certificate(context const& c, std::string const& address)
{
    auto const& auth = c.settings->auth;
    return !auth.client_authorities.empty() ||
           std::any_of(auth.certificates.begin(), auth.certificates.end(),
                       [&](auto const& bound) { return equal_ignoring_case(bound.account, address); });
}

bool is_meant(config::listener const& l, std::string_view wanted)
{
    if (wanted.empty()) return l.role == config::role::submission;
    return l.address == wanted || (l.address.size() > wanted.size() && l.address.ends_with(wanted) &&
                                   l.address[l.address.size() - wanted.size() - 1] == ':');
}

std::string joined(std::vector<std::string> const& list)
{
    std::string all;
    for (auto const& one : list) all += (all.empty() ? "" : ", ") + one;
    return all;
}

void look_at_listener(context& c, subject const& s, question const& q, config::listener const& l, findings& f)
{
    auto const& auth = c.settings->auth;
    auto const& offered = l.mechanisms.empty() ? auth.mechanisms : l.mechanisms;
    bool const tls = l.tls != config::tls_mode::none;
    bool const clear = !auth.require_tls || (q.client && contains(auth.plaintext_networks, *q.client));
    if (!tls && !clear)
        return f.obstacle("mechanisms", l.address + " has no TLS, and log-ins without it are not taken.",
                          "Use a port with TLS, or add the client to auth.plaintext_networks.");
    sasl::circumstances const here{.accounts = means_of(c, s),
                                   .tls = tls,
                                   .bindings = tls,
                                   .certificate = l.client_certificates && has_certificate(c, s.account.address)};
    std::vector<std::string> possible, impossible;
    for (auto const& m : offered) (sasl::can_succeed(m, here) ? possible : impossible).push_back(m);
    if (!q.mechanism.empty()) {
        auto const same = [&](std::string const& m) { return equal_ignoring_case(m, q.mechanism); };
        if (std::any_of(possible.begin(), possible.end(), same))
            f.good("mechanisms", q.mechanism + " works with this account on " + l.address + ".");
        else if (std::any_of(impossible.begin(), impossible.end(), same))
            f.obstacle("mechanisms",
                       q.mechanism + " can't work with this account on " + l.address + ": it has nothing for it.",
                       possible.empty() ? "See docs/mechanisms.md." : "Choose " + joined(possible) + ".");
        else
            f.obstacle("mechanisms", q.mechanism + " is not offered on " + l.address + ".",
                       "Choose " + joined(possible) + ", or add it to auth.mechanisms.");
        return;
    }
    if (possible.empty())
        return f.obstacle("mechanisms", "No way of logging in that " + l.address + " offers works with this account.",
                          "See docs/mechanisms.md for what each needs.");
    f.good("mechanisms", "On " + l.address + ": " + joined(possible) + ".");
    // Programs take the strongest that is shown, whether or not it works for this account.
    std::vector<std::string> shown;
    sasl::circumstances all = here;
    all.accounts = c.accounts->means();
    all.accounts.token = here.accounts.token;
    for (auto const& m : impossible)
        if (sasl::can_succeed(m, all)) shown.push_back(m);
    if (!shown.empty())
        f.warn("mechanisms",
               "Shown, since other accounts can use it, but not possible for this one: " + joined(shown) + ".",
               "Programs that prefer those fail: choose " + joined(possible) +
                   " in the program. SCRAM keys are made at the first log-in with PLAIN.");
}

void look_at_guard(context& c, question const& q, std::string const& address, findings& f)
{
    auto const& s = c.settings->guard;
    if (!c.guard)
        return f.unknown("guard", "No server runs, so nothing is held against anybody.", "`postern serve` starts it.");
    auto const now = steady_clock::now();
    auto const say = [&](guard::answer const& a) {
        f.obstacle("guard", "Log-ins are refused for now: " + std::string{to_string(a.why)} + ' ' + a.what + ".",
                   a.why == guard::reason::denied ? "It stands on the list of denied networks; `postern guard list`."
                                                  : "`postern guard lift " + a.what + "` ends it.");
    };
    if (q.client) {
        if (auto const at = c.guard->at_connect(s, *q.client, true, now); at.refused()) return say(at);
        if (auto const at = c.guard->at_login(s, *q.client, address, now); at.refused()) return say(at);
        return f.good("guard", "Nothing keeps " + q.client->to_string() + " out.");
    }
    auto const key = guard::account_key(directory::any_name_key(address));
    for (auto const& r : c.guard->list(s, 100'000, now)) {
        if (r.why != guard::reason::account || r.what != key || r.refused_for.count() == 0) continue;
        return f.warn("guard", "Log-ins for the account are refused but from where it logged in lately.",
                      "`postern guard lift " + r.what + "` ends it; --client IP asks for one address.");
    }
    f.good("guard", "Nothing is held against the account; --client IP asks about an address.");
}

void look_at_domain(context& c, std::string const& address, findings& f)
{
    auto const domain = address.substr(address.rfind('@') + 1);
    auto const local = c.accounts->is_local(domain);
    if (!local) return f.unknown("domain", "The local domains can't be read: " + local.error().logged, "");
    if (*local) return f.good("domain", domain + " is a local domain.");
    f.warn("domain", domain + " is not a local domain: the account can send, but mail to it does not arrive here.",
           "`postern domain add " + domain + "`");
}

void look_at_conduct(context& c, std::string const& address, findings& f)
{
    if (!c.conduct) return;
    for (auto const& r : c.conduct->list(c.settings->guard, steady_clock::now()))
        if (r.account == address && r.now == guard::conduct::held)
            f.warn("guard", "The account sends like a stolen one: it can log in, but its mail is held.",
                   "`postern guard lift " + address + "` releases it.");
}

void try_password(context& c, question const& q, findings& f)
{
    if (q.password.empty()) return;
    using state = directory::login_state;
    auto const promise = std::make_shared<std::promise<result<directory::login>>>();
    auto future = promise->get_future();
    c.accounts->verify_password(q.address, {}, q.password,
                                [promise](result<directory::login> l) { promise->set_value(std::move(l)); });
    if (future.wait_for(patience_with_check) != std::future_status::ready)
        return f.obstacle("password", "The password could not be checked in time.", "Try again; see the server's log.");
    auto const l = future.get();
    if (!l || l->state == state::unsure)
        return f.obstacle("password", "The password could not be checked: " + (l ? l->cause : l.error().logged),
                          "It says nothing about the password; clients get 454 and try again.");
    if (l->state == state::bad_credentials)
        return f.obstacle("password", "The password is not taken: " + std::string{meaning_of(l->why)},
                          account_command("password", q.address) + " sets a new one.");
    if (l->state == state::app_password_needed)
        return f.obstacle("password", "The password is right, but an app password is needed: 534 5.7.9.",
                          account_command("app-password add", q.address, " --label TEXT"));
    if (l->state != state::accepted) return f.warn("password", "The password is right.", "See what is switched off.");
    if (!l->app) return f.good("password", "The password is right.");
    auto const name = "app password " + std::to_string(l->app->id) + " (" + l->app->label + ")";
    if (q.client && !l->app->limits.allow_client(*q.client))
        return f.obstacle("password", "It is " + name + ", which may not be used from " + q.client->to_string() + ".",
                          "Make another one with that --network.");
    f.good("password", "It is " + name + ", and right.");
}

question read_question(arguments& a)
{
    question q;
    q.address = a.mailbox("address").key();
    q.password = a.optional_secret(secrets::password);
    if (auto const text = a.optional_text("client", 64)) {
        q.client = ip_address::parse(*text);
        if (!q.client) a.wrong("`" + printable(*text, 64) + "` is not an address of a client");
    }
    q.listener = a.optional_text("listener", 100).value_or("");
    q.mechanism = to_upper(a.optional_text("mechanism", 40).value_or(""));
    auto const& known = sasl::server_mechanisms();
    if (!q.mechanism.empty() && std::find(known.begin(), known.end(), q.mechanism) == known.end())
        a.wrong("`" + printable(q.mechanism, 40) + "` is no way of logging in that this server knows");
    return q;
}

}  // namespace

outcome account_test(context& c, arguments a)
{
    auto const q = read_question(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    std::vector<config::listener> listeners;
    for (auto const& l : c.settings->listeners)
        if (is_meant(l, q.listener)) listeners.push_back(l);
    if (listeners.empty() && !q.listener.empty())
        return failure{failure::kind::usage, "there is no listener " + printable(q.listener, 100), {}};

    findings f;
    c.accounts->wait_for_login(q.address);
    auto const found = c.accounts->find_account(q.address);
    if (!found) {
        f.obstacle("account", "The accounts can't be read: " + found.error().logged, "Clients get 454 meanwhile.");
    } else if (!*found) {
        look_at_back_ends(c, false, f);
        bool const others = !c.accounts->backends().empty();
        if (others && f.works() && q.password.empty())
            f.unknown("account",
                      "Neither the database nor a file knows " + q.address + "; back ends are asked at a log-in only.",
                      "Give the password with --password-stdin to ask them.");
        else if (!others || !f.works())
            f.obstacle("account", "There is no account " + q.address + ".", account_command("add", q.address));
        look_at_guard(c, q, q.address, f);
        if (others) try_password(c, q, f);
    } else {
        auto const now = wall_clock::now();
        auto const& account = **found;
        subject s{account, account.back_end.empty(), c.accounts->basic_passwords_of(account).now.allowed, 0};
        s.app_passwords = static_cast<std::size_t>(std::count_if(
            account.app_passwords.begin(), account.app_passwords.end(), [&](auto const& p) { return p->works(now); }));
        look_at_switches(s, f);
        look_at_passwords(c, s, q, f);
        for (auto const& l : listeners) look_at_listener(c, s, q, l, f);
        look_at_guard(c, q, account.address, f);
        look_at_conduct(c, account.address, f);
        look_at_back_ends(c, true, f);
        look_at_domain(c, account.address, f);
        try_password(c, q, f);
    }
    json::object o;
    o["address"] = q.address;
    o["works"] = f.works();
    o["findings"] = f.take();
    return json::value(std::move(o));
}

}  // namespace postern::control
