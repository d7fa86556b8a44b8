// The server's own name in the DNS, and the names of its addresses.
#include <algorithm>
#include <map>

#include "base/crypto.hpp"
#include "base/internet_address.hpp"
#include "base/listener_address.hpp"
#include "base/text.hpp"
#include "doctor/judge.hpp"
#include "doctor/judge_parts.hpp"
#include "doctor/words.hpp"

namespace postern::doctor {
namespace rules = catalogue::rules;
namespace {

bool holds(dns::address_answer const& answer, ip_address const& a)
{
    auto const& list = a.is_v4() ? answer.v4 : answer.v6;
    return std::ranges::find(list, a) != list.end();
}

void judge_own_name(facts const& f, report& r)
{
    auto const& host = f.settings.hostname;
    auto const& a = f.own_name;
    if (a.what == dns::finding::found) {
        r.good(area::dns, "the name " + host + " has an address");
        return;
    }
    if (is_unknown(a.what)) {
        r.add(dns_unknown(host, a.problem));
        return;
    }
    std::vector<std::string> lines;
    for (auto const& own : f.machine.addresses)
        if (is_of_internet(own)) lines.push_back(zone::to_line(zone::address_record(host, own)));
    if (lines.empty()) lines.push_back(zone::absolute(host) + " IN A THE-PUBLIC-ADDRESS-OF-THIS-MACHINE");
    r.add({area::dns,
           severity::failure,
           &rules::own_name_unresolved,
           {{"name", host}, {"problem", a.problem}, {"record", lines.front()}},
           lines});
}

void judge_reverse(facts const& f, address_facts const& a, report& r)
{
    auto const& host = f.settings.hostname;
    auto const ip = a.address.to_string();
    auto const line = zone::to_line(zone::reverse_record(a.address, host));
    if (is_unknown(a.names.what)) {
        r.add(dns_unknown(ip, a.names.problem));
        return;
    }
    // Nobody outside looks at an address of an inside network.
    auto const how_bad = is_of_internet(a.address) ? severity::failure : severity::hint;
    if (a.names.names.empty()) {
        r.add({area::dns, how_bad, &rules::own_ptr_missing, {{"ip", ip}, {"record", line}}, {line}});
        return;
    }
    bool const named = std::ranges::any_of(a.names.names, [&](auto const& n) { return equal_ignoring_case(n, host); });
    for (auto const& [name, answer] : a.forward) {
        if (!equal_ignoring_case(name, host) || !is_unknown(answer.what)) continue;
        r.add(dns_unknown(host, answer.problem));
        return;
    }
    bool const back = std::ranges::any_of(a.forward, [&](auto const& one) {
        return equal_ignoring_case(one.first, host) && holds(one.second, a.address);
    });
    if (named && back) {
        r.good(area::dns, ip + " leads back to " + host + ", and that to it");
        return;
    }
    std::vector<std::string> change{named ? zone::to_line(zone::address_record(host, a.address)) : line};
    r.add({area::dns,
           how_bad,
           &rules::own_ptr_wrong,
           {{"ip", ip},
            {"found", named ? host + ", which does not lead to this address" : joined(a.names.names)},
            {"name", host},
            {"record", change.front()}},
           change});
}

/// RFC 6698 section 2.1. Usages 0 and 1 mean nothing to mail servers (RFC 7672 section 3.1.3).
bool fits(dns::tlsa_record const& t, certificate_facts const& c)
{
    auto const hashed = [&](std::string const& octets) {
        if (t.matching == 0) return octets;
        return digest(t.matching == 1 ? hash::sha256 : hash::sha512, octets);
    };
    auto const& from = t.selector == 0 ? c.chain : c.keys;
    if ((t.usage != 2 && t.usage != 3) || t.selector > 1 || t.matching > 2) return false;
    for (std::size_t i = 0; i < from.size(); ++i)
        if ((t.usage == 2 || i == 0) && hashed(from[i]) == t.data) return true;
    return false;
}

/// Those that whoever asks for the host name may be shown. One that can't be read has no key.
std::vector<certificate_facts const*> certificates_of_name(facts const& f)
{
    std::vector<certificate_facts const*> all;
    for (auto const& c : f.certificates)
        if (!c.key_sha256.empty() && covers(c.names, f.settings.hostname)) all.push_back(&c);
    return all;
}

std::vector<std::string> keys_of(std::vector<certificate_facts const*> const& all)
{
    std::vector<std::string> keys;
    for (auto const* c : all)
        if (std::ranges::find(keys, c->key_sha256) == keys.end()) keys.push_back(c->key_sha256);
    return keys;
}

void judge_tlsa(facts const& f, report& r)
{
    auto const ours = certificates_of_name(f);
    if (f.tlsa.empty() || ours.empty()) return;
    auto const& host = f.settings.hostname;
    auto const& answer = f.tlsa.front();
    std::vector<std::string> lines;
    for (auto const& key : keys_of(ours)) lines.push_back(zone::to_line(zone::tlsa_record(host, 25, key)));
    if (answer.what == dns::finding::found) {
        // Which one a sender is shown depends on what it can do. A record of the next certificate may stand
        // beside those of these.
        bool const fit = std::ranges::all_of(ours, [&](auto const* c) {
            return std::ranges::any_of(answer.records, [&](auto const& t) { return fits(t, *c); });
        });
        if (fit) {
            r.good(area::dns, ours.size() == 1 ? "a TLSA record of " + host + " fits the certificate"
                                               : "TLSA records of " + host + " fit each of its certificates");
        } else {
            r.add({area::dns,
                   severity::failure,
                   &rules::own_tlsa_wrong,
                   {{"name", host}, {"record", lines.front()}},
                   lines});
        }
    } else if (!is_unknown(answer.what) && f.names_secure) {
        r.add(
            {area::dns, severity::hint, &rules::own_tlsa_missing, {{"name", host}, {"record", lines.front()}}, lines});
    }
}

}  // namespace

bool is_unknown(dns::finding what) noexcept { return what == dns::finding::temporary || what == dns::finding::bogus; }

finding dns_unknown(std::string const& about, std::string const& problem)
{
    return {area::dns, severity::warning, &rules::own_dns_unknown, {{"name", about}, {"problem", problem}}, {}};
}

namespace {

/// Whether the authority of [acme] may give out the certificates that it is asked for.
void judge_certified(facts const& f, report& r)
{
    // An authority that does not say what CAA records call it is none of the world's.
    if (f.authority.names.empty()) return;
    auto const ours = zone_server(f);
    std::map<std::string, std::vector<std::string>> refused;  // by the reason: the names
    std::map<std::string, std::string> where;                 // the same: where a record helps
    std::vector<std::string> given, unasked;
    std::string unknown;
    for (auto const& name : f.certified) {
        auto const v = judge_caa(name, f.caa, f.authority);
        if (v.what == consent::given) given.push_back(name);
        if (v.what == consent::unasked) unasked.push_back(name);
        if (v.what == consent::unknown && unknown.empty()) unknown = v.problem;
        if (v.what != consent::refused) continue;
        refused[v.problem].push_back(name);
        if (!v.for_nobody) where[v.problem] = v.at;
    }
    for (auto const& [problem, names] : refused) {
        std::vector<std::string> lines;
        if (!where[problem].empty()) lines.push_back(zone::to_line(zone::caa_record(where[problem], ours)));
        r.add({area::dns,
               severity::failure,
               &rules::acme_caa_forbids,
               {{"name", joined(names)}, {"problem", problem}},
               std::move(lines)});
    }
    if (!unknown.empty()) r.add(dns_unknown("CAA records", unknown));
    if (!given.empty()) r.good(area::dns, "CAA records let " + ours.authority + " give out certificates");
    // Nothing is wrong with that, so it is no finding.
    if (!unasked.empty())
        r.good(area::dns, "no CAA record keeps any authority from " + joined(unasked) +
                              "; one that lets only yours: " + zone::to_line(zone::caa_record(unasked.front(), ours)));
}

}  // namespace

zone::server zone_server(facts const& f)
{
    zone::server s;
    s.hostname = f.settings.hostname;
    for (auto const& a : f.addresses) {
        s.addresses.push_back(a.address);
        if (holds(f.own_name, a.address)) s.of_name.push_back(a.address);
    }
    // What only this machine reaches is nobody else's affair, but where something in front passes all on.
    bool const any_open = std::ranges::any_of(f.listeners, [](auto const& l) { return !is_on_loopback(l.address); });
    for (auto const& l : f.listeners) {
        auto const port = port_of(l.address);
        if (any_open && is_on_loopback(l.address)) continue;
        if (l.role == "mx") s.takes_mail = true;
        if (l.role != "submission" || port == 0) continue;
        if (l.tls == "implicit" && s.implicit_port == 0) s.implicit_port = port;
        if (l.tls == "starttls" && s.starttls_port == 0) s.starttls_port = port;
    }
    s.imap = f.settings.setup.imap;
    s.pop3 = f.settings.setup.pop3;
    s.web_host = porter::facts_of(f.settings, {}).web_host;
    s.authority = f.authority.names.empty() ? zone::authority_of(f.settings.acme.directory) : f.authority.names.front();
    s.certificate_keys = keys_of(certificates_of_name(f));
    return s;
}

void judge_names(facts const& f, report& r)
{
    judge_own_name(f, r);
    for (auto const& a : f.addresses) judge_reverse(f, a, r);
    if (zone_server(f).takes_mail) judge_tlsa(f, r);
    judge_certified(f, r);
}

}  // namespace postern::doctor
