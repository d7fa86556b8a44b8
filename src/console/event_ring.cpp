#include "console/event_ring.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"

namespace postern::console {
namespace {

// In order: looked up for each event of the log.
constexpr std::array<std::string_view, 28> names{
    "accepted",          "account_changed",
    "accounts_imported", "backend_down",
    "backend_up",        "bounced",
    "deferred",          "delivered",
    "domain_changed",    "expired",
    "forgotten_device",  "forward_changed",
    "guard_allow",       "guard_deny",
    "guard_lift",        "guard_refuses",
    "guard_slows",       "held",
    "host_down",         "login",
    "login_cause",       "queue_hold",
    "queue_release",     "queue_remove",
    "refused",           "smart_host_paused",
    "web_sign_in",       "web_sign_in_refused",
};
static_assert(std::is_sorted(names.begin(), names.end()));

std::string lower_text(log::field const* fields, std::size_t count, std::string_view key)
{
    for (auto const* f = fields; f != fields + count; ++f)
        if (f->key == key)
            if (auto const* text = std::get_if<std::string_view>(&f->value)) return to_lower(*text);
    return {};
}

std::size_t size_of(event const& e)
{
    return sizeof e + e.name.size() + e.account.size() + e.mail_from.size() + e.json.size();
}

bool holds(std::vector<std::string> const& list, std::string const& text)
{
    return list.empty() || std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

event_ring::event_ring(wall_time now, std::size_t most, std::size_t octets)
    : most_(most),
      octets_(octets),
      next_(static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count()))
{
}

bool event_ring::wants(std::string_view name) const noexcept
{
    return std::binary_search(names.begin(), names.end(), name);
}

void event_ring::on_event(std::string_view name, log::field const* fields, std::size_t count,
                          std::string_view json) noexcept
{
    if (json.ends_with('\n')) json.remove_suffix(1);
    try {
        auto made = std::make_shared<event>();
        made->name = name;
        made->account = lower_text(fields, count, "account");
        if (made->account.empty()) made->mail_from = lower_text(fields, count, "mail_from");
        made->json = json;
        std::vector<event_pointer> gone;  // freed outside the lock
        std::scoped_lock const hold{lock_};
        made->number = next_++;
        held_ += size_of(*made);
        events_.push_back(std::move(made));
        while (events_.size() > most_ || (held_ > octets_ && events_.size() > 1)) {
            held_ -= size_of(*events_.front());
            gone.push_back(std::move(events_.front()));
            events_.pop_front();
        }
    } catch (std::bad_alloc const&) {
        // Who follows sees a gap.
        std::scoped_lock const hold{lock_};
        ++next_;
        events_.clear();
        held_ = 0;
    }
}

bool event_ring::fits(event const& e, event_filter const& wanted)
{
    if (!holds(wanted.names, e.name)) return false;
    return holds(wanted.accounts, e.account) ||
           (wanted.by_mail_from && !e.mail_from.empty() && holds(wanted.accounts, e.mail_from));
}

event_ring::news event_ring::after(std::uint64_t since, event_filter const& wanted, std::size_t limit) const
{
    news found;
    std::scoped_lock const hold{lock_};
    auto const first = events_.empty() ? next_ : events_.front()->number;
    // A number that was never given is of a process before this one.
    found.gap = since + 1 < first || since >= next_;
    if (found.gap) since = first - 1;
    found.seen = since;
    for (std::size_t i = since + 1 - first; i < events_.size(); ++i) {
        auto const& e = events_[i];
        if (fits(*e, wanted)) {
            if (found.events.size() == limit) return found;
            found.events.push_back(e);
        }
        found.seen = e->number;
    }
    return found;
}

std::vector<event_pointer> event_ring::latest(event_filter const& wanted, std::size_t limit) const
{
    std::vector<event_pointer> found;
    std::scoped_lock const hold{lock_};
    for (auto at = events_.rbegin(); at != events_.rend() && found.size() < limit; ++at)
        if (fits(**at, wanted)) found.push_back(*at);
    return found;
}

std::uint64_t event_ring::last() const
{
    std::scoped_lock const hold{lock_};
    return next_ - 1;
}

event_ring& events_of_this_process()
{
    // Never destroyed: events may come while the process ends.
    static auto* const one = new event_ring{wall_clock::now()};
    return *one;
}

}  // namespace postern::console
