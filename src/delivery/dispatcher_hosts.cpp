// The dispatcher's hosts: which of a destination's is connected to, and what the connection has to be.
#include <algorithm>
#include <set>
#include <utility>

#include "base/log.hpp"
#include "catalogue/rules.hpp"
#include "delivery/dispatcher.hpp"
#include "delivery/exchangers.hpp"

namespace postern::delivery {

namespace {

namespace rules = catalogue::rules;
using namespace std::chrono_literals;

// How long an address that did not answer is tried after the others.
constexpr auto bad_address_for = 60s;

// Has a connection say goodbye.
class no_work final : public feeder {
public:
    std::optional<job> next() override { return std::nullopt; }
    net::awaitable<bool> wait() override { co_return false; }
    bool should_end(link const&) override { return true; }
    void done(job, std::vector<outcome>, attempt const&, steady_clock::duration) override {}
    void give_back(job) override {}
    void convert(job, mail::content_need) override {}
};

}  // namespace

hop dispatcher::make_hop(destination const& d, std::string name)
{
    hop h;
    h.name = std::move(name);
    h.domain = d.domain;
    h.final_delivery = d.final_delivery;
    h.at.port = d.by_mx ? world_.mx_port : d.to.port;
    if (d.by_mx) return h;
    h.socket = d.to.socket;
    h.speaks = d.to.how == transport::lmtp ? smtp::dialect::lmtp : smtp::dialect::smtp;
    h.tls_from_start = d.to.how == transport::smtp && d.to.port == world_.submissions_port;
    if (!h.socket.empty()) h.tls = smtp::tls_wish::never;
    if (d.needs_tls) h.tls = smtp::tls_wish::required;
    h.smart_host = !d.final_delivery;
    if (d.via) {
        h.as = d.as;
        h.helpers = &logins_;
        h.most_messages = d.via->settings.messages_per_connection;
        h.tls_from_start = d.via->settings.tls == config::tls_mode::implicit;
        if (d.via->settings.tls == config::tls_mode::none) h.tls = smtp::tls_wish::never;
    }
    h.demand.authenticate = h.tls == smtp::tls_wish::required;
    return h;
}

// What goes into a mailbox of this machine leaves nothing to encrypt.
void dispatcher::demand_tls(destination const& d, hop& to) const
{
    to.stays_here = d.final_delivery && (!to.socket.empty() || leads_back(to.at.address, own_));
    to.require_tls = d.require_tls && !to.stays_here;
    if (to.require_tls) {
        to.tls = smtp::tls_wish::required;
        to.demand.authenticate = true;
    }
}

net::awaitable<dispatcher::host_list> dispatcher::find_hosts(dispatcher* self, std::shared_ptr<destination> d)
{
    host_list hosts;
    self->begin_security(*d, hosts.security);
    if (!d->by_mx || d->domain.starts_with('[')) {
        hosts.names.push_back(d->by_mx ? d->domain : d->to.host);
        hosts.preferences.push_back(0);
        co_return hosts;
    }
    // The domain's policy is looked for meanwhile.
    std::shared_ptr<escort::sts_question> policy;
    if (self->plan_->mta_sts && self->world_.security != nullptr && hosts.security.obeys_domain())
        policy = self->world_.security->policies().begin(self->context_.get_executor(), *self->names_, d->domain);
    auto answer = co_await self->names_->mx(d->domain);
    hosts.security.mx_secure = answer.secure;
    if (policy) hosts.security.sts = co_await policy->wait(policy);
    auto chosen = choose_exchangers(d->domain, std::move(answer), self->plan_->hostname, self->random_);
    hosts.names = std::move(chosen.hosts);
    hosts.preferences = std::move(chosen.preferences);
    if (chosen.problem != nullptr) hosts.problem = own_finding(*chosen.problem, d->domain, chosen.detail);
    co_return hosts;
}

net::awaitable<dispatcher::address_list> dispatcher::find_addresses(dispatcher* self, std::shared_ptr<destination> d,
                                                                    domain_security const* security,
                                                                    std::vector<std::string> names, steady_time until)
{
    // Whose authority the settings name needs no other proof.
    bool const named = d->via && !d->via->settings.authorities.empty();
    bool const dane = self->plan_->dane && security->mx_secure && security->obeys_domain() && !named;
    address_list list;
    for (auto const& name : names) {
        list.cut_off = steady_clock::now() >= until;
        if (list.cut_off) break;
        auto answer = co_await self->names_->addresses(name);
        if (answer.what != dns::finding::found) {
            if (list.problem.empty()) list.problem = answer.problem;
            bool const no_answer = answer.what == dns::finding::temporary || answer.what == dns::finding::bogus;
            list.unclear = list.unclear || no_answer;
            continue;
        }
        host_security host;
        if (dane)
            host = co_await find_dane(self->names_.get(), name, d->by_mx ? self->world_.mx_port : d->to.port, answer);
        auto const shared = std::make_shared<host_security const>(std::move(host));
        auto addresses = order_addresses(std::move(answer), self->random_);
        std::stable_partition(addresses.begin(), addresses.end(), [&](ip_address const& a) {
            auto const bad = d->bad_addresses.find(a);
            return bad == d->bad_addresses.end() || bad->second < steady_clock::now();
        });
        for (auto const& a : addresses) {
            bool const us = d->by_mx ? self->world_.loopback_is_us && leads_back(a, self->own_)
                                     : is_own_door({a, d->to.port}, self->plan_->doors, self->own_);
            list.looped = list.looped || us;
            list.all.push_back({name, a, shared});
        }
    }
    co_return list;
}

// The one that it was given in line, if it is there, or a free one.
std::shared_ptr<address_place> dispatcher::take_place(destination& d, std::string const& key)
{
    if (d.place && d.place->at == key) return std::exchange(d.place, nullptr);
    return addresses_->take(key);
}

net::awaitable<link_result> dispatcher::connect_somewhere(dispatcher* self, std::shared_ptr<destination> d,
                                                          host_list hosts)
{
    auto const until = steady_clock::now() + self->world_.limits.finding;
    if (!d->to.socket.empty()) {
        hop to = self->make_hop(*d, d->to.socket);
        self->demand_tls(*d, to);
        auto place = self->take_place(*d, to.to_string());
        if (!place) {
            link_failure failure;
            failure.full = to.to_string();
            co_return failure;
        }
        auto connected = co_await connect_to(self, to, until);
        if (connected) (*connected)->place = std::move(place);
        co_return connected;
    }
    std::optional<outcome> worst;
    std::optional<std::string> full;
    std::string dns_problem, lacking;
    std::set<std::string> lacking_hosts, unusable_hosts;
    bool looped = false, unclear = !d->by_mx, cut_off = false;
    std::size_t tried = 0;
    // RFC 5321 section 5.1: worse hosts are for when all better ones failed. One that has no
    // connection free, by our own limit, did not.
    for (std::size_t from = 0, to = 0; from < hosts.names.size() && !cut_off && !full; from = to) {
        while (to < hosts.names.size() && hosts.preferences[to] == hosts.preferences[from]) ++to;
        std::vector<std::string> equals{hosts.names.begin() + static_cast<std::ptrdiff_t>(from),
                                        hosts.names.begin() + static_cast<std::ptrdiff_t>(to)};
        auto found = co_await find_addresses(self, d, &hosts.security, std::move(equals), until);
        if (dns_problem.empty()) dns_problem = found.problem;
        unclear = unclear || found.unclear;
        cut_off = found.cut_off;
        // RFC 5321 section 5.1: where we are one of them, these and all that follow would send it back.
        looped = found.looped;
        if (looped) break;
        for (auto const& host : found.all) {
            auto const& a = host.at;
            if (lacking_hosts.contains(host.name) || unusable_hosts.contains(host.name)) continue;
            cut_off = cut_off || tried >= most_addresses || self->stopping_ || steady_clock::now() >= until;
            if (cut_off) break;
            hop next = self->make_hop(*d, host.name);
            next.at.address = a;
            next.others_left = &host != &found.all.back() || to < hosts.names.size();
            if (auto no = secure(*d, next, hosts.security, *host.security)) {
                if (d->by_mx) self->count_unusable(d->domain, host.name, *no);
                (no->for_message ? lacking_hosts : unusable_hosts).insert(host.name);
                if (no->for_message) {
                    lacking += (lacking.empty() ? "" : ", ") + no->why.reply;
                } else if (!worst || !worst->remote_said) {
                    worst = std::move(no->why);
                }
                continue;
            }
            std::string const key = line_of(next.at);
            auto place = self->take_place(*d, key);
            if (!place) {
                if (!full) full = key;
                continue;
            }
            ++tried;
            self->demand_tls(*d, next);
            auto connected = co_await connect_to(self, std::move(next), until);
            if (connected) {
                d->bad_addresses.erase(a);
                (*connected)->place = std::move(place);
                co_return connected;
            }
            // Its other addresses know us no better, and each failed login brings a lock-out nearer.
            bool const about_us =
                connected.error().about_login || connected.error().why.asks_for != outcome::pause::none;
            if (about_us) co_return connected;
            if (d->require_tls && connected.error().lacks_tls) {
                // It works, only not for this: other hosts may.
                lacking += (lacking.empty() ? "not by " : ", ") + host.name;
                lacking_hosts.insert(host.name);
                continue;
            }
            d->bad_addresses[a] = steady_clock::now() + bad_address_for;
            // What a server said tells more than that another did not answer.
            if (!worst || !worst->remote_said) worst = std::move(connected.error().why);
        }
    }
    link_failure failure;
    failure.full = full;
    if (looped && !d->by_mx) {
        failure.why = own_finding(rules::route_to_itself, d->domain, d->to.to_string());
    } else if (worst) {
        failure.why = std::move(*worst);
    } else if (!lacking.empty() && cut_off) {
        failure.why = own_finding(rules::route_tls_failure, d->domain, lacking + "; the others were not asked");
    } else if (!lacking.empty() && (!unclear || !d->by_mx)) {
        // RFC 8689 section 4.2.1: all that there are were asked.
        failure.why = own_finding(rules::remote_needs_tls, d->domain, lacking);
    } else if (d->final_delivery && !dns_problem.empty()) {
        failure.why = own_finding(rules::mailbox_unreachable, d->domain, d->to.to_string() + ": " + dns_problem);
    } else if (unclear || cut_off) {
        failure.why = own_finding(rules::route_dns_failure, d->domain, dns_problem);
    } else if (looped) {
        failure.why = own_finding(rules::route_loop, d->domain, "its mail exchanger is this machine");
    } else {
        failure.why = own_finding(rules::route_no_address, d->domain, dns_problem);
    }
    co_return failure;
}

net::awaitable<link_result> dispatcher::connect_to(dispatcher* self, hop to, steady_time until)
{
    auto const executor = self->context_.get_executor();
    auto const tls = to.as ? to.as->tls : self->world_.tls;
    auto first =
        co_await open_link(executor, to, self->plan_->hostname, tls, self->world_.limits, self->streams_, until);
    self->count_session(to, first);
    if (first && to.require_tls && !(*first)->session.announced().require_tls) {
        no_work none;
        co_await use_link(*first, none, self->world_.limits);
        link_failure failure{own_finding(rules::remote_needs_tls, to.domain, to.to_string()), false, true, {}, {}};
        co_return failure;
    }
    if (first || !first.error().tls_handshake || to.tls != smtp::tls_wish::if_offered) co_return first;
    // Opportunistic: a server whose TLS is broken gets its mail as one that has none.
    log::event(log::level::info, "tls_failed", {{"next_hop", to.to_string()}, {"reply", first.error().why.reply}});
    to.tls = smtp::tls_wish::never;
    auto second = co_await open_link(executor, to, self->plan_->hostname, self->world_.tls, self->world_.limits,
                                     self->streams_, until);
    co_return second;
}

}  // namespace postern::delivery
