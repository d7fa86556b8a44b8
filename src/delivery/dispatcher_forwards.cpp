// Mail that goes on to other addresses, and bounces of such mail on their way back. A message that
// goes on becomes a new one in the spool, with its own recipients and often another sender (SRS);
// only when that is stored is the recipient settled here. What a crash repeats is sent twice.
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "catalogue/rules.hpp"
#include "delivery/dispatcher.hpp"
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
    std::vector<spool::message> messages;  // one by one
    std::vector<std::string> queue_ids;
    std::string targets;
    bool looped = false;

    mail::recipient const& recipient() const { return of->what->recipients[place].to; }
};

// Whether this recipient is taken care of here.
bool dispatcher::passes_on(std::shared_ptr<letter const> const& l, std::uint32_t place)
{
    if (world_.forwards == nullptr) return false;
    auto& book = *world_.forwards;
    auto const& m = *l->what;
    auto const& r = m.recipients[place].to;
    auto const& address = r.forward_path;
    auto p = std::make_shared<passing_on>();
    p->of = l;
    p->place = place;
    p->here = address;

    spool::message next;
    next.env = m.env;
    next.env.recipients.clear();
    next.session = m.session;
    next.account = m.account;
    next.client = m.client;
    next.lines_begin_with_dot = m.lines_begin_with_dot;
    auto const add = [&](spool::message& to, mail::mailbox const& target) {
        mail::recipient copy = r;
        copy.forward_path = target;
        to.env.smtputf8 = to.env.smtputf8 || target.needs_smtputf8();
        to.env.recipients.push_back(std::move(copy));
        p->targets += (p->targets.empty() ? "" : " ") + target.to_string();
    };

    if (book.is_return_address(address)) {
        auto const origin = book.origin(address, world_.now());
        if (origin.what != mail::srs_origin::state::good) {
            auto const& why = origin.what == mail::srs_origin::state::expired ? rules::return_address_expired
                                                                              : rules::return_address_invalid;
            job const one{l, {place}, {}, {}, 0};
            ++under_way_;
            settle_all(one, own_finding(why, address.domain, {}, address.to_string()), "local");
            return true;
        }
        add(next, origin.address);
        p->messages.push_back(std::move(next));
        pass_on(std::move(p));
        return true;
    }

    auto found = book.find(address);
    auto const local = accounts_.is_local(address.domain);
    if (!local || !*local) return false;
    if (!found) {
        // Of an alias, a sub-address or the postmaster: the account's own.
        auto const who = accounts_.find_recipient(address);
        if (!who || !*who) return false;
        auto const own = mail::parse_mailbox((*who)->address);
        if (!own) return false;
        found = book.find(*own);
        p->here = *own;
    }
    if (!found) return false;
    p->keep = found->keep;
    // Only who leaves this server in somebody else's name needs another sender.
    auto const& sender = m.env.reverse_path;
    auto const ours = sender.null ? result<bool>{true} : accounts_.is_local(sender.address.domain);
    spool::message abroad = next;
    for (auto const& target : found->targets) {
        auto const here = accounts_.is_local(target.domain);
        add(here && *here ? next : abroad, target);
    }
    if (!abroad.env.recipients.empty() && ours && !*ours)
        abroad.env.reverse_path.address = book.rewritten(sender.address, world_.now());
    for (auto* one : {&next, &abroad})
        if (!one->env.recipients.empty()) p->messages.push_back(std::move(*one));
    pass_on(std::move(p));
    return true;
}

// Reads and writes on a helper's thread; back to ours with every commit.
void dispatcher::pass_on(std::shared_ptr<passing_on> p)
{
    ++under_way_;
    ++mailbox_jobs_;
    mailbox_workers_.post([this, bell = bell_, p = std::move(p)] {
        auto const back = [bell, p](result<> stored) {
            bell->ring([p, stored = std::move(stored)](dispatcher& self) { self.passed_on(p, stored); });
        };
        auto const looped = was_here(*p->of->body, p->here.key());
        if (!looped || *looped) {
            p->looped = looped && *looped;
            return back(looped ? result<>{done{}} : result<>{looped.error()});
        }
        auto m = std::move(p->messages.back());
        p->messages.pop_back();
        m.queue_id = make_queue_id();
        m.accepted_at = world_.now();
        auto body = queue_.new_content();
        auto written = copy(*p->of->body, *body, mail::delivered_to_field(p->here));
        if (!written) return back(std::move(written));
        m.size = body->size();
        p->queue_ids.push_back(m.queue_id);
        queue_.accept(std::move(m), std::move(body), back);
    });
}

void dispatcher::passed_on(std::shared_ptr<passing_on> const& p, result<> const& stored)
{
    --mailbox_jobs_;
    auto const& address = p->recipient().forward_path;
    job const one{p->of, {p->place}, {}, {}, 0};
    attempt how;
    how.next_hop = "forward:" + p->here.to_string();
    if (p->looped) return settle(one, {own_finding(rules::forward_loop, address.domain, {}, address.to_string())}, how);
    if (!stored) {
        log::event(log::level::error, "forward_failed",
                   {{"queue_id", p->of->what->queue_id}, {"problem", stored.error().logged}});
        return settle(one,
                      {own_finding(rules::forward_failure, address.domain, stored.error().logged, address.to_string())},
                      how);
    }
    if (!p->messages.empty()) {
        --under_way_;
        return pass_on(p);
    }
    std::string ids;
    for (auto const& id : p->queue_ids) ids += (ids.empty() ? "" : ",") + id;
    log::event(log::level::info, "forwarded",
               {{"queue_id", p->of->what->queue_id},
                {"forward_path", address.to_string()},
                {"to", printable(p->targets, 500)},
                {"as", ids},
                {"kept", p->keep}});
    if (p->keep) {
        --under_way_;
        return deliver_kept(p->of, p->place);
    }
    outcome o;
    o.what = fate::delivered;
    o.code = {2, 0, 0};
    o.reply = "250 2.0.0 forwarded as " + ids;
    o.reports_on_success = true;  // the targets' servers do
    settle(one, {o}, how);
}

}  // namespace postern::delivery
