// The dispatcher's ways: which destination a recipient belongs to, and which host of it.
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/fault.hpp"
#include "base/log.hpp"
#include "catalogue/rules.hpp"
#include "delivery/dispatcher.hpp"
#include "delivery/exchangers.hpp"
#include "delivery/maildir.hpp"

namespace postern::delivery {

namespace {

namespace asio = boost::asio;
namespace rules = catalogue::rules;
using namespace std::chrono_literals;

// RFC 5321 section 4.5.3.1.8: every server takes a hundred recipients a message.
constexpr std::size_t recipients_per_transaction = 100;
constexpr std::size_t most_mailbox_jobs = 20'000;
// How long an address that did not answer is tried after the others.
constexpr auto bad_address_for = 60s;

struct group {
    std::shared_ptr<destination> to;
    job what;
};

job& job_for(std::vector<group>& groups, std::shared_ptr<destination> const& to, std::shared_ptr<letter const> const& l)
{
    for (auto i = groups.rbegin(); i != groups.rend(); ++i) {
        if (i->to == to && i->what.recipients.size() < recipients_per_transaction) return i->what;
    }
    groups.push_back({to, {l, {}, {}, {}, 0}});
    return groups.back().what;
}

// The address that the mailbox server knows: an alias becomes its account, a plus-address
// of the account stays what it is.
mail::recipient readdress(mail::recipient const& to, directory::account const& who, char delimiter)
{
    mail::recipient out = to;
    std::string key = to.forward_path.key();
    std::size_t const at = key.rfind('@');
    std::size_t const plus = delimiter == '\0' ? std::string::npos : key.find(delimiter);
    if (plus != std::string::npos && plus < at) key.erase(plus, at - plus);
    if (key == who.address) return out;
    if (auto const own = mail::parse_mailbox(who.address)) out.forward_path = *own;
    return out;
}

}  // namespace

void dispatcher::admit_one(spool::queued_message m, bool all_due, wall_time now)
{
    auto const l = std::make_shared<letter const>(std::move(m));
    auto const& recipients = l->what->recipients;
    // One recipient is what most messages have, and the relay's way is the most used.
    std::vector<group> groups;
    for (std::uint32_t place = 0; place < recipients.size(); ++place) {
        auto const& r = recipients[place];
        if (r.state != spool::recipient_state::queued || (!all_due && r.next_attempt > now)) continue;
        std::string const& domain = r.to.forward_path.domain;
        auto const local = domain.empty() ? result<bool>{true} : accounts_.is_local(domain);
        if (!local) {
            job const one{l, {place}, {}, {}, 0};
            ++under_way_;
            settle_all(one, own_finding(rules::lookup_failure, domain, local.error().logged), "local");
        } else if (*local) {
            if (local_host_) {
                route_local(l, place, job_for(groups, local_host_, l));
            } else {
                job unused;
                route_local(l, place, unused);
            }
        } else {
            auto const to = smart_host_ ? smart_host_ : mx_destination(domain);
            job_for(groups, to, l).recipients.push_back(place);
        }
    }
    for (auto& g : groups) {
        if (!g.what.recipients.empty()) submit(g.to, std::move(g.what));
    }
}

void dispatcher::route_local(std::shared_ptr<letter const> const& l, std::uint32_t place, job& for_host)
{
    auto const& to = l->what->recipients[place].to;
    auto const who = accounts_.find_recipient(to.forward_path);
    job const one{l, {place}, {}, {}, 0};
    if (!who) {
        ++under_way_;
        return settle_all(one, own_finding(rules::lookup_failure, to.forward_path.domain, who.error().logged), "local");
    }
    if (local_host_) {
        // A mailbox server may know more addresses than the directory: it has the last word.
        for_host.recipients.push_back(place);
        for_host.addressed.push_back(*who ? readdress(to, **who, plan_->recipient_delimiter) : to);
        return;
    }
    if (!*who) {
        ++under_way_;
        return settle_all(one,
                          own_finding(rules::unknown_recipient, to.forward_path.domain, "removed since it was accepted",
                                      to.forward_path.to_string()),
                          "local");
    }
    deliver_to_mailbox(l, place, (*who)->address);
}

void dispatcher::deliver_to_mailbox(std::shared_ptr<letter const> const& l, std::uint32_t place,
                                    std::string const& account)
{
    auto const& m = *l->what;
    auto const& to = m.recipients[place].to.forward_path;
    job one{l, {place}, {}, {}, 0};
    ++under_way_;
    auto folder = maildir_folder(plan_->local.folder, account);
    if (!folder) {
        return settle_all(one, own_finding(rules::mailbox_impossible, to.domain, {}, account),
                          plan_->local.to_string());
    }
    if (mailbox_jobs_ >= most_mailbox_jobs) {
        --under_way_;
        return settler_.put_off(one, own_finding(rules::delivery_overloaded, to.domain).reply);
    }
    maildir_letter mail;
    mail.folder = std::move(*folder);
    mail.name = maildir_name(m.accepted_at, m.queue_id, m.recipients[place].number, plan_->hostname);
    mail.header = "Return-Path: <" + m.env.reverse_path.to_string() + ">\nDelivered-To: " + account + '\n';
    mail.body = l->body;
    mail.binary = m.env.body == mail::body_type::binary_mime;
    ++mailbox_jobs_;
    mailbox_workers_.post([this, mail = std::move(mail), one = std::move(one), domain = to.domain] {
        auto const written = deliver(mail);
        asio::post(context_, [this, written, one, domain, folder = mail.folder] {
            --mailbox_jobs_;
            attempt how;
            how.next_hop = "maildir:" + folder.string();
            how.final_delivery = true;
            outcome o;
            if (written) {
                fault_point("mailbox_written");
                o.what = fate::delivered;
                o.code = {2, 0, 0};
                o.reply = "250 2.0.0 delivered to the mailbox";
            } else {
                o = own_finding(rules::mailbox_failure, domain, written.error().logged);
                o.code = written.error().code;
                log::event(log::level::warning, "mailbox_failure",
                           {{"queue_id", one.of->what->queue_id}, {"error", written.error().logged}});
            }
            settle(one, {o}, how);
        });
    });
}

std::shared_ptr<destination> dispatcher::mx_destination(std::string const& domain)
{
    auto& d = destinations_["mx:" + domain];
    if (!d) {
        d = std::make_shared<destination>(context_.get_executor());
        d->key = "mx:" + domain;
        d->domain = domain;
        d->by_mx = true;
    }
    return d;
}

std::shared_ptr<destination> dispatcher::fixed_destination(target const& to, bool final_delivery)
{
    std::string const key = to.to_string();
    auto& d = destinations_[key];
    if (!d) {
        d = std::make_shared<destination>(context_.get_executor());
        d->key = key;
        d->domain = to.socket.empty() ? to.host : to.socket;
        d->to = to;
    }
    d->final_delivery = final_delivery;
    d->needs_tls = !final_delivery && plan_->smart_host_needs_tls;
    return d;
}

hop dispatcher::make_hop(destination const& d, std::string name) const
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
    return h;
}

net::awaitable<dispatcher::host_list> dispatcher::find_hosts(dispatcher* self, std::shared_ptr<destination> d)
{
    host_list hosts;
    if (!d->by_mx || d->domain.starts_with('[')) {
        hosts.names.push_back(d->by_mx ? d->domain : d->to.host);
        co_return hosts;
    }
    auto answer = co_await self->names_->mx(d->domain);
    auto chosen = choose_exchangers(d->domain, std::move(answer), self->plan_->hostname, self->random_);
    hosts.names = std::move(chosen.hosts);
    if (chosen.problem != nullptr) hosts.problem = own_finding(*chosen.problem, d->domain, chosen.detail);
    co_return hosts;
}

net::awaitable<link_result> dispatcher::connect_somewhere(dispatcher* self, std::shared_ptr<destination> d,
                                                          host_list hosts)
{
    auto const until = steady_clock::now() + self->world_.limits.finding;
    if (!d->to.socket.empty()) {
        hop const to = self->make_hop(*d, d->domain);
        co_return co_await connect_to(self, to, until);
    }
    std::optional<outcome> worst;
    std::optional<ip_address> full;
    std::string dns_problem;
    bool looped = false, unclear = !d->by_mx;
    std::size_t tried = 0;
    for (auto const& name : hosts.names) {
        if (tried >= most_addresses || steady_clock::now() >= until) break;
        auto answer = co_await self->names_->addresses(name);
        if (answer.what != dns::finding::found) {
            if (dns_problem.empty()) dns_problem = answer.problem;
            unclear = unclear || answer.what == dns::finding::temporary || answer.what == dns::finding::bogus;
            continue;
        }
        auto addresses = order_addresses(std::move(answer), self->random_);
        std::stable_partition(addresses.begin(), addresses.end(), [&](ip_address const& a) {
            auto const bad = d->bad_addresses.find(a);
            return bad == d->bad_addresses.end() || bad->second < steady_clock::now();
        });
        for (auto const& a : addresses) {
            if (d->by_mx && self->world_.loopback_is_us && leads_back(a, self->own_)) {
                looped = true;
                continue;
            }
            if (tried >= most_addresses || self->stopping_ || steady_clock::now() >= until) break;
            std::shared_ptr<address_place> place;
            if (d->by_mx) {
                place = d->place && d->place->at == a ? std::move(d->place)
                                                      : self->addresses_->take(a, self->plan_->connections_per_host);
                if (!place) {
                    if (!full) full = a;
                    continue;
                }
            }
            ++tried;
            hop to = self->make_hop(*d, name);
            to.at.address = a;
            auto connected = co_await connect_to(self, std::move(to), until);
            if (connected) {
                d->bad_addresses.erase(a);
                (*connected)->place = std::move(place);
                co_return connected;
            }
            d->bad_addresses[a] = steady_clock::now() + bad_address_for;
            // What a server said tells more than that another did not answer.
            if (!worst || !worst->remote_said) worst = std::move(connected.error().why);
        }
    }
    link_failure failure;
    failure.full = full;
    if (worst) {
        failure.why = std::move(*worst);
    } else if (looped) {
        failure.why = own_finding(rules::route_loop, d->domain, "its mail exchanger is this machine");
    } else if (unclear) {
        failure.why = own_finding(rules::route_dns_failure, d->domain, dns_problem);
    } else {
        failure.why = own_finding(rules::route_no_address, d->domain, dns_problem);
    }
    co_return failure;
}

net::awaitable<link_result> dispatcher::connect_to(dispatcher* self, hop to, steady_time until)
{
    auto const executor = self->context_.get_executor();
    auto first = co_await open_link(executor, to, self->plan_->hostname, self->world_.tls, self->world_.limits,
                                    self->streams_, until);
    if (first || !first.error().tls_handshake || to.tls != smtp::tls_wish::if_offered) co_return first;
    // Opportunistic: a server whose TLS is broken gets its mail as one that has none.
    log::event(log::level::info, "tls_failed", {{"next_hop", to.to_string()}, {"reply", first.error().why.reply}});
    to.tls = smtp::tls_wish::never;
    auto second = co_await open_link(executor, to, self->plan_->hostname, self->world_.tls, self->world_.limits,
                                     self->streams_, until);
    co_return second;
}

}  // namespace postern::delivery
