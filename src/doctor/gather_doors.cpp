// Connections to our own listeners.
#include <algorithm>
#include <list>
#include <map>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "base/internet_address.hpp"
#include "base/text.hpp"
#include "doctor/dialogue.hpp"
#include "doctor/gather.hpp"
#include "doctor/judge_parts.hpp"
#include "doctor/relay_tricks.hpp"
#include "net/tls.hpp"

namespace postern::doctor {
namespace {

namespace asio = boost::asio;

// Strangers of a machine's own network; 127.0.0.1 itself is often trusted.
ip_address stranger_here() { return *ip_address::parse("127.0.0.2"); }

bool is_wildcard(std::string const& address)
{
    return address.starts_with(":") || address.starts_with("[::]:") || address.starts_with("0.0.0.0:");
}

/// Where a listener is reached from this machine: a wildcard by loopback.
std::optional<endpoint> inside_of(std::string const& address)
{
    auto const port = port_of(address);
    if (port == 0) return std::nullopt;
    if (is_wildcard(address)) return endpoint{*ip_address::parse("127.0.0.1"), port};
    return endpoint::parse(address);
}

bool takes_smtp(listener_facts const& l) { return l.role == "submission" || l.role == "mx"; }

std::shared_ptr<net::tls_context> any_tls()
{
    auto made = net::make_client_tls();
    return made ? *made : nullptr;
}

net::awaitable<void> reach(asio::any_io_executor executor, listener_facts l, std::string name,
                           std::shared_ptr<net::tls_context> tls, std::chrono::seconds limit, reach_facts* out)
{
    dialogue d{executor, limit};
    bool const connected = co_await d.connect(out->at, std::nullopt);
    if (connected && l.tls == "implicit" && tls) {
        bool const shaken = co_await d.shake_hands(tls, name);
        if (shaken) out->certificate = d.certificate();
    }
    std::optional<smtp::reply> greeting;
    if (d.open()) greeting = co_await d.listen();
    if (greeting) {
        out->greeting = printable(greeting->to_string(), 100);
        out->answered = greeting->positive();
        if (!out->answered) out->problem = "says " + out->greeting;
    } else {
        out->problem = d.problem();
        if (connected) out->greeting = d.strange();
    }
    if (!out->answered || l.tls != "starttls" || !tls) co_return;
    auto const hello = co_await d.say("EHLO doctor.invalid");
    if (!hello || !hello->positive()) co_return;
    auto const ready = co_await d.say("STARTTLS");
    if (!ready || !ready->positive()) co_return;
    bool const shaken = co_await d.shake_hands(tls, name);
    if (shaken) out->certificate = d.certificate();
}

class relay_run {
public:
    relay_run(asio::any_io_executor executor, config::settings const& s, listener_facts l, endpoint at, ip_address from,
              relay_names names, std::chrono::seconds limit)
        : d_(executor, limit),
          until_(steady_clock::now() + 12 * limit),
          settings_(s),
          listener_(std::move(l)),
          at_(at),
          from_(from),
          client_(from.to_string()),
          names_(std::move(names))
    {
        if (listener_.tls == "implicit") tls_ = any_tls();
        // Refused recipients of a session slow it down, and too many errors end it.
        std::size_t most = std::max<std::size_t>(1, s.limits.errors / 3);
        if (listener_.role == "mx" && s.mx.tarpit_after != 0) most = std::min<std::size_t>(most, s.mx.tarpit_after);
        per_session_ = std::min<std::size_t>(most, 15);
    }

    net::awaitable<void> run()
    {
        auto const tricks = relay_tricks(names_);
        std::map<std::string, bool> anybody;  // by local domain
        for (auto const& t : tricks) {
            // With a catch-all, what our own domain takes says nothing.
            if (!t.local_domain.empty()) {
                if (!anybody.contains(t.local_domain)) {
                    bool const taken = co_await takes_anybody(t.local_domain);
                    anybody[t.local_domain] = taken;
                }
                if (anybody[t.local_domain]) continue;
            }
            co_await attempt(t);
            if (steady_clock::now() > until_ && !hopeless_) {
                problem = "it answers too slowly for all of them";
                hopeless_ = true;
            }
            if (hopeless_) co_return;
        }
    }

    std::vector<relay_facts> done;
    std::size_t unsettled = 0;
    std::string problem;

private:
    net::awaitable<bool> begin(std::string hello)
    {
        bool const connected = co_await d_.connect(at_, from_);
        if (!connected) co_return false;
        if (tls_) {
            bool const shaken = co_await d_.shake_hands(tls_, settings_.hostname);
            if (!shaken) co_return false;
        }
        auto const greeting = co_await d_.listen();
        if (!greeting || !greeting->positive()) co_return false;
        if (hello.empty()) hello = "relay-test.invalid";
        auto const said = co_await d_.say("EHLO " + hello);
        used_ = 0;
        co_return said && said->positive();
    }

    net::awaitable<bool> ready(relay_trick const& t)
    {
        bool const plain = t.hello.empty() && t.before.empty();
        if (d_.open() && plain && plain_ && used_ < per_session_) {
            auto const reset = co_await d_.say("RSET");
            if (reset && reset->positive()) co_return true;
        }
        plain_ = plain;
        bool const begun = co_await begin(t.hello);
        if (!begun) {
            problem = d_.problem();
            hopeless_ = true;
        }
        co_return begun;
    }

    net::awaitable<void> attempt(relay_trick const& t)
    {
        bool const begun = co_await ready(t);
        if (!begun) co_return;
        ++used_;
        relay_facts r{listener_.address, t.name, shown(t.from), shown(t.to), 0, false, client_};
        if (!t.before.empty()) {
            auto const claimed = co_await d_.say(t.before);
            // XCLIENT that was taken begins the session anew.
            if (claimed && claimed->positive()) {
                auto const again = co_await d_.say("EHLO relay-test.invalid");
                if (!again) co_return keep(std::move(r));
            }
        }
        auto const mail = co_await d_.say("MAIL FROM:" + t.from);
        if (mail) r.code = mail->code;
        if (mail && mail->positive()) {
            auto const rcpt = co_await d_.say("RCPT TO:" + t.to);
            r.code = rcpt ? rcpt->code : 0;
            r.accepted = rcpt && rcpt->positive();
        }
        keep(std::move(r));
    }

    void keep(relay_facts r)
    {
        // "Later", or nothing at all, is no refusal.
        if (r.accepted || r.refused())
            done.push_back(std::move(r));
        else
            ++unsettled;
    }

    net::awaitable<bool> takes_anybody(std::string domain)
    {
        relay_trick t;
        t.from = "<stranger@example.net>";
        t.to = nobody_at(domain);
        bool const begun = co_await ready(t);
        if (!begun) co_return false;
        ++used_;
        auto const mail = co_await d_.say("MAIL FROM:" + t.from);
        if (!mail || !mail->positive()) co_return false;
        auto const rcpt = co_await d_.say("RCPT TO:" + t.to);
        co_return rcpt && rcpt->positive();
    }

    dialogue d_;
    steady_time until_;
    config::settings const& settings_;
    listener_facts listener_;
    endpoint at_;
    ip_address from_;
    std::string client_;
    relay_names names_;
    std::shared_ptr<net::tls_context> tls_;
    std::size_t per_session_ = 1, used_ = 0;
    bool plain_ = false, hopeless_ = false;
};

/// Why an address is no stranger to the listener; empty: it is one.
std::string trusted_by(config::settings const& s, listener_facts const& l, ip_address const& from)
{
    if (contains(s.relay.networks, from)) return from.to_string() + " is in relay.networks";
    for (auto const& configured : s.listeners)
        if (port_of(configured.address) == port_of(l.address) && contains(configured.proxy_networks, from))
            return from.to_string() + " is in proxy_networks of the listener, so it would have to be the proxy";
    return {};
}

struct stranger {
    ip_address from;
    endpoint at;
};

/// Who of this machine is a stranger to the listener, and where they meet. `why`: why others are none.
std::optional<stranger> stranger_for(facts const& f, listener_facts const& l, endpoint inside, std::string& why)
{
    std::vector<stranger> could{
        {inside.address.is_v4() && inside.address.is_loopback() ? stranger_here() : inside.address, inside}};
    // Our own addresses, to themselves: those of the Internet first.
    if (is_wildcard(l.address))
        for (bool const public_ones : {true, false})
            for (auto const& a : f.machine.addresses)
                if (is_of_internet(a) == public_ones && (a.is_v4() || !l.address.starts_with("0.0.0.0:")))
                    could.push_back({a, {a, inside.port}});
    for (auto const& one : could) {
        auto const trusted = trusted_by(f.settings, l, one.from);
        if (trusted.empty()) return one;
        why += (why.empty() ? "" : "; ") + trusted;
    }
    return std::nullopt;
}

std::string outside_domain(facts const& f)
{
    for (std::string const name : {"example.org", "example.com"})
        if (std::ranges::find(f.local_domains, name) == f.local_domains.end()) return name;
    return "outside.example";
}

}  // namespace

void gather_reach(facts& f, std::chrono::seconds limit)
{
    asio::io_context context{1};
    auto const tls = any_tls();
    std::list<reach_facts> tried;
    for (auto const& l : f.listeners) {
        if (!takes_smtp(l)) continue;
        auto const inside = inside_of(l.address);
        if (!inside) continue;
        auto const spawn = [&](endpoint at, bool from_outside) {
            reach_facts t;
            t.listener = l.address;
            t.at = at;
            t.from_outside = from_outside;
            t.local_address = at.address.is_loopback() ||
                              std::ranges::find(f.machine.addresses, at.address) != f.machine.addresses.end();
            tried.push_back(std::move(t));
            asio::co_spawn(context, reach(context.get_executor(), l, f.settings.hostname, tls, limit, &tried.back()),
                           asio::detached);
        };
        spawn(*inside, false);
        if (!f.server.running) continue;
        bool const local_only = inside->address.is_loopback() && !is_wildcard(l.address);
        if (local_only) continue;
        for (auto const& a : f.addresses) {
            endpoint const at{a.address, inside->port};
            if (is_wildcard(l.address) || !(at == *inside)) spawn(at, true);
        }
    }
    // Each step has its own limit.
    context.run();
    for (auto& t : tried) {
        if (!t.answered && t.problem.empty()) t.problem = "does not answer within the time";
        f.reached.push_back(std::move(t));
    }
}

void gather_relay(facts& f, std::chrono::seconds limit)
{
    asio::io_context context{1};
    std::list<relay_run> runs;
    std::vector<std::string> listeners;
    for (auto const& l : f.listeners) {
        auto const at = takes_smtp(l) ? inside_of(l.address) : std::nullopt;
        if (!at) continue;
        std::string why;
        auto const who = stranger_for(f, l, *at, why);
        if (!who) {
            f.not_looked_at.push_back({"relay", "tricks at " + l.address,
                                       why + ": no address of this machine is a stranger there; try from elsewhere"});
            continue;
        }
        if (!why.empty())
            f.not_looked_at.push_back({"relay", "tricks at " + l.address + " from its nearest strangers",
                                       why + "; tried from " + who->from.to_string()});
        relay_names const names{outside_domain(f), f.local_domains, f.settings.hostname, who->at.address.to_string()};
        runs.emplace_back(context.get_executor(), f.settings, l, who->at, who->from, names, limit);
        listeners.push_back(l.address);
        asio::co_spawn(context, runs.back().run(), asio::detached);
    }
    context.run();
    std::size_t i = 0;
    for (auto& run : runs) {
        if (!run.problem.empty()) f.not_looked_at.push_back({"relay", "tricks at " + listeners[i], run.problem});
        if (run.unsettled != 0)
            f.not_looked_at.push_back({"relay", std::to_string(run.unsettled) + " tricks at " + listeners[i],
                                       "it put them off (4xx) or said nothing: look again later"});
        if (!run.problem.empty() || run.unsettled != 0) f.relay_unfinished.insert(listeners[i]);
        for (auto& r : run.done) f.relay.push_back(std::move(r));
        ++i;
    }
}

}  // namespace postern::doctor
