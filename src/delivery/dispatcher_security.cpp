// The dispatcher's care for TLS: what each connection has to fulfil, and the count of how it went.
#include "catalogue/rules.hpp"
#include "delivery/dispatcher.hpp"

namespace postern::delivery {

void dispatcher::begin_security(destination const& d, domain_security& out) const
{
    out.domain = d.domain;
    if (d.require_tls) out.need = tls_need::required;
    if (d.tls_optional) out.need = tls_need::optional;
    if (d.final_delivery) return;
    // Nobody forges the list of hosts where the settings name the host.
    out.mx_secure = !d.by_mx;
    if (auto const* const rule = find_rule(plan_->tls_rules, d.domain)) out.rule = *rule;
    // What the smart host's own row demands is not taken back.
    if (d.needs_tls && out.rule && out.rule->level == config::tls_level::none)
        out.rule->level = config::tls_level::opportunistic;
}

// Where its settings want no TLS, as for mailboxes here, there is nothing to demand.
std::optional<unusable_host> dispatcher::secure(destination const& d, hop& to, domain_security const& security,
                                                host_security const& host)
{
    if (d.final_delivery || to.tls == smtp::tls_wish::never) return std::nullopt;
    auto demand = demand_of(security, to.name, host);
    if (!demand) return std::move(demand.error());
    if (to.demand.authenticate && !demand->authenticate) {
        demand->authenticate = true;
        demand->unmet = nullptr;
    }
    to.demand = std::move(*demand);
    // Reports are for those who publish something about their mail's servers.
    to.demand.counts = to.demand.counts && d.by_mx;
    if (to.demand.never) {
        to.tls = smtp::tls_wish::never;
    } else if (to.demand.encrypt) {
        to.tls = smtp::tls_wish::required;
    }
    return std::nullopt;
}

void dispatcher::count_session(hop const& to, link_result const& came) const
{
    bool const whole = !to.demand.counted.domain.empty() && to.demand.counts && !to.demand.never;
    if (world_.security == nullptr || !whole) return;
    if (!came && came.error().tls_result.empty()) return;  // it did not come to TLS
    escort::session_row row;
    row.day = escort::day_of(world_.now());
    row.domain = to.domain;
    row.policy = to.demand.counted;
    row.host = to.name;
    row.address = to.at.address.to_string();
    row.result = to.demand.result;
    row.detail = to.demand.detail;
    if (!came) {
        row.result = came.error().tls_result;
    } else {
        auto const& l = **came;
        row.own_address = l.stream->local().address.to_string();
        auto const* const tls = l.stream->tls();
        bool const opportunistic = row.policy.type == "no-policy-found";
        if (tls == nullptr) {
            row.result = "starttls-not-supported";
        } else if (row.result.empty() && !opportunistic) {
            row.result = result_of(*tls);
        }
    }
    // One row for all the good ones of a policy.
    if (row.result.empty()) row.host = row.address = row.own_address = {};
    world_.security->sessions().add(std::move(row));
}

void dispatcher::count_unusable(std::string const& domain, std::string const& host, unusable_host const& why) const
{
    if (world_.security == nullptr || why.result.empty()) return;
    escort::session_row row;
    row.day = escort::day_of(world_.now());
    row.domain = domain;
    row.policy = why.counted;
    row.result = why.result;
    row.host = host;
    row.detail = why.detail;
    world_.security->sessions().add(std::move(row));
}

}  // namespace postern::delivery
