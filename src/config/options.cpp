// All options, put together from the tables by section (options_*.cpp). One entry there is all there
// is to declare for a new one: its default is what the member in settings.hpp begins with.
#include <initializer_list>

#include "config/option_tables.hpp"

namespace postern::config {
namespace {

// clang-format off
constexpr section section_table[] = {
    {"", "These stand before the first section."},
    {"tls", "Encryption. Files are read at the start and at a reload (SIGHUP)."},
    {"domains", "What is local."},
    {"auth", "Logging in."},
    {"guard", "Keeping out those who guess at passwords; docs/guard.md explains how."},
    {"oauth", "Tokens of an OAuth 2 or OpenID issuer in place of passwords: for OAUTHBEARER and XOAUTH2."},
    {"kerberos", "Tickets of a Kerberos realm or of Active Directory in place of passwords: for GSSAPI."},
    {"relay", "Who may send without logging in."},
    {"mx", "Mail from strangers to local recipients; docs/incoming.md explains the checks."},
    {"limits", "Sizes are octets, or text with KiB, MiB or GiB."},
    {"timeouts", "Durations are seconds, or text with ms, s, m, h or d."},
    {"delivery", "Where mail goes."},
    {"forwarding", "Mail that goes on to other addresses: `postern forward`, docs/incoming.md."},
    {"submission", "What is done with mail that people send."},
    {"sendmail", "Mail that programs of this machine send by `postern sendmail`; docs/sendmail.md explains how."},
    {"dkim", "Signing the mail that people send; docs/dkim.md explains how. It begins with `postern dkim create DOMAIN`."},
    {"dns", "How names are looked up."},
    {"metrics", "Numbers about the server, for monitoring."},
    {"transport", "How mail to other servers is secured; docs/transport-security.md explains how."},
    {"tlsrpt", "Reports to other domains about TLS on the way to them."},
    {"web", "Web pages; docs/web.md tells of them."},
    {"setup", "What mail programs and the setup pages are told besides our own ports; docs/setup.md."},
    {"acme", "Certificates by themselves; docs/certificates.md."},
    {"log", "Standard error, and the history that `postern why` reads."},
};
// clang-format on

std::vector<option> joined(std::initializer_list<std::span<option const>> tables)
{
    std::vector<option> all;
    for (auto const t : tables) all.insert(all.end(), t.begin(), t.end());
    return all;
}

}  // namespace

std::span<option const> options()
{
    static auto const all = joined(
        {server_table(), login_table(), oauth_table(), mx_table(), delivery_table(), transport_table(), web_table()});
    return all;
}

std::span<section const> sections() { return section_table; }

std::string_view section_of(std::string_view name) noexcept
{
    auto const dot = name.find('.');
    return dot == std::string_view::npos ? std::string_view{} : name.substr(0, dot);
}

std::string_view last_part(std::string_view name) noexcept { return name.substr(name.rfind('.') + 1); }

std::vector<network> loopback() { return {*network::parse("127.0.0.0/8"), *network::parse("::1")}; }

std::vector<listener> default_listeners()
{
    return {{":465", role::submission, tls_mode::implicit, {}, {}, false, false},
            {":587", role::submission, tls_mode::starttls, {}, {}, false, false},
            {":25", role::mx, tls_mode::starttls, {}, {}, false, false}};
}

}  // namespace postern::config
