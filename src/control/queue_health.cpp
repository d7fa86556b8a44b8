// queue summary and destinations: what waits altogether, for whom, and how those servers do
#include <map>

#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "control/queue_filter.hpp"
#include "delivery/service.hpp"
#include "spool/spool.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::size_t usual_destinations = 20;

json::value time_or_null(std::optional<wall_time> const& t)
{
    if (!t) return nullptr;
    return json::value(to_rfc3339(*t));
}

struct row {
    std::string domain;
    spool::destination_load load;
    std::optional<delivery::destination_state> now;
};

json::object describe(std::string const& key, row const& r)
{
    json::object o;
    o["destination"] = printable(key);
    o["domain"] = printable(r.domain);
    o["recipients"] = r.load.recipients;
    o["oldest"] = r.load.recipients == 0 ? json::value(nullptr) : json::value(to_rfc3339(r.load.oldest));
    o["waited"] = r.load.recipients == 0
                      ? 0
                      : std::chrono::duration_cast<std::chrono::seconds>(wall_clock::now() - r.load.oldest).count();
    o["last_reply"] = printable(r.load.last_reply);
    // Without a server nobody knows; with one, what it knows nothing bad of is well.
    o["in_line"] = r.now ? r.now->waiting : 0;
    o["connections"] = r.now ? r.now->connections : 0;
    o["idle"] = r.now ? r.now->idle : 0;
    o["window"] = r.now ? r.now->window : 0;
    o["failures"] = r.now ? r.now->failures : 0;
    o["down_until"] = r.now ? time_or_null(r.now->down_until) : json::value(nullptr);
    o["failed_at"] = r.now ? time_or_null(r.now->failed_at) : json::value(nullptr);
    o["last_failure"] = r.now ? printable(r.now->last_failure) : std::string{};
    return o;
}

std::string_view health(context const& c, row const& r)
{
    if (!c.delivery) return "unknown";
    if (r.now && r.now->down_until) return "down";
    return r.now && r.now->failures != 0 ? "failing" : "up";
}

result<json::array> list_destinations(context& c, std::size_t limit)
{
    auto const loads = c.queue->destinations(limit);
    if (!loads) return loads.error();
    std::map<std::string, row> rows;
    std::vector<std::string> order;
    for (auto const& l : *loads) {
        std::string const key = l.next_hop.empty() ? "untried:" + l.domain : l.next_hop;
        rows[key] = {l.domain, l, {}};
        order.push_back(key);
    }
    if (c.delivery) {
        for (auto& d : c.delivery->destinations(limit)) {
            auto const [at, is_new] = rows.try_emplace(d.key, row{d.domain, {}, {}});
            if (is_new) order.push_back(d.key);
            at->second.now = std::move(d);
        }
    }
    json::array list;
    for (auto const& key : order) {
        if (list.size() == limit) break;
        auto o = describe(key, rows[key]);
        o["health"] = health(c, rows[key]);
        list.emplace_back(std::move(o));
    }
    return list;
}

}  // namespace

outcome queue_destinations(context& c, arguments a)
{
    auto const limit = a.optional_number("limit", 10'000);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto list = list_destinations(c, static_cast<std::size_t>(limit.value_or(1000)));
    if (!list) return to_failure(list.error());
    return json::value(std::move(*list));
}

outcome queue_summary(context& c, arguments a)
{
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const all = c.queue->look_over();
    if (!all) return to_failure(all.error());
    auto list = list_destinations(c, usual_destinations);
    if (!list) return to_failure(list.error());
    json::object o;
    o["messages"] = all->messages;
    o["recipients"] = all->recipients;
    o["active"] = all->active;
    o["deferred"] = all->deferred;
    o["waiting"] = all->waiting;
    o["held"] = all->held;
    o["unreadable"] = all->unreadable;
    o["oldest"] = time_or_null(all->oldest);
    o["next_attempt"] = time_or_null(all->next_attempt);
    o["destinations"] = std::move(*list);
    return json::value(std::move(o));
}

}  // namespace postern::control
