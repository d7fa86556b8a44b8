#include "porter/rollover.hpp"

#include <boost/json.hpp>

#include "porter/pacc.hpp"
#include "porter/transfer.hpp"

namespace postern::porter {
namespace json = boost::json;

void rollover::follow(services const& current, wall_time now, bool at_once)
{
    // What was never published holds nobody up.
    bool const at_the_end = waiting == current && now - since >= patience;
    if (announced == current || says_nothing(announced) || at_once || at_the_end) {
        announced = current;
        waiting.reset();
        since = {};
    } else if (waiting != current) {
        waiting = current;
        since = now;
    }
}

std::string print(rollover const& r)
{
    json::object o;
    o["announced"] = to_json(r.announced);
    if (r.waiting) {
        o["waiting"] = to_json(*r.waiting);
        o["since"] = std::chrono::duration_cast<std::chrono::seconds>(r.since.time_since_epoch()).count();
    }
    return json::serialize(o) + '\n';
}

std::optional<rollover> parse_rollover(std::string_view text)
{
    json::error_code failed;
    auto const v = json::parse(text, failed);
    auto const* const o = failed ? nullptr : v.if_object();
    auto const* const announced = o != nullptr ? o->if_contains("announced") : nullptr;
    if (announced == nullptr) return std::nullopt;
    auto s = services_from(*announced);
    if (!s) return std::nullopt;
    rollover r;
    r.announced = std::move(*s);
    auto const* const waiting = o->if_contains("waiting");
    auto const* const since = o->if_contains("since");
    if (waiting != nullptr && since != nullptr && since->is_int64()) {
        r.waiting = services_from(*waiting);
        if (r.waiting) r.since = wall_time{std::chrono::seconds{since->as_int64()}};
    }
    return r;
}

}  // namespace postern::porter
