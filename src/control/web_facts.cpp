// web facts: what anybody may know of this server, since mail programs that want to be set up have to
#include <boost/json/array.hpp>

#include "control/commands.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

/// "[::]:587" → 587
std::int64_t port_of(std::string const& address)
{
    auto const colon = address.rfind(':');
    std::int64_t port = 0;
    for (auto const c : colon == std::string::npos ? std::string_view{} : std::string_view{address}.substr(colon + 1)) {
        if (c < '0' || c > '9') return 0;
        port = port * 10 + (c - '0');
    }
    return port;
}

/// Where mail goes in; sockets of this machine are nobody else's.
json::array ports(context const& c)
{
    json::array list;
    for (auto const& l : c.listeners) {
        if (l.role != "submission" && l.role != "mx") continue;
        auto const port = port_of(l.address);
        if (port == 0) continue;
        json::object o;
        o["role"] = l.role;
        o["tls"] = l.tls;
        o["port"] = port;
        o["address"] = l.address;
        list.emplace_back(std::move(o));
    }
    return list;
}

}  // namespace

outcome web_facts(context& c, arguments a)
{
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const& s = *c.settings;
    auto domains = c.accounts->list_domains();
    if (!domains) return to_failure(domains.error());
    json::array local;
    for (auto const& d : *domains) local.emplace_back(d);
    json::object setup;
    setup["imap"] = s.setup.imap;
    setup["pop3"] = s.setup.pop3;
    setup["name"] = s.setup.name;
    setup["contact"] = s.setup.contact;
    json::object o;
    o["hostname"] = s.hostname;
    o["public_url"] = s.web.public_url.empty() ? "https://" + s.hostname : s.web.public_url;
    o["local_domains"] = std::move(local);
    o["listeners"] = ports(c);
    o["setup"] = std::move(setup);
    return json::value(std::move(o));
}

}  // namespace postern::control
