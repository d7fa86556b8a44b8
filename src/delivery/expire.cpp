#include "delivery/expire.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "catalogue/rules.hpp"
#include "delivery/plan.hpp"
#include "delivery/settler.hpp"

namespace postern::delivery {
namespace {

constexpr std::chrono::seconds patience_with_disk{30};

// The last problem, as far as the spool knows it.
outcome last_outcome(spool::stored_recipient const& r)
{
    outcome o = own_finding(catalogue::rules::expired_by_operator, r.to.forward_path.domain);
    o.what = fate::deferred;
    o.reason = r.last_reply;
    if (!r.last_reply.empty()) o.reply = r.last_reply;
    return o;
}

}  // namespace

result<expired_portion> expire(spool::spool& queue, spool::filter const& f, config::settings const& s,
                               signing::signer* signer)
{
    auto p = make_plan(s);
    if (!p) return p.error();
    auto const all = queue.list(f);
    if (!all) return all.error();
    expired_portion done_with;
    done_with.finished = all->size() < f.limit || !f.queue_id.empty();
    done_with.after = all->empty() ? f.after : all->back().place;

    boost::asio::io_context here{1};
    auto const work = boost::asio::make_work_guard(here);
    settler fates{here.get_executor(), queue, wall_clock::now, [] {}, {}, signer};
    for (auto const& one : *all) {
        if (!one.unreadable.empty()) continue;
        auto taken = queue.take(one.what.queue_id);
        if (!taken) continue;  // it has gone meanwhile
        if (!*taken) {
            ++done_with.busy;
            continue;
        }
        auto const l = std::make_shared<letter const>(std::move(**taken));
        job j{l, {}, {}, {}, 0};
        std::vector<outcome> outcomes;
        bool others = false;
        for (std::uint32_t place = 0; place < l->what->recipients.size(); ++place) {
            auto const& r = l->what->recipients[place];
            if (!matches(f, r)) {
                others = others || r.state == spool::recipient_state::queued;
                continue;
            }
            j.recipients.push_back(place);
            outcomes.push_back(last_outcome(r));
        }
        attempt how;
        how.destination = one.what.recipients.empty() ? std::string{} : one.what.recipients.front().next_hop;
        if (!j.recipients.empty()) {
            fates.settle(j, outcomes, how, *p, std::nullopt, &catalogue::rules::expired_by_operator);
            ++done_with.messages;
            done_with.recipients += j.recipients.size();
        }
        if (others || j.recipients.empty()) queue.release(one.what.queue_id);
    }
    auto const until = steady_clock::now() + patience_with_disk;
    while (fates.pending() != 0 && steady_clock::now() < until) here.run_one_for(std::chrono::seconds{1});
    // They stay as they are, and are out until the next start.
    if (fates.pending() != 0)
        return error{{4, 3, 0}, "", "the spool does not take what became of the messages; see the server's log"};
    return done_with;
}

}  // namespace postern::delivery
