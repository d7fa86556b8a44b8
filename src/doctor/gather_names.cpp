// Questions to the DNS, all of a round at once: first what is asked by name, then what that led to.
#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <thread>

#include "base/text.hpp"
#include "checks/spf.hpp"
#include "directory/web_client.hpp"
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

void ask_first(facts& f, round& r, steady_time until)
{
    auto const& host = f.settings.hostname;
    r.addresses(host, f.own_name);
    bool const mx = zone_server(f).takes_mail;
    if (mx) {
        f.tlsa.resize(1);
        r.tlsa("_25._tcp." + host, f.tlsa.front());
    }
    std::size_t asked = 0;
    for (auto& d : f.domains) {
        // So many at once that a small name server keeps up.
        if (asked++ % most_at_once == 0) r.wait();
        if (steady_clock::now() > until) break;
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
        f.not_looked_at.push_back(
            {"dns", std::to_string(left) + " of the local domains", "the name servers are too slow"});
}

/// Where our mail comes from, as the world sees it: what the name says, and public addresses of interfaces.
void find_addresses(facts& f)
{
    std::vector<ip_address> all;
    for (auto const* list : {&f.own_name.v4, &f.own_name.v6})
        for (auto const& a : *list)
            if (!a.is_loopback() && all.size() < most_hosts) all.push_back(a);
    // One that the name does not lead to is found by its reverse name all the same.
    for (auto const& a : f.machine.addresses)
        if (!a.is_private() && std::ranges::find(all, a) == all.end() && all.size() < most_hosts) all.push_back(a);
    for (auto const& a : all) f.addresses.push_back({a, {}, {}});
    f.names_secure = f.own_name.secure;
}

void ask_second(facts& f, round& r)
{
    for (auto& a : f.addresses) r.names_of(a.address, a.names);
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
            checks::inquiry asked{**names, steady_clock::now() + 2 * limit};
            mail::path from;
            from.address = {"postmaster", d.domain};
            d.spf.push_back({a.address, checks::check_spf(asked, a.address, f.settings.hostname, from)});
        }
    }
}

/// A document at a host of the domain.
void fetch_document(config::settings const& s, std::string const& host, std::string const& path,
                    dns::address_answer const& at, std::optional<std::string>& document, std::string& problem,
                    std::atomic<bool> const& stop)
{
    directory::web_client web;
    directory::web_client::request asked;
    asked.url = "https://" + host + path;
    asked.authorities = s.transport.authorities;
    asked.resolved = host + ":443:";
    for (auto const& a : at.v4) asked.resolved += a.to_string() + ',';
    for (auto const& a : at.v6) asked.resolved += '[' + a.to_string() + "],";
    asked.resolved.pop_back();
    asked.timeout = std::chrono::seconds{5};
    asked.longest = 64u << 10;
    auto const answer = web.ask(asked, stop);
    if (!answer) {
        problem = answer.error().logged;
    } else if (answer->status != 200) {
        problem = "the web server answers with status " + std::to_string(answer->status);
    } else {
        document = answer->body;
    }
}

/// The file that Thunderbird and others take their settings from.
void fetch_settings(config::settings const& s, domain_facts& d, std::atomic<bool> const& stop)
{
    fetch_document(s, "autoconfig." + d.domain, "/mail/config-v1.1.xml?emailaddress=postmaster%40" + d.domain,
                   d.autoconfig, d.settings_file, d.settings_problem, stop);
}

void fetch_configuration(config::settings const& s, domain_facts& d, std::atomic<bool> const& stop)
{
    fetch_document(s, "ua-auto-config." + d.domain, std::string{porter::pacc_path}, d.configuration_host,
                   d.configuration, d.configuration_problem, stop);
}

/// What domains have on the web, each on a thread of its own: web servers may be slow.
void fetch_pages(facts& f, dns::options const& o)
{
    std::atomic<bool> const stop{false};
    auto const fetch =
        escort::make_web_source([o](asio::any_io_executor const& executor) { return dns::make_resolver(executor, o); },
                                f.settings.transport.authorities);
    std::vector<std::jthread> threads;
    for (auto& d : f.domains) {
        if (d.autoconfig.what == dns::finding::found)
            threads.emplace_back([&f, &d, &stop] { fetch_settings(f.settings, d, stop); });
        if (d.configuration_host.what == dns::finding::found)
            threads.emplace_back([&f, &d, &stop] { fetch_configuration(f.settings, d, stop); });
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
    find_addresses(f);
    ask_second(f, *r);
    evaluate_spf(f, o, limit, until);
    fetch_pages(f, o);
}

}  // namespace postern::doctor
