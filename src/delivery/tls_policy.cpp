#include "delivery/tls_policy.hpp"

#include <algorithm>

#include "base/hex.hpp"
#include "base/text.hpp"
#include "catalogue/rules.hpp"
#include "net/tls.hpp"

namespace postern::delivery {

namespace {

namespace rules = catalogue::rules;
using config::tls_level;

std::string_view name_of(tls_level l)
{
    switch (l) {
        case tls_level::none: return "none";
        case tls_level::opportunistic: return "opportunistic";
        case tls_level::published: return "published";
        case tls_level::encrypt: return "encrypt";
        case tls_level::verify: return "verify";
        case tls_level::dane: break;
    }
    return "dane";
}

tls_level level_of(domain_security const& d) { return d.rule ? d.rule->level : tls_level::published; }

// "3 1 1 8cb0..."
std::string text_of(dns::tlsa_record const& r)
{
    return std::to_string(r.usage) + ' ' + std::to_string(r.selector) + ' ' + std::to_string(r.matching) + ' ' +
           to_hex(r.data);
}

std::string lines_of(std::vector<std::string> const& all)
{
    std::string out;
    for (auto const& one : all) out += one + '\n';
    return out;
}

bool is_bound(domain_security const& d) { return d.sts.policy && d.sts.policy->mode != mail::sts_mode::none; }

escort::applied_policy sts_policy_of(domain_security const& d)
{
    return {"sts", d.domain, d.sts.text, d.sts.policy ? lines_of(d.sts.policy->mx) : std::string{}};
}

void set_names(tls_demand& demand, domain_security const& d, std::string const& host)
{
    bool const known = d.mx_secure || (is_bound(d) && allows(*d.sts.policy, host)) || (d.rule && !d.rule->mx.empty());
    // Who forges the list of hosts must not choose whose certificate is good.
    if (!known) demand.names = {d.domain, '.' + d.domain};
}

// RFC 7672 section 2.2: what secure TLSA records demand.
void apply_dane(tls_demand& demand, domain_security const& d, std::string const& host, host_security const& h)
{
    demand.encrypt = true;
    demand.counted = {"tlsa", h.base, h.text, {}};
    demand.unmet = &rules::dane_mismatch;
    if (h.pins.empty()) {
        demand.policy = "dane, no usable record";
        demand.result = "tlsa-invalid";
        return;
    }
    demand.policy = "dane";
    demand.authenticate = true;
    demand.server_name = h.base;
    demand.pins = h.pins;
    // Section 3.2.2: with DANE-TA the certificate may be for any of these.
    demand.names = {h.base};
    for (auto const& other : {d.domain, host})
        if (other != h.base) demand.names.push_back(other);
}

// Nothing: the host may be used.
std::optional<unusable_host> apply_sts(tls_demand& demand, domain_security const& d, std::string const& host)
{
    auto const& policy = *d.sts.policy;
    bool const enforced = policy.mode == mail::sts_mode::enforce;
    demand.counted = sts_policy_of(d);
    demand.policy = "mta-sts " + std::string{mail::to_string(policy.mode)};
    if (!allows(policy, host)) {
        demand.result = "validation-failure";
        demand.detail = "the policy does not name this server";
        if (enforced)
            return unusable_host{own_finding(rules::sts_unknown_host, d.domain, host), demand.counted, demand.result,
                                 demand.detail, false};
        return std::nullopt;
    }
    if (!enforced) return std::nullopt;
    demand.encrypt = demand.authenticate = true;
    demand.unmet = &rules::sts_untrusted;
    return std::nullopt;
}

std::optional<unusable_host> apply_rule(tls_demand& demand, domain_security const& d, std::string const& host,
                                        host_security const& h)
{
    auto const level = level_of(d);
    if (d.rule) {
        demand.minimum = d.rule->minimum;
        demand.never = level == tls_level::none;
        if (demand.policy.empty()) demand.policy = "operator " + std::string{name_of(level)};
    }
    if (level < tls_level::encrypt) return std::nullopt;
    demand.encrypt = true;
    if (demand.unmet == nullptr) demand.unmet = &rules::tls_policy_unmet;
    if (level == tls_level::dane && h.pins.empty())
        return unusable_host{
            own_finding(rules::dane_missing, d.domain, host), {"tlsa", host, {}, {}}, "dane-required", {}, false};
    if (level == tls_level::encrypt || demand.authenticate) return std::nullopt;
    auto const& mx = d.rule->mx;
    if (!mx.empty() &&
        std::none_of(mx.begin(), mx.end(), [&](auto const& p) { return mail::matches_mx_pattern(p, host); }))
        return unusable_host{own_finding(rules::tls_policy_unmet, d.domain, host + " is none of the row's mx"),
                             demand.counted,
                             "validation-failure",
                             {},
                             false};
    demand.authenticate = true;
    demand.unmet = &rules::tls_policy_unmet;
    demand.policy = "operator verify";
    set_names(demand, d, host);
    return std::nullopt;
}

// RFC 8689 section 4.2.1: the list of hosts has to be secured, too.
std::optional<unusable_host> apply_requiretls(tls_demand& demand, domain_security const& d, std::string const& host)
{
    bool const listed = is_bound(d) && allows(*d.sts.policy, host);
    bool const named = d.rule && d.rule->level == tls_level::verify && !d.rule->mx.empty();
    if (!d.mx_secure && !listed && !named && !d.domain.starts_with('['))
        return unusable_host{
            own_finding(rules::remote_needs_tls, d.domain, "neither DNSSEC nor MTA-STS vouches for " + host),
            demand.counted,
            {},
            {},
            true};
    demand.encrypt = demand.authenticate = true;
    demand.policy += demand.policy.empty() ? "requiretls" : ", requiretls";
    return std::nullopt;
}

}  // namespace

bool domain_security::obeys_domain() const
{
    auto const level = level_of(*this);
    return need != tls_need::optional && level != tls_level::none && level != tls_level::opportunistic;
}

config::tls_rule const* find_rule(std::vector<config::tls_rule> const& rules, std::string_view domain)
{
    config::tls_rule const* best = nullptr;
    std::size_t length = 0;
    for (auto const& r : rules) {
        if (r.domain == domain) return &r;
        bool const below = r.domain.starts_with('.') && domain.size() > r.domain.size() && domain.ends_with(r.domain);
        if (!below && r.domain != "*") continue;
        if (best == nullptr || r.domain.size() > length) {
            best = &r;
            length = r.domain.size();
        }
    }
    return best;
}

net::awaitable<host_security> find_dane(dns::resolver* names, std::string host, std::uint16_t port,
                                        dns::address_answer found)
{
    host_security h;
    // Where the addresses are not secure, nobody asks further: there are name servers that don't
    // answer such questions, and a forger could choose the server anyway.
    std::vector<std::string> bases;
    if (found.secure && !found.canonical.empty()) bases.push_back(found.canonical);
    if (found.secure || found.alias_secure) bases.push_back(host);
    for (auto const& base : bases) {
        std::string const question = '_' + std::to_string(port) + "._tcp." + base;
        auto const answer = co_await names->tlsa(question);
        if (answer.what == dns::finding::temporary || answer.what == dns::finding::bogus) {
            h.problem = answer.problem.empty() ? "no answer for TLSA of " + question : answer.problem;
            h.bogus = answer.what == dns::finding::bogus;
            co_return h;
        }
        if (answer.what != dns::finding::found || !answer.secure) continue;
        h.there = true;
        h.base = base;
        for (auto const& r : answer.records) {
            h.text += text_of(r) + '\n';
            net::certificate_pin pin{r.usage, r.selector, r.matching, r.data};
            if (net::is_usable_pin(pin)) h.pins.push_back(std::move(pin));
        }
        co_return h;
    }
    co_return h;
}

basic_result<tls_demand, unusable_host> demand_of(domain_security const& d, std::string const& host,
                                                  host_security const& h)
{
    tls_demand demand;
    demand.counted.domain = d.domain;
    demand.counts = d.need != tls_need::optional;
    if (d.need == tls_need::optional) demand.policy = "tls-required no";
    if (!h.problem.empty())
        return unusable_host{own_finding(rules::dane_lookup_failed, d.domain, h.problem),
                             {"tlsa", host, {}, {}},
                             h.bogus ? "dnssec-invalid" : "tlsa-invalid",
                             printable(h.problem, 150),
                             false};
    std::optional<unusable_host> no;
    if (d.obeys_domain() && !d.sts.result.empty() && !is_bound(d)) {
        demand.counted = {"sts", d.domain, {}, {}};
        demand.result = d.sts.result;
        demand.detail = d.sts.problem;
    }
    if (h.there) apply_dane(demand, d, host, h);
    // RFC 8461 section 2: it never overrides DANE.
    if (d.obeys_domain() && h.pins.empty() && is_bound(d)) no = apply_sts(demand, d, host);
    if (!no) no = apply_rule(demand, d, host, h);
    if (!no && d.need == tls_need::required) no = apply_requiretls(demand, d, host);
    if (no) return std::move(*no);
    return demand;
}

std::string result_of(net::tls_state const& state)
{
    switch (state.peer_wrong) {
        case net::peer_trouble::none: return {};
        case net::peer_trouble::host_mismatch: return "certificate-host-mismatch";
        case net::peer_trouble::expired: return "certificate-expired";
        case net::peer_trouble::untrusted: return "certificate-not-trusted";
        case net::peer_trouble::tlsa_mismatch:
        case net::peer_trouble::other: break;
    }
    return "validation-failure";
}

}  // namespace postern::delivery
