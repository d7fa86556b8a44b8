#include "delivery/exchangers.hpp"

#include <algorithm>
#include <memory>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include "base/text.hpp"
#include "catalogue/verdict.hpp"

namespace postern::delivery {

namespace rules = catalogue::rules;

exchangers choose_exchangers(std::string const& domain, dns::mx_answer answer, std::string_view own_name,
                             std::mt19937& random)
{
    exchangers e;
    switch (answer.what) {
        case dns::finding::no_such_name: e.problem = &rules::route_no_such_domain; break;
        case dns::finding::temporary: e.problem = &rules::route_dns_failure; break;
        case dns::finding::bogus: e.problem = &rules::route_dnssec_bogus; break;
        case dns::finding::no_data:
            e.hosts.push_back(domain);
            e.preferences.push_back(0);
            return e;
        case dns::finding::found: break;
    }
    if (e.problem) {
        e.detail = std::move(answer.problem);
        return e;
    }

    auto& records = answer.records;
    bool const null_only = std::all_of(records.begin(), records.end(), [](auto const& r) { return r.host.empty(); });
    if (null_only) {
        e.problem = &rules::route_null_mx;
        return e;
    }
    // RFC 7505 section 3: a root among others is a mistake of theirs, not a refusal.
    std::erase_if(records, [](auto const& r) { return r.host.empty(); });
    std::shuffle(records.begin(), records.end(), random);
    std::stable_sort(records.begin(), records.end(),
                     [](auto const& a, auto const& b) { return a.preference < b.preference; });
    auto const us = std::find_if(records.begin(), records.end(),
                                 [&](auto const& r) { return equal_ignoring_case(r.host, own_name); });
    for (auto const& r : records) {
        if (us != records.end() && r.preference >= us->preference) break;
        if (e.hosts.size() == most_hosts) break;
        if (std::find(e.hosts.begin(), e.hosts.end(), r.host) != e.hosts.end()) continue;
        e.hosts.push_back(r.host);
        e.preferences.push_back(r.preference);
    }
    if (e.hosts.empty()) {
        e.problem = &rules::route_loop;
        e.detail = "its best mail exchanger is " + std::string{own_name};
    }
    return e;
}

std::vector<ip_address> order_addresses(dns::address_answer answer, std::mt19937& random)
{
    std::shuffle(answer.v6.begin(), answer.v6.end(), random);
    std::shuffle(answer.v4.begin(), answer.v4.end(), random);
    std::vector<ip_address> all;
    for (std::size_t i = 0; i < std::max(answer.v6.size(), answer.v4.size()); ++i) {
        if (i < answer.v6.size()) all.push_back(answer.v6[i]);
        if (i < answer.v4.size()) all.push_back(answer.v4[i]);
    }
    return all;
}

namespace {

ip_address const any6 = *ip_address::parse("::"), any4 = *ip_address::parse("0.0.0.0");

}  // namespace

bool leads_back(ip_address const& a, std::vector<ip_address> const& own)
{
    // All of 0.0.0.0/8 means "this host" (RFC 1122 section 3.2.1.3).
    bool const unspecified = a == any6 || (a.is_v4() && a.octets()[12] == 0);
    return unspecified || a.is_loopback() || std::find(own.begin(), own.end(), a) != own.end();
}

bool is_own_door(endpoint const& to, std::vector<endpoint> const& doors, std::vector<ip_address> const& own)
{
    return std::any_of(doors.begin(), doors.end(), [&](endpoint const& door) {
        bool const all = door.address == any6 || (door.address == any4 && to.address.is_v4());
        return door.port == to.port && (all ? leads_back(to.address, own) : door.address == to.address);
    });
}

std::vector<ip_address> own_addresses()
{
    std::vector<ip_address> found;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return found;
    std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> const owner{list, &::freeifaddrs};
    for (ifaddrs const* i = list; i != nullptr; i = i->ifa_next) {
        if (i->ifa_addr == nullptr) continue;
        char text[INET6_ADDRSTRLEN] = {};
        void const* raw = nullptr;
        if (i->ifa_addr->sa_family == AF_INET) {
            raw = &reinterpret_cast<sockaddr_in const*>(i->ifa_addr)->sin_addr;
        } else if (i->ifa_addr->sa_family == AF_INET6) {
            raw = &reinterpret_cast<sockaddr_in6 const*>(i->ifa_addr)->sin6_addr;
        }
        if (raw == nullptr || ::inet_ntop(i->ifa_addr->sa_family, raw, text, sizeof text) == nullptr) continue;
        if (auto const a = ip_address::parse(text)) found.push_back(*a);
    }
    return found;
}

}  // namespace postern::delivery
