// Questions to the DNS, all of a round at once: first what is asked by name, then what that led to.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "acme/names.hpp"
#include "base/internet_address.hpp"
#include "base/text.hpp"
#include "checks/spf.hpp"
#include "discovery/discovery.hpp"
#include "discovery/web.hpp"
#include "doctor/gather.hpp"
#include "doctor/judge.hpp"
#include "doctor/round.hpp"
#include "escort/office.hpp"
#include "mail/sts_policy.hpp"
#include "mail/tlsrpt_record.hpp"
#include "porter/pacc.hpp"

namespace postern::doctor {
namespace {

namespace asio = boost::asio;

// Of the hosts that a domain names, and the names that an address has.
constexpr std::size_t most_hosts = 10;
constexpr std::size_t most_at_once = 8;  // domains
constexpr std::chrono::seconds longest{60};

constexpr std::size_t most_certified = 100, most_certified_at_once = 20;

/// Names that do not lead here are not asked for.
void ask_for_caa(facts& f, round& r, steady_time until)
{
    std::set<std::string> elsewhere;
    for (auto const& c : f.server.certificates)
        for (auto const& [name, why] : c.left_out) elsewhere.insert(name);
    for (auto const& g : acme::groups_of(f.settings, f.local_domains)) {
        for (auto const& name : g.names) {
            if (elsewhere.contains(name) || std::ranges::find(f.certified, name) != f.certified.end()) continue;
            if (f.certified.size() % most_certified_at_once == 0) r.wait();
            if (f.certified.size() == most_certified || steady_clock::now() > until || r.is_silent()) {
                f.not_looked_at.push_back({"dns", "the CAA records of " + name + " and what follows", "they are many"});
                return;
            }
            f.certified.push_back(name);
            for (auto const& at : caa_names(name))
                if (!f.caa.contains(at)) r.caa(at, f.caa[at]);
        }
    }
}

void ask_first(facts& f, round& r, steady_time until)
{
    auto const& host = f.settings.hostname;
    r.addresses(host, f.own_name);
    // Our own interfaces need no name; nothing is put in between while the answers are waited for.
    f.addresses.reserve(2 * most_hosts);
    for (auto const& a : f.machine.addresses)
        if (is_of_internet(a) && f.addresses.size() < most_hosts) f.addresses.push_back({a, {}, {}});
    for (auto& a : f.addresses) r.names_of(a.address, a.names);
    bool const mx = zone_server(f).takes_mail;
    if (mx) {
        f.tlsa.resize(1);
        r.tlsa("_25._tcp." + host, f.tlsa.front());
    }
    ask_for_caa(f, r, until);
    std::size_t asked = 0;
    for (auto& d : f.domains) {
        // So many at once that a small name server keeps up.
        if (asked != 0 && asked % most_at_once == 0) r.wait();
        ++asked;
        if (steady_clock::now() > until || r.is_silent()) break;
        r.mx(d.domain, d.mx);
        r.txt(d.domain, d.texts);
        r.txt("_dmarc." + d.domain, d.dmarc);
        r.txt(mail::sts_record_name(d.domain), d.sts);
        r.txt(mail::tlsrpt_record_name(d.domain), d.tlsrpt);
        r.addresses("autoconfig." + d.domain, d.autoconfig);
        r.addresses("autodiscover." + d.domain, d.autodiscover);
        r.addresses("ua-auto-config." + d.domain, d.configuration_host);
        r.txt("_ua-auto-config." + d.domain, d.configuration_texts);
        auto const wanted = zone::srv_records(d.domain, zone_server(f));
        // All at once: the answers must not move while they are waited for.
        for (auto const& w : wanted) d.services.push_back({w.name, {}});
        for (auto& s : d.services) r.srv(s.name, s.answer);
        d.asked = true;
    }
    r.wait();
    auto const left = std::erase_if(f.domains, [](auto const& d) { return !d.asked; });
    if (left != 0)
        f.not_looked_at.push_back({"dns", std::to_string(left) + " of the local domains",
                                   r.is_silent() ? "the name servers do not answer" : "the name servers are too slow"});
}

/// Where our mail comes from, as the world sees it: what the name says, and public addresses of interfaces.
/// Those of inside networks only where there are no others: then it is an inside affair.
void find_addresses(facts& f)
{
    for (bool const inside : {false, true}) {
        if (inside && !f.addresses.empty()) break;
        for (auto const* list : {&f.own_name.v4, &f.own_name.v6})
            for (auto const& a : *list)
                if (is_of_internet(a) != inside && !a.is_loopback() && f.addresses.size() < 2 * most_hosts &&
                    std::ranges::find(f.addresses, a, &address_facts::address) == f.addresses.end())
                    f.addresses.push_back({a, {}, {}});
    }
    f.names_secure = f.own_name.secure;
}

void ask_second(facts& f, round& r, std::size_t known)
{
    if (r.is_silent()) return;
    for (auto i = known; i < f.addresses.size(); ++i) r.names_of(f.addresses[i].address, f.addresses[i].names);
    for (auto& d : f.domains) {
        for (auto const& m : d.mx.records)
            if (!m.host.empty() && d.exchangers.size() < most_hosts) r.addresses(m.host, d.exchangers[m.host]);
    }
    r.wait();
    for (auto& a : f.addresses) {
        for (auto const& name : a.names.names)
            if (a.forward.size() < most_hosts) r.addresses(name, a.forward[name]);
    }
    r.wait();
}

/// Whether each domain's SPF allows each of our addresses.
void evaluate_spf(facts& f, dns::options const& o, std::chrono::seconds limit, steady_time until)
{
    auto names = checks::waiting_names::make(o);
    if (!names) return;
    for (auto& d : f.domains) {
        bool const any =
            std::ranges::any_of(d.texts.records, [](auto const& t) { return starts_with_ignoring_case(t, "v=spf1"); });
        if (!any || steady_clock::now() > until) continue;
        for (auto const& a : f.addresses) {
            if (steady_clock::now() > until) break;
            checks::inquiry asked{**names, steady_clock::now() + 2 * limit};
            mail::path from;
            from.address = {"postmaster", d.domain};
            d.spf.push_back({a.address, checks::check_spf(asked, a.address, f.settings.hostname, from)});
        }
    }
}

/// The file that Thunderbird and others take their settings from: over https, else over http, and where that leads.
dns::awaitable<void> fetch_settings(dns::resolver& names, discovery::options o, steady_time until, domain_facts* d)
{
    std::shared_ptr<discovery::web> const web = discovery::make_web(names, o, until);
    d->settings_unreached = true;
    for (std::string const scheme : {"https://", "http://"}) {
        auto const url = scheme + "autoconfig." + d->domain + "/mail/config-v1.1.xml";
        auto const page = co_await web->ask(url + "?emailaddress=postmaster%40" + d->domain, "");
        constexpr long ok = 200;
        if (page.status == ok) {
            d->settings_unreached = false;
            d->settings_file = page.body;
            d->settings_url = url;
            co_return;
        }
        // What https says counts more; a certificate that nobody vouches for says something, too.
        if (page.status != 0 || page.untrusted) d->settings_unreached = false;
        if (d->settings_problem.empty())
            d->settings_problem =
                page.status != 0 ? "the web server answers with status " + std::to_string(page.status) : page.problem;
    }
}

/// What programs that know the newer draft take their settings from: over https alone, since the DNS vouches for its text.
dns::awaitable<void> fetch_configuration(dns::resolver& names, discovery::options o, steady_time until, domain_facts* d)
{
    std::shared_ptr<discovery::web> const web = discovery::make_web(names, o, until);
    auto page = co_await web->ask("https://ua-auto-config." + d->domain + std::string{porter::pacc_path}, "");
    constexpr long ok = 200;
    if (page.status == ok)
        d->configuration = std::move(page.body);
    else
        d->configuration_problem =
            page.status != 0 ? "the web server answers with status " + std::to_string(page.status) : page.problem;
}

/// On a thread of its own, with a resolver of its own.
template <class Fetch>
void fetch_here(config::settings const& s, dns::options const& o, steady_time until, domain_facts& d,
                std::string& problem, Fetch fetch)
{
    asio::io_context context{1};
    auto const names = dns::make_resolver(context.get_executor(), o);
    if (!names) {
        problem = names.error().logged;
        return;
    }
    discovery::options how;
    how.authorities = s.transport.authorities;
    auto const soon = std::min<steady_time>(until, steady_clock::now() + std::chrono::seconds{8});
    asio::co_spawn(context, fetch(**names, how, soon, &d), [&context](std::exception_ptr const&) { context.stop(); });
    context.run();
}

/// What domains have on the web, each on a thread of its own: web servers may be slow.
void fetch_pages(facts& f, dns::options const& o, steady_time until)
{
    std::atomic<bool> stop{false};
    std::jthread const watch{[&stop, until](std::stop_token over) {
        std::mutex mutex;
        std::condition_variable_any never;
        std::unique_lock lock{mutex};
        never.wait_until(lock, std::move(over), until, [] { return false; });
        stop = true;
    }};
    auto const fetch =
        escort::make_web_source([o](asio::any_io_executor const& executor) { return dns::make_resolver(executor, o); },
                                f.settings.transport.authorities);
    std::vector<std::jthread> threads;
    for (auto& d : f.domains) {
        if (d.autoconfig.what == dns::finding::found)
            threads.emplace_back(
                [&f, &d, &o, until] { fetch_here(f.settings, o, until, d, d.settings_problem, fetch_settings); });
        if (d.configuration_host.what == dns::finding::found)
            threads.emplace_back([&f, &d, &o, until] {
                fetch_here(f.settings, o, until, d, d.configuration_problem, fetch_configuration);
            });
        if (mail::parse_sts_record(d.sts.records)) {
            d.policy.emplace();
            threads.emplace_back([&fetch, &d, &stop] { *d.policy = fetch(d.domain, stop); });
        }
        if (threads.size() >= most_hosts) threads.clear();
    }
}

}  // namespace

void gather_names(facts& f, std::chrono::seconds limit)
{
    auto const o = options_for(f.settings, limit);
    std::string problem;
    auto const r =
        round::make([o](asio::any_io_executor const& executor) { return dns::make_resolver(executor, o); }, problem);
    if (!r) {
        f.not_looked_at.push_back({"dns", "the DNS", problem});
        f.domains.clear();
        return;
    }
    auto const until = steady_clock::now() + longest;
    ask_first(f, *r, until);
    auto const known = f.addresses.size();
    find_addresses(f);
    ask_second(f, *r, known);
    evaluate_spf(f, o, limit, until);
    fetch_pages(f, o, until);
}

}  // namespace postern::doctor
