#include "delivery/decision.hpp"

#include <algorithm>

#include "catalogue/rules.hpp"
#include "delivery/report.hpp"
#include "delivery/retry.hpp"

namespace postern::delivery {
namespace {

namespace rules = catalogue::rules;

wall_time begin_of(spool::message const& m) { return m.env.release_at.value_or(m.accepted_at); }

// Whether the sender is who the mail says. Anybody else's may be forged, and is told nothing
// that nobody asked for.
bool is_ours(spool::message const& m, plan const& p)
{
    if (!m.account.empty()) return true;
    auto const client = ip_address::parse(m.client);
    return client && contains(p.relay_networks, *client);
}

// When the time is over that the sender gave it to come back by (RFC 2852 section 4).
std::optional<wall_time> return_due(spool::message const& m)
{
    if (m.env.by.mode != mail::by_mode::give_back) return std::nullopt;
    return m.env.by.until;
}

}  // namespace

bool has_come(wall_time moment, wall_time now) { return now + std::chrono::milliseconds{1} >= moment; }

wall_time end_of(spool::message const& m, plan const& p) { return begin_of(m) + p.give_up_after; }

// Mail that waits is always due again at this moment or before it, and after the notice later
// than that: so the time it was due at tells whether there was a notice, also after a restart.
// After a change of the setting it may tell wrong, as the setting's text says.
std::optional<wall_time> notice_due(spool::message const& m, spool::stored_recipient const& r, plan const& p)
{
    if (m.env.reverse_path.null) return std::nullopt;
    std::optional<wall_time> moment;
    if (m.env.by.mode == mail::by_mode::notify && !r.to.notify.never) {
        moment = std::max(m.env.by.until, begin_of(m));
    } else if (p.delay_notice_after.count() != 0 && wants_delay_notice(r) && (r.to.notify.specified || is_ours(m, p))) {
        moment = begin_of(m) + p.delay_notice_after;
    }
    if (!moment || r.next_attempt > *moment || *moment >= end_of(m, p)) return std::nullopt;
    return moment;
}

decision decide(spool::message const& m, spool::stored_recipient const& r, outcome const& o, plan const& p,
                wall_time now, double random, std::optional<wall_time> not_before, catalogue::rule const* give_up)
{
    decision d;
    d.next_attempt = now;
    if (o.what == fate::delivered) {
        d.state = spool::recipient_state::delivered;
        return d;
    }
    if (o.what == fate::bounced) {
        d.state = spool::recipient_state::bounced;
        return d;
    }
    auto const back = return_due(m);
    d.given_up = give_up;
    if (d.given_up == nullptr && back && has_come(*back, now)) d.given_up = &rules::deliver_by_passed;
    if (d.given_up == nullptr && has_come(end_of(m, p), now)) d.given_up = &rules::delivery_expired;
    if (d.given_up != nullptr) {
        d.state = spool::recipient_state::expired;
        return d;
    }
    auto const age =
        std::max(std::chrono::seconds{0}, std::chrono::duration_cast<std::chrono::seconds>(now - begin_of(m)));
    d.next_attempt = now + next_wait(p.retry, age, random);
    // Spread, so that they don't all come back in the same moment.
    auto const spread = std::chrono::milliseconds{static_cast<long>(random * 1000)};
    // Who still says so after an hour does not mean it.
    if (o.come_back && age < std::chrono::hours{1}) d.next_attempt = now + *o.come_back + spread * 10;
    if (not_before) d.next_attempt = std::min(d.next_attempt, *not_before + spread);
    // What is said to happen at a time happens then, not at the next attempt after it.
    d.next_attempt = std::min(d.next_attempt, end_of(m, p));
    if (back) d.next_attempt = std::min(d.next_attempt, *back);
    auto const notice = notice_due(m, r, p);
    d.tell_delay = notice && has_come(*notice, now);
    if (notice && !d.tell_delay) d.next_attempt = std::min(d.next_attempt, *notice);
    return d;
}

}  // namespace postern::delivery
