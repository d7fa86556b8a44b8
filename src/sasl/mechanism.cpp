#include "sasl/mechanism.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "sasl/client_mechanism.hpp"
#include "sasl/cram_md5.hpp"
#include "sasl/external.hpp"
#include "sasl/gssapi.hpp"
#include "sasl/login.hpp"
#include "sasl/oauth.hpp"
#include "sasl/plain.hpp"
#include "sasl/prepare.hpp"
#include "sasl/scram.hpp"

namespace postern::sasl {
namespace {

using server_maker = std::unique_ptr<server_mechanism> (*)(server_options const&);
using client_maker = std::unique_ptr<client_mechanism> (*)(client_credentials, client_options const&);
using client_need = bool client_means::*;

/// What the channel must have, besides what AUTH needs anyway.
enum class channel { any, bound, tls, certificate };

struct entry {
    std::string_view name;
    bool server_first;  // starts with a challenge and takes no initial response
    channel needs;
    bool account_means::*means;  // what some account must have; null: nothing
    server_maker server;
    client_maker client;                          // null: we don't speak it
    client_need proof = &client_means::password;  // what the client half logs in with
};

template <hash H, bool Plus>
constexpr entry scram_entry(std::string_view name, bool account_means::*means)
{
    return {name,
            false,
            Plus ? channel::bound : channel::any,
            means,
            [](server_options const& o) { return scram::make_server(H, Plus, o); },
            [](client_credentials c, client_options const& o) { return scram::make_client(H, Plus, std::move(c), o); }};
}

// Strongest first. LOGIN starts with a challenge too, but takes the user name with the
// command as well, as clients send it.
constexpr std::array<entry, 13> table = {{
    scram_entry<hash::sha512, true>("SCRAM-SHA-512-PLUS", &account_means::scram_sha512),
    scram_entry<hash::sha256, true>("SCRAM-SHA-256-PLUS", &account_means::scram_sha256),
    scram_entry<hash::sha1, true>("SCRAM-SHA-1-PLUS", &account_means::scram_sha1),
    {"EXTERNAL", false, channel::certificate, nullptr, make_external_server,
     [](client_credentials c, client_options const&) { return make_external_client(std::move(c)); },
     &client_means::certificate},
    {gssapi, false, channel::any, &account_means::ticket, [](server_options const&) { return make_gssapi_server(); },
     nullptr},
    scram_entry<hash::sha512, false>("SCRAM-SHA-512", &account_means::scram_sha512),
    scram_entry<hash::sha256, false>("SCRAM-SHA-256", &account_means::scram_sha256),
    scram_entry<hash::sha1, false>("SCRAM-SHA-1", &account_means::scram_sha1),
    {"OAUTHBEARER", false, channel::tls, &account_means::token,
     [](server_options const&) { return oauth::make_server(oauth::format::oauthbearer); },
     [](client_credentials c, client_options const&) {
         return oauth::make_client(oauth::format::oauthbearer, std::move(c));
     },
     &client_means::token},
    {"XOAUTH2", false, channel::tls, &account_means::token,
     [](server_options const&) { return oauth::make_server(oauth::format::xoauth2); },
     [](client_credentials c, client_options const&) {
         return oauth::make_client(oauth::format::xoauth2, std::move(c));
     },
     &client_means::token},
    {"CRAM-MD5", true, channel::any, &account_means::cram_md5,
     [](server_options const& o) { return make_cram_md5_server(o); },
     [](client_credentials c, client_options const&) { return make_cram_md5_client(std::move(c)); }},
    {"PLAIN", false, channel::any, &account_means::password, [](server_options const&) { return make_plain_server(); },
     [](client_credentials c, client_options const&) { return make_plain_client(std::move(c)); }},
    {"LOGIN", false, channel::any, &account_means::password, [](server_options const&) { return make_login_server(); },
     [](client_credentials c, client_options const&) { return make_login_client(std::move(c)); }},
}};

entry const* find(std::string_view name) noexcept
{
    auto const found =
        std::find_if(table.begin(), table.end(), [&](entry const& e) { return equal_ignoring_case(e.name, name); });
    return found == table.end() ? nullptr : &*found;
}

// What the client half can bind to.
bool has_binding(channel_bindings const& b) noexcept
{
    return !b.tls_exporter.empty() || !b.tls_server_end_point.empty();
}

}  // namespace

outcome server_mechanism::on_scram(scram_keys const&)
{
    return rejected{rejected::reason::malformed, "keys that nobody asked for"};
}

outcome server_mechanism::on_cram(cram_keys const&)
{
    return rejected{rejected::reason::malformed, "keys that nobody asked for"};
}

outcome server_mechanism::on_token_refused(std::string_view)
{
    return rejected{rejected::reason::malformed, "an answer that nobody asked for"};
}

outcome server_mechanism::on_context(context_answer const&)
{
    return rejected{rejected::reason::malformed, "an answer that nobody asked for"};
}

std::unique_ptr<server_mechanism> make_server_mechanism(std::string_view name, server_options const& options)
{
    entry const* e = find(name);
    return e == nullptr ? nullptr : e->server(options);
}

std::vector<std::string_view> const& server_mechanisms()
{
    static std::vector<std::string_view> const names = [] {
        std::vector<std::string_view> list;
        list.reserve(table.size());
        for (auto const& e : table) list.push_back(e.name);
        return list;
    }();
    return names;
}

bool can_succeed(std::string_view name, circumstances const& c) noexcept
{
    entry const* e = find(name);
    if (e == nullptr || (e->means != nullptr && !(c.accounts.*(e->means)))) return false;
    switch (e->needs) {
        case channel::any: break;
        case channel::bound: return c.bindings;
        case channel::tls: return c.tls;
        case channel::certificate: return c.certificate;
    }
    return true;
}

bool is_server_first(std::string_view name) noexcept
{
    entry const* e = find(name);
    return e != nullptr && e->server_first;
}

std::unique_ptr<client_mechanism> make_client_mechanism(std::string_view name, client_credentials credentials,
                                                        client_options const& options)
{
    entry const* e = find(name);
    if (e == nullptr || e->client == nullptr) return nullptr;
    if (e->needs == channel::bound && !has_binding(options.bindings)) return nullptr;
    auto const is_name = [](std::string const& text) { return text.empty() || is_acceptable_name(text); };
    if (!is_name(credentials.authcid) || !is_name(credentials.authzid)) return nullptr;
    if (e->proof == &client_means::certificate) {
        if (!credentials.certificate) return nullptr;
    } else if (credentials.authcid.empty()) {
        return nullptr;
    } else if (e->proof == &client_means::token) {
        if (!oauth::is_token(credentials.token.reveal())) return nullptr;
    } else if (!is_acceptable_password(credentials.password.reveal())) {
        return nullptr;
    }
    return e->client(std::move(credentials), options);
}

std::string_view choose_mechanism(std::vector<std::string> const& offered, client_options const& options,
                                  client_means const& means, std::vector<std::string> const& allowed)
{
    for (auto const& e : table) {
        if (e.client == nullptr || !(means.*(e.proof))) continue;
        if (e.needs == channel::bound && !has_binding(options.bindings)) continue;
        auto const same = [&](std::string const& name) { return equal_ignoring_case(e.name, name); };
        if (!allowed.empty() && std::none_of(allowed.begin(), allowed.end(), same)) continue;
        if (std::any_of(offered.begin(), offered.end(), same)) return e.name;
    }
    return {};
}

}  // namespace postern::sasl
