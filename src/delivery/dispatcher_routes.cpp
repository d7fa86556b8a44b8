// The dispatcher's ways: which destination a recipient belongs to.
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/fault.hpp"
#include "base/log.hpp"
#include "catalogue/rules.hpp"
#include "delivery/dispatcher.hpp"
#include "delivery/maildir.hpp"
#include "policy/route.hpp"

namespace postern::delivery {

namespace {

namespace asio = boost::asio;
namespace rules = catalogue::rules;

// RFC 5321 section 4.5.3.1.8: every server takes a hundred recipients a message.
constexpr std::size_t recipients_per_transaction = 100;
constexpr std::size_t most_mailbox_jobs = 20'000;

template <class Group>
job& job_for(std::vector<Group>& groups, std::shared_ptr<destination> const& to, std::shared_ptr<letter const> const& l)
{
    for (auto i = groups.rbegin(); i != groups.rend(); ++i) {
        if (i->to == to && i->what.recipients.size() < recipients_per_transaction) return i->what;
    }
    groups.push_back({to, {l, {}, {}, {}, 0}});
    return groups.back().what;
}

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

}  // namespace postern::delivery
