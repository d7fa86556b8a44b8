// Mail that goes on to other addresses, and bounces of such mail on their way back. A message that
// goes on becomes new ones in the spool, with their own recipients and often another sender (SRS), in the
// transaction that settles the recipient here: all of them, and once. The copy that is kept is one of these.
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "catalogue/rules.hpp"
#include "delivery/dispatcher.hpp"
#include "delivery/fate_log.hpp"
#include "mail/header_section.hpp"
#include "mail/trace.hpp"

namespace postern::delivery {

namespace asio = boost::asio;
namespace rules = catalogue::rules;

namespace {

constexpr std::size_t piece_size = 256u << 10;
constexpr std::size_t header_limit = 1u << 20;
constexpr std::size_t most_fields = 5000;

// Whether the message has been at this address (RFC 9228).
result<bool> was_here(spool::content const& body, std::string const& key)
{
    mail::header_collector header{header_limit};
    std::uint64_t at = 0;
    for (auto state = mail::header_collector::state::more; state == mail::header_collector::state::more;) {
        auto const piece = body.read(at, piece_size);
        if (!piece) return piece.error();
        at += piece->size();
        std::string_view rest = *piece;
        state = piece->empty() ? header.finish() : header.add(rest);
    }
    auto const fields = mail::parse_fields(header.text(), most_fields);
    if (!fields) return true;  // nobody knows: rather a report than a circle
    return std::any_of(fields->begin(), fields->end(),
                       [&](auto const& f) { return f.is("Delivered-To") && to_lower(f.unfolded()) == key; });
}

result<> copy(spool::content const& from, spool::content_writer& to, std::string_view head)
{
    auto written = to.append(head);
    for (std::uint64_t at = 0; written && at < from.size(); at += piece_size) {
        auto const piece = from.read(at, piece_size);
        if (!piece) return piece.error();
        written = to.append(*piece);
    }
    return written;
}

}  // namespace

// One recipient whose mail goes on: what is to be stored for that.
struct dispatcher::passing_on {
    std::shared_ptr<letter const> of;
    std::uint32_t place = 0;
    mail::mailbox here;  // the address that it was for
    bool keep = false;
    std::vector<spool::message> messages;
    std::string queue_ids, targets;  // for the log
    bool looped = false;

    mail::recipient const& recipient() const { return of->what->recipients[place].to; }
    attempt how() const
    {
        attempt a;
        a.next_hop = "forward:" + here.to_string();
        return a;
    }
    outcome done() const
    {
        outcome o;
        o.what = fate::delivered;
        o.code = {2, 0, 0};
        o.reply = "250 2.0.0 forwarded as " + queue_ids;
        o.reports_on_success = true;  // the targets' servers do
        return o;
    }
    /// A message as it came, but for the recipients.
    spool::message copy() const
    {
        auto const& m = *of->what;
        spool::message one;
        one.env = m.env;
        one.session = m.session;
        one.account = m.account;
        one.client = m.client;
        one.lines_begin_with_dot = m.lines_begin_with_dot;
        return one;
    }
    void add(spool::message& to, mail::mailbox const& target)
    {
        auto r = recipient();
        r.forward_path = target;
        to.env.smtputf8 = to.env.smtputf8 || target.needs_smtputf8();
        to.env.recipients.push_back(std::move(r));
        targets += (targets.empty() ? "" : " ") + target.to_string();
    }
};

// Whether this recipient is taken care of here.
bool dispatcher::passes_on(std::shared_ptr<letter const> const& l, std::uint32_t place, bool local)
{
    if (world_.forwards == nullptr) return false;
    auto& book = *world_.forwards;
    auto const& r = l->what->recipients[place].to;
    auto const& address = r.forward_path;
    if (r.stays) return false;
    if (book.is_return_address(address)) {
        give_back_forwarded(l, place);
        return true;
    }
    if (!local) return false;
    auto found = book.find(address);
    mail::mailbox here = address;
    if (!found) {
        // Of an alias, a sub-address or the postmaster: the account's own.
        auto const who = accounts_.find_recipient(address);
        if (!who || !*who) return false;
        auto const own = mail::parse_mailbox((*who)->address);
        if (!own) return false;
        found = book.find(*own);
        here = *own;
    }
    if (!found) return false;
    auto p = std::make_shared<passing_on>();
    p->of = l;
    p->place = place;
    p->here = std::move(here);
    p->keep = found->keep;
    // Only who leaves this server in somebody else's name needs another sender.
    auto const& sender = l->what->env.reverse_path;
    auto const ours = sender.null ? result<bool>{true} : accounts_.is_local(sender.address.domain);
    spool::message near = p->copy(), abroad = near;
    for (auto const& target : found->targets) {
        auto const at_home = accounts_.is_local(target.domain);
        p->add(at_home && *at_home ? near : abroad, target);
    }
    if (p->keep) {
        near.env.recipients.push_back(r);
        near.env.recipients.back().stays = true;
    }
    if (!abroad.env.recipients.empty() && ours && !*ours)
        abroad.env.reverse_path.address = book.rewritten(sender.address, world_.now());
    for (auto* one : {&near, &abroad})
        if (!one->env.recipients.empty()) p->messages.push_back(std::move(*one));
    pass_on(std::move(p));
    return true;
}

// A bounce of forwarded mail, or what somebody makes look like one.
void dispatcher::give_back_forwarded(std::shared_ptr<letter const> const& l, std::uint32_t place)
{
    auto const& address = l->what->recipients[place].to.forward_path;
    auto const sent_by = world_.forwards->origin(address, world_.now());
    if (sent_by.what != mail::srs_origin::state::good) {
        auto const& why = sent_by.what == mail::srs_origin::state::expired ? rules::return_address_expired
                                                                           : rules::return_address_invalid;
        job const one{l, {place}, {}, {}, 0};
        ++under_way_;
        return settle_all(one, own_finding(why, address.domain, {}, address.to_string()), "local");
    }
    auto p = std::make_shared<passing_on>();
    p->of = l;
    p->place = place;
    p->here = address;
    p->messages.push_back(p->copy());
    p->add(p->messages.back(), sent_by.address);
    pass_on(std::move(p));
}

// Reads and writes on a helper's thread; back to ours when all of it is on stable storage.
void dispatcher::pass_on(std::shared_ptr<passing_on> p)
{
    ++under_way_;
    ++mailbox_jobs_;
    mailbox_workers_.post([this, bell = bell_, p = std::move(p)] {
        auto const back = [bell, p](result<> stored) {
            bell->ring([p, stored = std::move(stored)](dispatcher& self) { self.passed_on(*p, stored); });
        };
        auto const looped = was_here(*p->of->body, p->here.key());
        if (!looped || *looped) {
            p->looped = looped && *looped;
            return back(looped ? result<>{done{}} : result<>{looped.error()});
        }
        std::vector<spool::successor> all;
        for (auto& m : p->messages) {
            m.queue_id = make_queue_id();
            m.accepted_at = world_.now();
            p->queue_ids += (p->queue_ids.empty() ? "" : ",") + m.queue_id;
            auto body = queue_.new_content();
            auto written = copy(*p->of->body, *body, mail::delivered_to_field(p->here));
            if (!written) return back(std::move(written));
            m.size = body->size();
            all.push_back({std::move(m), std::move(body)});
        }
        spool::settlement s;
        s.queue_id = p->of->what->queue_id;
        auto const number = p->of->what->recipients[p->place].number;
        s.recipients.push_back({number, spool::recipient_state::delivered, world_.now(), p->done().reply});
        queue_.replace(std::move(s), std::move(all), back);
    });
}

void dispatcher::passed_on(passing_on const& p, result<> const& stored)
{
    --mailbox_jobs_;
    auto const& m = *p.of->what;
    auto const& address = p.recipient().forward_path;
    job const one{p.of, {p.place}, {}, {}, 0};
    if (p.looped)
        return settle(one, {own_finding(rules::forward_loop, address.domain, {}, address.to_string())}, p.how());
    if (!stored) {
        log::event(log::level::error, "forward_failed", {{"queue_id", m.queue_id}, {"problem", stored.error().logged}});
        return settle(one,
                      {own_finding(rules::forward_failure, address.domain, stored.error().logged, address.to_string())},
                      p.how());
    }
    --under_way_;
    log::event(log::level::info, "forwarded",
               {{"queue_id", m.queue_id},
                {"forward_path", address.to_string()},
                {"to", printable(p.targets, 500)},
                {"as", p.queue_ids},
                {"kept", p.keep}});
    log_fate(m, m.recipients[p.place], p.done(), p.how(), std::nullopt, world_.now());
    arm_pump();
}

}  // namespace postern::delivery
