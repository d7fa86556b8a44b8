// status: what the running server does right now
#include <unistd.h>

#include <boost/json/array.hpp>

#include "control/commands.hpp"

namespace postern::control {
namespace json = boost::json;

outcome server_status(context& c, arguments a)
{
    if (auto wrong = a.problem()) return std::move(*wrong);
    json::array listeners;
    for (auto const& one : c.listeners) {
        json::object l;
        l["address"] = one.address;
        l["role"] = one.role;
        l["tls"] = one.tls;
        listeners.emplace_back(std::move(l));
    }
    json::object o;
    o["hostname"] = c.settings->hostname;
    o["pid"] = static_cast<std::int64_t>(::getpid());
    o["started"] = to_rfc3339(c.started);
    o["listeners"] = std::move(listeners);
    o["sessions"] = c.gate->sessions();
    json::array backends;
    for (auto const& one : c.accounts->backends()) {
        json::object b;
        b["name"] = one.name;
        b["type"] = one.type;
        b["up"] = one.up;
        b["detail"] = one.detail;
        backends.emplace_back(std::move(b));
    }
    o["backends"] = std::move(backends);
    auto queued = c.queue->count();
    if (!queued) return to_failure(queued.error());
    o["queued"] = *queued;
    return json::value(std::move(o));
}

}  // namespace postern::control
