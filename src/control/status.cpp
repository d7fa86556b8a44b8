// status: what the running server does right now
#include <sys/resource.h>
#include <unistd.h>

#include <boost/json/array.hpp>

#include "control/commands.hpp"
#include "directory/directory.hpp"
#include "spool/spool.hpp"
#include "submission/server.hpp"

namespace postern::control {
namespace json = boost::json;

namespace {

json::array issuers_of(login::judges const& j)
{
    json::array out;
    if (!j.tokens) return out;
    for (auto const& one : j.tokens->health()) {
        json::object o;
        o["issuer"] = one.issuer;
        o["up"] = one.up;
        if (one.keys) o["keys"] = *one.keys;
        if (one.keys_age) o["keys_age"] = one.keys_age->count();
        o["detail"] = one.detail;
        out.emplace_back(std::move(o));
    }
    return out;
}

json::value kerberos_of(login::judges const& j)
{
    if (!j.kerberos) return {};
    auto const h = j.kerberos->health();
    json::object o;
    o["keytab"] = h.keytab.string();
    o["up"] = h.up;
    o["keys"] = h.keys;
    o["detail"] = h.detail;
    return o;
}

}  // namespace

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
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) o["descriptor_limit"] = std::uint64_t{files.rlim_cur};
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
    o["issuers"] = issuers_of(c.judges);
    o["kerberos"] = kerberos_of(c.judges);
    o["certificates"] = describe_certificates(c);
    auto queued = c.queue->count();
    if (!queued) return to_failure(queued.error());
    o["queued"] = *queued;
    return json::value(std::move(o));
}

}  // namespace postern::control
