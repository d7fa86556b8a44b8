// The options of how mail to other servers is secured: [transport], [[tls_policy]], [tlsrpt].
#include "config/login_option_values.hpp"
#include "config/option_tables.hpp"
#include "config/option_values.hpp"
#include "config/transport_option_values.hpp"

namespace postern::config {
namespace {

using namespace types;

// clang-format off
constexpr option table[] = {
    setting<boolean, [](auto& s) -> auto& { return s.transport.dane; }>(
        "transport.dane", reload,
        "Whether TLSA records bind other servers to their certificates (DANE, RFC 7672). Needs DNSSEC."),
    setting<boolean, [](auto& s) -> auto& { return s.transport.mta_sts; }>(
        "transport.mta_sts", reload,
        "Whether domains' policies about their servers are fetched and obeyed (MTA-STS, RFC 8461)."),
    setting<path, [](auto& s) -> auto& { return s.transport.authorities; }>(
        "transport.authorities", restart,
        "PEM file with the authorities that vouch for other mail servers, and for the web servers of MTA-STS "
        "policies and TLS reports. \"\": those of the system.",
        "\"/etc/postern/internal-ca.pem\""),
    setting<boolean, [](auto& s) -> auto& { return s.tlsrpt.send; }>(
        "tlsrpt.send", reload,
        "Whether domains that ask for it get a report each day about the TLS of the connections to them "
        "(TLSRPT, RFC 8460). It has counts and addresses of servers, nothing of the mail."),
    setting<checked<mail_address, true>, [](auto& s) -> auto& { return s.tlsrpt.from; }>(
        "tlsrpt.from", reload,
        "The From address of the reports. Its domain should have a DKIM key here. \"\": tls-reports@ the hostname.",
        "\"tls-reports@example.com\""),
    setting<text, [](auto& s) -> auto& { return s.tlsrpt.organization; }>(
        "tlsrpt.organization", reload,
        "Whose reports they are, in words. \"\": the hostname.",
        "\"Example Company\""),
    setting<text, [](auto& s) -> auto& { return s.tlsrpt.contact; }>(
        "tlsrpt.contact", reload,
        "Whom their readers can ask. \"\": postmaster@ the hostname.",
        "\"postmaster@example.com\""),
};

constexpr basic_option<tls_rule> tls_rule_table[] = {
    entry<tls_rule, checked<domain_pattern, false>, [](auto& t) -> auto& { return t.domain; }>(
        "domain", reload,
        "Which domain's mail: `example.com`; `.example.com` all below it; `*` all. The nearest row holds.",
        "\"example.com\"", first_version),
    entry<tls_rule, choice<tls_level_words>, [](auto& t) -> auto& { return t.level; }>(
        "level", reload,
        "`none`: never TLS. `opportunistic`: TLS where it is offered, whatever the domain publishes. `published`: as "
        "for all others: DANE and MTA-STS, and else where it is offered. `encrypt`: that, and never without TLS. "
        "`verify`: that, and never without a good certificate of the domain's server. `dane`: never without DANE.",
        {}, first_version),
    entry<tls_rule, choice<tls_version_words>, [](auto& t) -> auto& { return t.minimum; }>(
        "minimum", reload,
        "The oldest version of TLS that counts.",
        {}, first_version),
    entry<tls_rule, list<mx_pattern_item>, [](auto& t) -> auto& { return t.mx; }>(
        "mx", reload,
        "With `verify`: the servers that count as the domain's, `*.` stands for one label. `[]`: those that "
        "DNSSEC or MTA-STS vouch for, and else those whose certificate is for the domain itself or a name below it.",
        "[\"*.mail.example.net\"]", first_version),
};
// clang-format on

}  // namespace

std::span<option const> transport_table() { return table; }
std::span<basic_option<tls_rule> const> tls_rule_options() { return tls_rule_table; }

}  // namespace postern::config
