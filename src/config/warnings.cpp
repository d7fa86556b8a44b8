// Settings that are allowed but dangerous or surprising.
#include <algorithm>

#include "base/listener_address.hpp"
#include "config/settings.hpp"
#include "config/values.hpp"

namespace postern::config {
namespace {

bool covers(network const& wide, network const& narrow)
{
    return wide.prefix() <= narrow.prefix() && wide.contains(narrow.base());
}

// A private range as a whole (or more): whatever container, guest or camera is in it.
std::string private_range(network const& n)
{
    for (auto const* text : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"})
        if (auto const whole = network::parse(text); whole && covers(n, *whole)) return text;
    return {};
}

// What is wrong with letting this network do `what`; or nothing.
std::string danger(network const& n, std::string_view key, std::string_view what,
                   std::vector<ip_address> const& gateways)
{
    auto const name = std::string(key) + " has " + n.to_string() + ": ";
    auto const effect = std::string(what);
    if (n.prefix() == 0) return name + "the whole " + (n.base().is_v4() ? "IPv4" : "IPv6") + " Internet may " + effect;
    if (auto const range = private_range(n); !range.empty())
        return name + "every machine with a private address of " + range + " may " + effect +
               ", also what containers and guests send; list the exact addresses instead";
    auto const at = std::find_if(gateways.begin(), gateways.end(), [&](auto const& g) { return n.contains(g); });
    if (at != gateways.end() && at->is_private() && !at->is_loopback())
        return name + "it covers this machine's default gateway " + at->to_string() +
               "; in a container, connections from outside can seem to come from there, and then everybody may " +
               effect;
    if (!n.base().is_loopback() && n.prefix() < (n.base().is_v4() ? 16u : 32u))
        return name + "a very large network may " + effect;
    return {};
}

}  // namespace

std::vector<std::string> warnings(settings const& s, std::vector<ip_address> const& gateways)
{
    std::vector<std::string> found;
    auto const add = [&](std::string text) {
        if (!text.empty()) found.push_back(std::move(text));
    };
    for (auto const& n : s.relay.networks)
        add(danger(n, "relay.networks", "send mail to anybody through this server without a login", gateways));
    for (auto const& n : s.auth.plaintext_networks) {
        auto const text = danger(n, "auth.plaintext_networks", "log in without encryption", gateways);
        if (!text.empty())
            add(text);
        else if (!n.base().is_loopback())
            add("auth.plaintext_networks has " + n.to_string() +
                ": whoever can listen on the way from there can read the passwords");
    }
    if (!s.auth.require_tls) add("auth.require_tls is false: passwords may cross the network for everybody to read");
    for (auto const& l : s.listeners) {
        if (l.tls == tls_mode::none && !is_on_loopback(l.address))
            add("the listener " + l.address + " has tls = \"none\": everything on it can be read on the way");
        for (auto const& n : l.proxy_networks)
            if (n.prefix() == 0 || !private_range(n).empty())
                add("the listener " + l.address + " has " + n.to_string() +
                    " in proxy_networks: every machine there can pretend to be any client");
    }
    bool const submission =
        std::any_of(s.listeners.begin(), s.listeners.end(), [](auto const& l) { return l.role == role::submission; });
    if (submission && s.auth.mechanisms.empty()) add("auth.mechanisms is empty: nobody can log in");
    auto const& k = s.kerberos;
    if (!k.keytab.empty() && k.realms.empty() && k.principals.empty())
        add("kerberos.keytab is set, but nothing says whose accounts the tickets are for, so nobody can log in with "
            "one: add [[kerberos.realms]] or [[kerberos.principals]]");
    if (!s.hostname.empty() && s.hostname.find('.') == std::string::npos)
        add("the name of this server is " + quote(s.hostname) +
            ", without a domain; other servers may refuse its mail: set hostname");
    if (s.delivery.local.starts_with("maildir:") && s.delivery.local.find("%n") == std::string::npos &&
        s.delivery.local.find("%u") == std::string::npos)
        add("delivery.local has neither %n nor %u: all local mail lands in one mailbox");
    if (!s.web.public_url.empty() && s.setup.imap.empty() && s.setup.pop3.empty())
        add("web.public_url is set, but no incoming server is named: Thunderbird and others take no settings without "
            "one: set setup.imap or setup.pop3");
    return found;
}

}  // namespace postern::config
