// Which records a domain needs when its mail is this server's affair: each one a function, so that what
// `doctor` says to publish and what `domain records` lists can't differ.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "mail/sts_policy.hpp"
#include "zone/record.hpp"

namespace postern::zone {

/// What the records say of this server.
struct server {
    std::string hostname;
    std::vector<ip_address> addresses;          // that its mail comes from; public ones
    std::vector<ip_address> of_name;            // those of them that the host name leads to
    std::uint16_t implicit_port = 0;            // for log-ins with TLS from the start; 0: none
    std::uint16_t starttls_port = 0;            // the same with STARTTLS
    bool takes_mail = false;                    // of strangers, at port 25
    std::string imap, pop3;                     // "host:port" of [setup]; empty: nobody said
    std::vector<std::string> certificate_keys;  // SHA-256 of its certificates' keys, hexadecimal
    std::string web_host;                       // of the web pages; empty: that of the server
    std::string authority;  // who makes certificates for us, as CAA records call them; empty: unknown
};

record address_record(std::string_view host, ip_address const& a);
/// What the provider of the address sets.
record reverse_record(ip_address const& a, std::string_view host);

record mx_record(std::string_view domain, server const& s);
/// `published`: what is there; what it says of others is kept, as far as verifiers can read it. `missing`: the
/// addresses of ours that it does not allow.
record spf_record(std::string_view domain, server const& s, std::vector<std::string> const& published = {},
                  std::vector<ip_address> const& missing = {});
record dkim_record(std::string name, std::string value);
record dmarc_record(std::string_view domain);
record tlsrpt_record(std::string_view domain);
/// RFC 8461 section 3.2: what is served at https://mta-sts.DOMAIN/.well-known/mta-sts.txt.
/// In the place of `published`, whose mode and time stay: another one would take protection away.
std::string sts_policy(std::vector<std::string> const& mx, std::optional<mail::sts_policy> const& published = {});
/// Its id changes with the policy, and only with it.
record sts_record(std::string_view domain, std::string_view policy);
/// "3 1 1": the key of the certificate, which survives a renewal that keeps it.
record tlsa_record(std::string_view host, std::uint16_t port, std::string_view certificate_key);
/// RFC 6186, RFC 8314 section 5.1: those for which the server has a port, or [setup] names one. What is decidedly not there
/// has the target "." (RFC 2782); of incoming mail only when [setup] says something of it. And that of Autodiscover.
std::vector<record> srv_records(std::string_view domain, server const& s);
record autoconfig_record(std::string_view domain, server const& s);
record autodiscover_record(std::string_view domain, server const& s);
/// Where draft-ietf-mailmaint-pacc has its document, and the text that vouches for it.
record configuration_host_record(std::string_view domain, server const& s);
record configuration_record(std::string_view domain, std::string text);
/// RFC 8659: who may make certificates for a host and what is below it. A look-up for a name that leads there by CNAME
/// finds it too.
record caa_record(std::string_view host, server const& s);
/// As in CAA records, of an ACME directory; empty: not known.
std::string authority_of(std::string_view acme_directory);

/// All of them, as `postern domain records` lists them. `keys`: the DKIM records' names and values; `configurations`: the
/// texts of configuration_record.
std::vector<record> all_records(std::string_view domain, server const& s,
                                std::vector<std::pair<std::string, std::string>> const& keys,
                                std::vector<std::string> const& configurations = {});

}  // namespace postern::zone
