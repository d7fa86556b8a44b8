#include "delivery/plan.hpp"

#include <algorithm>

#include "base/listener_address.hpp"

namespace postern::delivery {

result<plan> make_plan(config::settings const& s)
{
    plan p;
    p.hostname = s.hostname;
    for (auto const& l : s.listeners)
        if (auto const at = parse_listener_address(l.address)) p.doors.push_back(*at);
    auto local = parse_local(s.delivery.local);
    if (!local) return local.error();
    p.local = std::move(*local);
    if (!s.delivery.smart_host.empty()) {
        auto host = parse_smart_host(s.delivery.smart_host);
        if (!host) return host.error();
        p.smart_host = std::move(*host);
    }
    p.routes = s.routes;
    p.data_dir = s.data_dir;
    auto hosts = make_smart_hosts(s);
    if (!hosts) return hosts.error();
    p.hosts = std::move(*hosts);
    auto ways = make_ways(s, p.hosts);
    if (!ways) return ways.error();
    p.ways = std::move(*ways);
    if (p.smart_host) p.usual_host = find_smart_host(p.hosts, *p.smart_host);
    p.smart_host_needs_tls = s.delivery.require_tls;
    p.relay_networks = s.relay.networks;
    p.retry = s.delivery.retry;
    p.give_up_after = s.delivery.give_up_after;
    p.delay_notice_after = s.delivery.delay_notice_after;
    p.concurrency = std::max(1u, s.delivery.concurrency);
    p.connections_per_host = std::clamp(s.delivery.connections_per_host, 1u, p.concurrency);
    p.recipient_delimiter = s.submission.recipient_delimiter;
    p.tls_rules = s.tls_policy;
    p.dane = s.transport.dane;
    p.mta_sts = s.transport.mta_sts;
    return p;
}

}  // namespace postern::delivery
