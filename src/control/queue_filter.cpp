#include "control/queue_filter.hpp"

#include <algorithm>

#include <boost/json/array.hpp>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "delivery/service.hpp"
#include "spool/spool.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::uint64_t most_listed = 100'000;
constexpr std::uint64_t longest_age = 3600ull * 24 * 3650;
constexpr std::size_t most_destinations = 10'000;

std::string_view name_of(spool::recipient_state s)
{
    switch (s) {
        case spool::recipient_state::queued: return "queued";
        case spool::recipient_state::delivered: return "delivered";
        case spool::recipient_state::bounced: return "bounced";
        case spool::recipient_state::expired: return "expired";
        case spool::recipient_state::removed: break;
    }
    return "removed";
}

constexpr std::pair<std::string_view, spool::condition> conditions[] = {
    {"active", spool::condition::active},         {"deferred", spool::condition::deferred},
    {"waiting", spool::condition::waiting},       {"held", spool::condition::held},
    {"unreadable", spool::condition::unreadable},
};

void read_state(arguments& a, spool::filter& f)
{
    auto const text = a.optional_text("state", 32);
    if (!text) return;
    auto const* const found = std::find_if(std::begin(conditions), std::end(conditions),
                                           [&](auto const& known) { return known.first == *text; });
    if (found == std::end(conditions)) return a.wrong("state is active, deferred, waiting, held or unreadable");
    f.state = found->second;
}

json::value time_or_null(std::optional<wall_time> const& t)
{
    if (!t) return nullptr;
    return json::value(to_rfc3339(*t));
}

// In a sentence's words, for the person who asks why.
std::string why_it_waits(spool::summary const& s, spool::stored_recipient const& r, down_destinations const& down)
{
    auto const& m = s.what;
    if (m.held) return "held until it is released";
    if (s.active) return "being delivered, or in line for it";
    if (m.env.release_at && r.attempts == 0 && r.next_attempt >= *m.env.release_at)
        return "its sender wants it sent later";
    if (down.contains(r.next_hop)) return "its destination does not work";
    if (r.attempts == 0) return "in line for its first attempt";
    return "put off until the next attempt";
}

json::object describe(spool::summary const& s, spool::stored_recipient const& r, down_destinations const& down)
{
    json::object one;
    one["forward_path"] = r.to.forward_path.to_string();
    bool const waits = r.state == spool::recipient_state::queued;
    if (waits && !s.unreadable.empty()) {
        one["state"] = "unreadable";
    } else {
        one["state"] = name_of(r.state);
    }
    one["attempts"] = r.attempts;
    if (waits && s.unreadable.empty()) {
        auto const at = down.find(r.next_hop);
        one["next_attempt"] = to_rfc3339(r.next_attempt);
        one["down_until"] = at == down.end() ? json::value(nullptr) : time_or_null(at->second.down_until);
        one["why"] = why_it_waits(s, r, down);
    } else {
        one["next_attempt"] = nullptr;
        one["down_until"] = nullptr;
        one["why"] = nullptr;
    }
    one["last_reply"] = printable(r.last_reply);
    one["next_hop"] = printable(r.next_hop);
    return one;
}

}  // namespace

std::string read_id(arguments& a)
{
    auto id = to_upper(a.text("queue_id", 64));
    if (!id.empty() && !looks_like_id(id))
        a.wrong("`" + printable(id, 64) + "` is not the id of a message; `postern queue list` shows them");
    return id;
}

spool::filter read_filter(arguments& a)
{
    spool::filter f;
    wall_time const now = wall_clock::now();
    if (auto id = a.optional_text("queue_id", 64)) {
        f.queue_id = to_upper(*id);
        if (!looks_like_id(f.queue_id))
            a.wrong("`" + printable(*id, 64) + "` is not the id of a message; `postern queue list` shows them");
    }
    read_state(a, f);
    f.domain = to_lower(a.optional_text("domain", 255).value_or(""));
    f.next_hop = a.optional_text("next_hop", 300).value_or("");
    f.account = a.optional_text("account", 320).value_or("");
    f.sender = a.optional_text("sender", 320);
    if (f.sender && *f.sender == "<>") f.sender = "";
    if (auto const age = a.optional_number("older", longest_age)) f.accepted_before = now - std::chrono::seconds{*age};
    if (auto const age = a.optional_number("younger", longest_age)) f.accepted_after = now - std::chrono::seconds{*age};
    if (auto const limit = a.optional_number("limit", most_listed)) f.limit = static_cast<std::size_t>(*limit);
    if (auto const after = a.optional_number("after", INT64_MAX)) f.after = static_cast<std::int64_t>(*after);
    return f;
}

down_destinations find_down(context& c)
{
    down_destinations down;
    if (!c.delivery) return down;
    for (auto& d : c.delivery->destinations(most_destinations))
        if (d.down_until) down.emplace(d.key, std::move(d));
    return down;
}

json::object describe(spool::summary const& s, down_destinations const& down)
{
    spool::message const& m = s.what;
    json::array recipients;
    for (auto const& r : m.recipients) recipients.emplace_back(describe(s, r, down));
    json::object o;
    o["queue_id"] = m.queue_id;
    o["reverse_path"] = m.env.reverse_path.to_string();
    o["size"] = m.size;
    o["accepted_at"] = to_rfc3339(m.accepted_at);
    o["held"] = m.held;
    o["active"] = s.active;
    o["session"] = m.session;
    o["account"] = m.account;
    o["client"] = m.client;
    o["priority"] = m.env.priority;
    o["release_at"] = time_or_null(m.env.release_at);
    o["deliver_by"] = nullptr;
    if (m.env.by.mode != mail::by_mode::none) o["deliver_by"] = to_rfc3339(m.env.by.until);
    if (s.unreadable.empty()) {
        o["unreadable"] = nullptr;
    } else {
        o["unreadable"] = printable(s.unreadable);
    }
    o["recipients"] = std::move(recipients);
    return o;
}

}  // namespace postern::control
