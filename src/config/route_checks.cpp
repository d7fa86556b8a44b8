#include "config/route_checks.hpp"

#include <algorithm>
#include <optional>

#include "base/listener_address.hpp"
#include "base/text.hpp"
#include "config/values.hpp"

namespace postern::config {
namespace {

constexpr std::string_view to_smart_host = "smart_host:";

// The rows of a list of tables, when all of them were read.
node const* rows_of(node const& root, std::string_view name, std::size_t read)
{
    auto const at = std::find_if(root.keys.begin(), root.keys.end(), [&](auto const& k) { return k.name == name; });
    if (at == root.keys.end()) return nullptr;
    auto const& list = root.items[static_cast<std::size_t>(at - root.keys.begin())];
    return list.kind == node_kind::list && list.items.size() == read ? &list : nullptr;
}

bool offers_only(std::vector<std::string> const& mechanisms, std::initializer_list<std::string_view> kinds)
{
    return !mechanisms.empty() && std::all_of(mechanisms.begin(), mechanisms.end(), [&](std::string const& m) {
        return std::find(kinds.begin(), kinds.end(), m) != kinds.end();
    });
}

void check_login(smart_host_login const& l, node const& at, reader& r)
{
    bool const password = !l.password.empty() || !l.password_file.empty();
    if (!l.password.empty() && !l.password_file.empty()) r.bad(at, "either password or password_file, not both");
    if (!l.token_file.empty() && !l.token_url.empty()) r.bad(at, "either token_file or token_url, not both");
    if (l.certificate.empty() != l.client_key.empty())
        r.bad(at, "certificate and private_key belong together: set both or none");
    if (!l.token_url.empty() && l.client_id.empty()) r.bad(at, "token_url is set, but not client_id");
    if (l.token_url.empty() && (!l.client_secret_file.empty() || !l.refresh_token_file.empty()))
        r.bad(at, "client_secret_file and refresh_token_file are for token_url, which is not set");
    if (!l.token_url.empty() && l.refresh_token_file.empty() && l.client_secret_file.empty())
        r.bad(at,
              "token_url needs refresh_token_file (a person signed in) or client_secret_file (the registration itself "
              "logs in)");
    if (l.user.empty() && (password || l.wants_token()))
        r.bad(at, "there is a password or a token, but no user: say who logs in");
    if (!l.user.empty() && !password && !l.wants_token() && l.certificate.empty())
        r.bad(at,
              "there is a user, but nothing to log in with: set password_file, token_file, token_url or certificate");
    if (offers_only(l.mechanisms, {"OAUTHBEARER", "XOAUTH2"}) && !l.wants_token())
        r.bad(at, "these mechanisms need a token: set token_file or token_url");
    if (offers_only(l.mechanisms, {"EXTERNAL"}) && l.certificate.empty())
        r.bad(at, "EXTERNAL needs a certificate and its private_key");
}

void check_smart_host(std::vector<smart_host> const& all, std::size_t i, node const& at, reader& r)
{
    auto const& host = all[i];
    r.option = "smart_host";
    if (host.name.empty()) r.bad(at, "a key is missing, such as name = \"provider\"");
    if (host.address.empty()) r.bad(at, "a key is missing, such as address = \"smtp.example.net:587\"");
    auto const before = all.begin() + static_cast<std::ptrdiff_t>(i);
    if (!host.name.empty() && std::any_of(all.begin(), before, [&](auto const& o) { return o.name == host.name; }))
        r.bad(at, quote(host.name) + " is there twice");
    check_login(host, at, r);
    bool logs_in = host.any();
    for (auto const& l : host.logins) {
        r.option = "smart_host.logins";
        if (l.senders.empty())
            r.bad(at, "a login without senders: say whose mail it is for, or put it one table higher");
        if (!l.any()) r.bad(at, "a login without a user");
        check_login(l, at, r);
        logs_in = logs_in || l.any();
    }
    r.option = "smart_host";
    if (host.plaintext && !is_on_loopback(host.address))
        r.bad(at,
              "plaintext is for an address of this machine only, such as 127.0.0.1:25: elsewhere everybody on the "
              "way could read the password");
    if (host.tls == tls_mode::none && logs_in && !host.plaintext)
        r.bad(at, "a login needs TLS: tls = \"starttls\" or \"implicit\"");
}

void check_route(settings const& s, std::size_t i, node const& at, reader& r)
{
    auto const& route = s.routes[i];
    r.option = "route.to";
    if (route.to.empty()) r.bad(at, "a key is missing, such as to = \"smart_host:provider\"");
    if (route.to.starts_with(to_smart_host)) {
        auto const name = route.to.substr(to_smart_host.size());
        std::vector<std::string_view> names;
        names.reserve(s.smart_hosts.size());
        for (auto const& host : s.smart_hosts) names.push_back(host.name);
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            auto const meant = nearest(name, names);
            r.bad(at, "there is no [[smart_host]] with the name " + quote(name) +
                          (meant.empty() ? "" : "; did you mean " + quote(meant) + '?'));
        }
    }
    r.option = "route.text";
    if (!route.text.empty() && route.to != "refuse") r.bad(at, "is said by a refusal only (to = \"refuse\")");
    r.option = "route";
    // A later one can still be for a local domain, when it names recipients.
    bool const all = route.recipients.empty() && route.senders.empty() && route.accounts.empty();
    auto const next = s.routes.begin() + static_cast<std::ptrdiff_t>(i + 1);
    bool const more = std::any_of(next, s.routes.end(), [](auto const& o) { return o.recipients.empty(); });
    if (all && more) r.bad(at, "this route takes all mail that leaves: those behind it would never be looked at");
}

}  // namespace

void check_routes(node const& root, settings const& s, reader& r)
{
    if (auto const* rows = rows_of(root, "smart_host", s.smart_hosts.size()))
        for (std::size_t i = 0; i < rows->items.size(); ++i) check_smart_host(s.smart_hosts, i, rows->items[i], r);
    if (auto const* rows = rows_of(root, "route", s.routes.size()))
        for (std::size_t i = 0; i < rows->items.size(); ++i) check_route(s, i, rows->items[i], r);
}

}  // namespace postern::config
