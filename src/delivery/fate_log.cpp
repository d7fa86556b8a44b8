#include "delivery/fate_log.hpp"

#include "base/counters.hpp"
#include "base/log.hpp"

namespace postern::delivery {

namespace {

std::int64_t milliseconds_since(wall_time then, wall_time now)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - then).count();
}

}  // namespace

void log_fate(spool::message const& m, spool::stored_recipient const& r, outcome const& o, attempt const& how,
              std::optional<wall_time> again, wall_time now)
{
    bool const delivered = o.what == fate::delivered, deferred = o.what == fate::deferred, later = deferred && again;
    std::string const to = r.to.forward_path.to_string();
    std::string_view const rule = o.why && !delivered ? o.why->name : std::string_view{};
    std::int64_t const delay = milliseconds_since(m.accepted_at, now);
    if (delivered) {
        counters::totals.delivery_time.add(static_cast<double>(delay) * 1e-3);
        counters::totals.delivery_spread.add(static_cast<double>(delay) * 1e-3);
        counters::totals.octets_out.add(m.size);
    }
    std::string_view const result = delivered ? "delivered" : later ? "deferred" : deferred ? "expired" : "bounced";
    counters::totals.deliveries.add(result);
    log::event(delivered || later ? log::level::info : log::level::warning, result,
               {{"queue_id", m.queue_id},
                {"account", m.account},
                {"forward_path", to},
                {"next_hop", how.next_hop},
                {"tls", how.tls},
                {"cipher", how.cipher},
                {"verified", how.verified},
                {"policy", how.policy},
                {"rule", rule},
                {"reply", o.reply},
                {"delay_ms", delay},
                {"attempts", r.attempts + 1},
                {"next_attempt", later ? to_rfc3339(*again) : std::string{}}});
}

}  // namespace postern::delivery
