// The dispatcher's ways: which destination a recipient belongs to, and which host of it.
#include <algorithm>
#include <set>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/fault.hpp"
#include "base/log.hpp"
#include "catalogue/rules.hpp"
#include "delivery/dispatcher.hpp"
#include "delivery/exchangers.hpp"
#include "delivery/maildir.hpp"
#include "policy/route.hpp"

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

template <class Group>
job& job_for(std::vector<Group>& groups, std::shared_ptr<destination> const& to, std::shared_ptr<letter const> const& l)
{
    for (auto i = groups.rbegin(); i != groups.rend(); ++i) {
        if (i->to == to && i->what.recipients.size() < recipients_per_transaction) return i->what;
    }
    groups.push_back({to, {l, {}, {}, {}, 0}});
    return groups.back().what;
}

// Has a connection say goodbye.
class no_work final : public feeder {
public:
    std::optional<job> next() override { return std::nullopt; }
    net::awaitable<bool> wait() override { co_return false; }
    bool should_end(link const&) override { return true; }
    void done(job, std::vector<outcome>, attempt const&, steady_clock::duration) override {}
    void give_back(job) override {}
};

// The address that the mailbox server knows: an alias becomes its account, an address of the
// account with a detail (submission.recipient_delimiter) stays what it is.
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

template <class Recipient>
bool is_due(Recipient const& r, bool all_due, wall_time now)
{
    return r.state == spool::recipient_state::queued && (all_due || r.next_attempt <= now);
}

/// About one address after the other; then calls `ready`, on whatever thread.
void ask_about(directory::directory& accounts, std::shared_ptr<std::vector<mail::mailbox> const> const& list,
               std::size_t from, std::function<void()> const& ready)
{
    if (from == list->size()) return ready();
    accounts.prepare_address((*list)[from],
                             [&accounts, list, from, ready] { ask_about(accounts, list, from + 1, ready); });
}

}  // namespace

/// Back ends of the directory may have to be asked first who gets the mail; that is not waited for.
void dispatcher::admit_one(spool::queued_message m, bool all_due, wall_time now)
{
    auto const l = std::make_shared<letter const>(std::move(m));
    if (!accounts_.asks_others()) return route(l, all_due, now);
    std::vector<mail::mailbox> to_ask;
    for (auto const& r : l->what->recipients) {
        if (!is_due(r, all_due, now)) continue;
        auto const local = accounts_.is_local(r.to.forward_path.domain);
        if (local && *local) to_ask.push_back(r.to.forward_path);
    }
    if (to_ask.empty()) return route(l, all_due, now);
    ++under_way_;
    ask_about(accounts_, std::make_shared<std::vector<mail::mailbox> const>(std::move(to_ask)), 0,
              [bell = bell_, l, all_due, now] {
                  bell->ring([l, all_due, now](dispatcher& self) {
                      --self.under_way_;
                      self.route(l, all_due, now);
                  });
              });
}

void dispatcher::doorbell::ring(std::function<void(dispatcher&)> then)
{
    std::lock_guard lock{lock_};
    if (house_ == nullptr) return;
    asio::post(house_->context_, [bell = shared_from_this(), then = std::move(then)] {
        // On the dispatcher's thread, which also is the one that ends it.
        if (bell->house_ != nullptr) then(*bell->house_);
    });
}

void dispatcher::doorbell::close()
{
    std::lock_guard lock{lock_};
    house_ = nullptr;
}

struct dispatcher::group {
    std::shared_ptr<destination> to;
    job what;
};

void dispatcher::route(std::shared_ptr<letter const> const& l, bool all_due, wall_time now)
{
    auto const from = all_due ? origin::arrival : origin::spool;
    auto const& recipients = l->what->recipients;
    // One recipient is what most messages have.
    std::vector<group> groups;
    for (std::uint32_t place = 0; place < recipients.size(); ++place) {
        auto const& r = recipients[place];
        if (is_due(r, all_due, now) && !is_too_late(l, place, now)) route_one(l, place, groups);
    }
    hand_on(groups, from);
}

// What waited in a line that is not its own any more.
void dispatcher::route_anew(job const& j)
{
    std::vector<group> groups;
    under_way_ -= j.recipients.size();
    for (auto const place : j.recipients) route_one(j.of, place, groups);
    hand_on(groups, origin::arrival);
}

void dispatcher::hand_on(std::vector<group>& groups, origin from)
{
    for (auto& g : groups) {
        if (!g.what.recipients.empty()) submit(g.to, std::move(g.what), from);
    }
}

void dispatcher::route_one(std::shared_ptr<letter const> const& l, std::uint32_t place, std::vector<group>& groups)
{
    std::string const& domain = l->what->recipients[place].to.forward_path.domain;
    auto const local = domain.empty() ? result<bool>{true} : accounts_.is_local(domain);
    if (!local) {
        ++under_way_;
        return settle_all({l, {place}, {}, {}, 0}, own_finding(rules::lookup_failure, domain, local.error().logged),
                          "local");
    }
    if (!passes_on(l, place, *local)) find_way(l, place, *local, groups);
}

// Nothing more is done with it after that time (RFC 2852 section 4): it goes back.
bool dispatcher::is_too_late(std::shared_ptr<letter const> const& l, std::uint32_t place, wall_time now)
{
    auto const& by = l->what->env.by;
    if (by.mode != mail::by_mode::give_back || by.until > now) return false;
    ++under_way_;
    std::string const& domain = l->what->recipients[place].to.forward_path.domain;
    settle_all({l, {place}, {}, {}, 0}, own_finding(rules::deliver_by_passed, domain), "expired");
    return true;
}

void dispatcher::find_way(std::shared_ptr<letter const> const& l, std::uint32_t place, bool local,
                          std::vector<group>& groups)
{
    auto const& m = *l->what;
    auto const& to = m.recipients[place].to.forward_path;
    bool const secret = m.env.require_tls;
    auto const chosen = policy::choose_route(plan_->routes, {m.env.reverse_path, m.account, to, local}, false);
    if (chosen) {
        take_way(l, place, local, *chosen, groups);
    } else if (local) {
        if (auto const& host = local_hosts_[secret]) {
            route_local(l, place, plan_->local, job_for(groups, host, l));
        } else {
            job unused;
            route_local(l, place, plan_->local, unused);
        }
    } else if (plan_->usual_host) {
        job_for(groups, via_destination(plan_->usual_host, m.env.reverse_path, secret), l).recipients.push_back(place);
    } else {
        auto const host = smart_hosts_[secret] ? smart_hosts_[secret] : mx_destination(to.domain, m.env);
        job_for(groups, host, l).recipients.push_back(place);
    }
}

void dispatcher::take_way(std::shared_ptr<letter const> const& l, std::uint32_t place, bool local, std::size_t route,
                          std::vector<group>& groups)
{
    way const& w = plan_->ways[route];
    auto const& m = *l->what;
    auto const& to = m.recipients[place].to;
    bool const secret = m.env.require_tls;
    switch (w.what) {
        case way::kind::mx:
            job_for(groups, mx_destination(to.forward_path.domain, m.env), l).recipients.push_back(place);
            return;
        case way::kind::smart_host:
            job_for(groups, via_destination(w.via, m.env.reverse_path, secret), l).recipients.push_back(place);
            return;
        case way::kind::refuse: {
            job const one{l, {place}, {}, {}, 0};
            ++under_way_;
            auto o = own_finding(rules::route_refused, to.forward_path.domain);
            o.reason = policy::refusal(plan_->routes[route], to.forward_path).text;
            o.reply = std::to_string(o.why->code) + ' ' + to_string(o.code) + ' ' + o.reason;
            return settle_all(one, o, "refused");
        }
        case way::kind::place: break;
        case way::kind::hold: return;  // never chosen: for new mail only
    }
    bool const maildir = w.to.how == transport::maildir;
    if (maildir && !local) return deliver_to_mailbox(l, place, w.to, to.forward_path.key());
    job unused;
    bool const final = local || w.to.how == transport::lmtp;
    job& for_host = maildir ? unused : job_for(groups, fixed_destination(w.to, final, secret), l);
    if (local) return route_local(l, place, w.to, for_host);
    for_host.recipients.push_back(place);
    // Beside local ones, which may have other names there.
    if (final) for_host.addressed.push_back(to);
}

void dispatcher::route_local(std::shared_ptr<letter const> const& l, std::uint32_t place, target const& at,
                             job& for_host)
{
    auto const& to = l->what->recipients[place].to;
    auto const who = accounts_.find_recipient(to.forward_path);
    job const one{l, {place}, {}, {}, 0};
    if (!who) {
        ++under_way_;
        return settle_all(one, own_finding(rules::lookup_failure, to.forward_path.domain, who.error().logged), "local");
    }
    if (at.how != transport::maildir) {
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
    deliver_to_mailbox(l, place, at, (*who)->address);
}

void dispatcher::deliver_to_mailbox(std::shared_ptr<letter const> const& l, std::uint32_t place, target const& at,
                                    std::string const& account)
{
    auto const& m = *l->what;
    auto const& to = m.recipients[place].to.forward_path;
    job one{l, {place}, {}, {}, 0};
    ++under_way_;
    auto folder = maildir_folder(at.folder, account);
    if (!folder) {
        return settle_all(one, own_finding(rules::mailbox_impossible, to.domain, account, to.to_string()),
                          at.to_string());
    }
    if (mailbox_jobs_ >= most_mailbox_jobs) {
        --under_way_;
        return settler_.put_off(one, own_finding(rules::delivery_overloaded, to.domain), *plan_);
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
            how.destination = plan_->local.to_string();
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

// Mail with REQUIRETLS has lines of its own: where other mail goes may be no place for it. So has mail
// that would rather arrive than be secret (RFC 8689 section 5), unless it asks for both.
std::shared_ptr<destination> dispatcher::mx_destination(std::string const& domain, mail::envelope const& of)
{
    bool const optional = of.tls_optional && !of.require_tls;
    auto& d = destinations_["mx:" + domain + (of.require_tls ? " requiretls" : optional ? " tls-required-no" : "")];
    if (!d) {
        d = std::make_shared<destination>(context_.get_executor());
        d->key = "mx:" + domain;
        d->domain = domain;
        d->by_mx = true;
        d->require_tls = of.require_tls;
        d->tls_optional = optional;
    }
    return d;
}

// The same host may have two roles, each with its own demands.
std::shared_ptr<destination> dispatcher::fixed_destination(target const& to, bool final_delivery, bool require_tls)
{
    bool const needs_tls = !final_delivery && plan_->smart_host_needs_tls;
    std::string const name = to.to_string();
    auto& d = destinations_[(final_delivery ? "local " : "relay ") + name + (needs_tls ? " tls" : "") +
                            (require_tls ? " requiretls" : "")];
    if (!d) {
        d = std::make_shared<destination>(context_.get_executor());
        d->key = name;
        d->to = to;
        d->final_delivery = final_delivery;
        d->needs_tls = needs_tls;
        d->require_tls = require_tls;
    }
    // Whoever runs this server vouches for it.
    d->proven = true;
    // Reports name it: where the mailboxes are is nobody's business.
    d->domain = final_delivery ? plan_->hostname : to.host;
    return d;
}

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
    bool const dane = d->by_mx && self->plan_->dane && security->mx_secure && security->obeys_domain();
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
        if (dane) host = co_await find_dane(self->names_.get(), name, self->world_.mx_port, answer);
        auto const shared = std::make_shared<host_security const>(std::move(host));
        auto addresses = order_addresses(std::move(answer), self->random_);
        std::stable_partition(addresses.begin(), addresses.end(), [&](ip_address const& a) {
            auto const bad = d->bad_addresses.find(a);
            return bad == d->bad_addresses.end() || bad->second < steady_clock::now();
        });
        for (auto const& a : addresses) {
            bool const us = d->by_mx && self->world_.loopback_is_us && leads_back(a, self->own_);
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
                self->count_unusable(d->domain, host.name, *no);
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
    if (worst) {
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
