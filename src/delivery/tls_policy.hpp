// What a connection to a mail server has to fulfil: from what the operator demands, and what the
// domain publishes (DANE, RFC 7672; MTA-STS, RFC 8461). DANE goes before MTA-STS. Decides only;
// looking up is here, too, but connecting is others'.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "delivery/outcome.hpp"
#include "dns/resolver.hpp"
#include "escort/sessions.hpp"
#include "escort/sts_cache.hpp"
#include "net/stream.hpp"

namespace postern::delivery {

/// What the message asks for.
enum class tls_need : std::uint8_t {
    usual,
    required,  // REQUIRETLS (RFC 8689)
    optional,  // "TLS-Required: No": what domains publish does not count
};

/// What is known of a domain before a host is chosen.
struct domain_security {
    std::string domain;
    tls_need need = tls_need::usual;
    std::optional<config::tls_rule> rule;  // of the operator
    bool mx_secure = false;                // DNSSEC vouches for the list of hosts
    escort::sts_finding sts;

    bool obeys_domain() const;  // whether what it publishes counts
};

/// The TLSA records of one host.
struct host_security {
    bool there = false;                      // so TLS is a must
    std::vector<net::certificate_pin> pins;  // those that can be used
    std::string base;                        // the TLSA base domain: whom to ask for (RFC 7672 section 2.2.3)
    std::string text;                        // for reports
    std::string problem;                     // set: nobody can say whether there are any
    bool bogus = false;
};

/// What one connection has to fulfil.
struct tls_demand {
    bool never = false;
    bool encrypt = false;
    bool authenticate = false;
    std::string server_name;                 // empty: the host's
    std::vector<std::string> names;          // whom the certificate may be for; empty: the host
    std::vector<net::certificate_pin> pins;  // DANE: these decide
    std::string minimum;
    std::string policy;                      // for the log: "dane", "mta-sts enforce", "operator verify"
    catalogue::rule const* unmet = nullptr;  // what is told when it is not met; null: the usual
    escort::applied_policy counted;
    std::string result, detail;  // the session counts as failed, though it may be used
    bool counts = true;          // in reports at all
};

/// Why a host is none to connect to.
struct unusable_host {
    outcome why;
    escort::applied_policy counted;
    std::string result, detail;  // for reports
    bool for_message = false;    // it is only no place for this message (REQUIRETLS)
};

/// The nearest row: the domain's own, then of the domains above it, then "*".
config::tls_rule const* find_rule(std::vector<config::tls_rule> const& rules, std::string_view domain);

/// Asks for the TLSA records of a host whose addresses are known (RFC 7672 section 2.2).
net::awaitable<host_security> find_dane(dns::resolver* names, std::string host, std::uint16_t port,
                                        dns::address_answer found);

basic_result<tls_demand, unusable_host> demand_of(domain_security const& d, std::string const& host,
                                                  host_security const& h);

/// How TLS went, as reports call it: empty, or a result type of RFC 8460 section 4.3.
std::string result_of(net::tls_state const& state);

}  // namespace postern::delivery
