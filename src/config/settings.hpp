// The configuration as values. One table (options_*.cpp) declares every key once: name,
// type, default, whether a reload takes it up, documentation; the parser, `postern
// config default` and the reference in docs/ all come from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "config/routes.hpp"

namespace postern::config {

enum class role : std::uint8_t { submission, mx };

struct listener {
    std::string address;  // as written: "host:port", "[::]:587", ":587" for both families
    config::role role = config::role::submission;
    tls_mode tls = tls_mode::starttls;
    std::vector<network> proxy_networks;    // PROXY protocol: taken from these only, and required there
    std::vector<std::string> mechanisms{};  // empty: auth.mechanisms
    bool auth_equals = false;               // EHLO says `AUTH=` too
    bool client_certificates = false;       // asked for, for EXTERNAL
};

struct certificate {
    std::filesystem::path chain;
    std::filesystem::path private_key;
};

/// 127.0.0.0/8 and ::1.
std::vector<network> loopback();

/// Who guesses at passwords is slowed, then refused. See guard/keeper.hpp.
struct guard_settings {
    bool enabled = true;
    unsigned delay_after = 5;  // points of one address from which on failures wait longer
    unsigned refuse_after = 20;
    unsigned network_refuse_after = 100;  // of a /24 or /48
    unsigned account_refuse_after = 100;
    std::chrono::seconds half_life{3600};   // points halve in this time
    std::chrono::seconds refuse_time{900};  // the first refusal; each further one takes twice as long
    std::chrono::seconds longest_refusal{86400};
    std::chrono::milliseconds longest_delay{20'000};
    std::chrono::seconds protect_time{30 * 86400};  // how long a success keeps a place open for its account
    // How accounts send, in an hour: at once these numbers a warning, at twice mail is held, at four
    // times SMTP AUTH is off. See guard/conduct.hpp.
    bool watch_accounts = true;
    std::uint32_t suspicious_new_recipients = 1000;
    std::uint32_t suspicious_networks = 20;
    std::uint32_t suspicious_bounces = 200;
    std::vector<std::string> trusted_accounts;
    std::string operator_address;
    std::vector<network> deny;
    std::vector<network> allow = loopback();  // webmail on this machine is many people
};

/// Whom a client's certificate is for, by its key.
struct bound_certificate {
    std::string account;
    std::string key;  // SHA-256 of its SubjectPublicKeyInfo, 64 hexadecimal digits in lower case
};

/// Whose accounts the principals of a Kerberos realm are: anna@realm is anna@domain.
struct kerberos_realm {
    std::string realm;
    std::string domain;
};
/// The account of one principal.
struct kerberos_principal {
    std::string principal;
    std::string account;
};

struct backend {
    std::string name;
    std::string type = "files";
    std::filesystem::path path;
    std::string format = "dovecot";
    std::string domain;
    std::string scheme;
    std::filesystem::path users;
    std::string service = "postern";
    std::chrono::milliseconds timeout{10'000};
    unsigned threads = 4;
    std::string connection;  // of type "postgresql", as libpq takes it
    std::filesystem::path password_file;
    std::string user_query;
    std::string recipient_query;
    std::string aliases_query;
    std::string senders_query;
    std::string update_query;
    std::chrono::milliseconds remember{30'000};
    struct {
        std::vector<std::string> urls;
        tls_mode tls = tls_mode::starttls;  // never implicit: that is a URL with ldaps://
        bool plaintext = false;
        std::filesystem::path authorities;
        std::string service_dn;
        std::string base;
        std::string filter;
        std::string recipient_filter;
        std::string passwords = "bind";
        std::string bind_dn;
        std::string decoy_dn;
        std::string password_attribute = "userPassword";
        std::string address_attribute = "mail";
        std::string aliases_attribute;
        std::string smtp_auth_attribute;
    } ldap;
};

enum class auth_role : std::uint8_t { auth, master };

/// Where programs of this machine leave their mail (`postern sendmail`).
struct sendmail_settings {
    std::filesystem::path socket = "/run/postern/sendmail";  // empty: nowhere
    std::string mode = "0666";
    std::string group;
    std::string domain;  // of names without one; empty: the host's name
};

/// Where other mail servers ask about our accounts, in Dovecot's protocols.
struct auth_socket {
    std::filesystem::path path;  // of a Unix socket; or else
    std::string address;         // "127.0.0.1:12345"
    auth_role role = auth_role::auth;
    std::vector<std::string> mechanisms;  // empty: auth.mechanisms
    std::string owner, group, mode = "0600";
};

enum class milter_failure : std::uint8_t { accept, defer, refuse };

/// Another program that judges mail before it is accepted, and may change it.
struct milter {
    std::string name;
    std::string address;                                  // "127.0.0.1:11332" or "unix:/run/opendkim/opendkim.sock"
    std::vector<role> roles{role::submission, role::mx};  // of the listeners that it sees the mail of
    std::vector<std::string> listeners;                   // only these, by their address; empty: all of the roles
    std::chrono::milliseconds timeout{30'000};            // for one answer
    milter_failure on_failure = milter_failure::defer;
    unsigned connections = 50;
};

/// A key that another program made, for the selector under which it is published.
struct dkim_key {
    std::string domain, selector;
    std::filesystem::path private_key;
};

/// Whose tokens are taken in place of passwords.
struct token_issuer {
    std::string issuer;  // empty: no tokens
    std::vector<std::string> audience;
    std::string keys;                   // path or URL of a JWKS; empty: found by discovery
    std::string introspection;          // URL; empty: found by discovery
    std::string introspect = "opaque";  // which tokens the issuer is asked about
    std::string client_id;
    std::filesystem::path client_secret;
    std::filesystem::path bearer;
    std::chrono::seconds cache_life{60};
    std::chrono::milliseconds timeout{5'000};
    std::filesystem::path authorities;
    std::string scope;
    std::string account_claim = "email";
    std::chrono::seconds clock_skew{60};
};

/// [oauth], and [[oauth.issuers]].
struct token_issuers : token_issuer {
    std::vector<token_issuer> more;
};

/// How well mail to a domain has to be secured at least; see docs/transport-security.md.
enum class tls_level : std::uint8_t {
    none,           // never TLS
    opportunistic,  // where it is offered; what the domain publishes does not count
    published,      // where it is offered, and as the domain publishes (DANE, MTA-STS): what all others get
    encrypt,        // the same, and never without TLS
    verify,         // the same, and never without a certificate of the domain's server
    dane,           // never without DANE
};

/// What the operator demands for a domain.
struct tls_rule {
    std::string domain;  // "example.com"; ".example.com": all below it; "*": all
    tls_level level = tls_level::encrypt;
    std::string minimum = "1.2";
    std::vector<std::string> mx;  // with verify: patterns of the servers that count as the domain's
};

enum class limit_scope : std::uint8_t { account, domain, network, app_password };

/// How much may be sent; 0 is no limit. The row whose `match` is nearest holds.
struct sending_limit {
    limit_scope per = limit_scope::account;
    std::string match;  // an account, "@domain", a domain or a network; empty: all others
    std::uint32_t messages_per_hour = 0;
    std::uint32_t messages_per_day = 0;
    std::uint32_t recipients_per_hour = 0;
    std::uint32_t recipients_per_day = 0;
    std::uint32_t new_recipients_per_day = 0;
    friend bool operator==(sending_limit const&, sending_limit const&) = default;
};

/// How a certificate authority finds out that a name is ours (RFC 8555 section 8, RFC 8737).
enum class acme_challenge : std::uint8_t { any, http_01, tls_alpn_01 };

struct settings {
    std::string hostname;  // default: the machine's name
    std::filesystem::path data_dir = "/var/lib/postern";
    unsigned threads = 0;
    std::string user = "postern";
    std::vector<listener> listeners;  // default: 465 implicit, 587 starttls, 25 mx

    struct {
        std::filesystem::path certificate, private_key;  // both empty: self-signed
        std::vector<config::certificate> more;           // [[tls.certificates]]: further ones, by SNI and key type
        std::string minimum = "1.2";
    } tls;
    struct {
        std::vector<std::string> local;
    } domains;
    struct {
        std::vector<std::string> mechanisms{"SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2", "EXTERNAL", "PLAIN", "LOGIN"};
        bool basic_passwords = true;
        bool require_tls = true;
        std::vector<network> plaintext_networks;
        unsigned hash_threads = 0;
        unsigned hash_queue = 256;
        std::chrono::seconds cache_life{300};
        bool upgrade_hashes = true;
        unsigned failures = 5;  // failed AUTH commands per session, then 421
        std::chrono::milliseconds failure_delay{1000};
        std::filesystem::path client_authorities;  // who may vouch for clients' certificates; empty: nobody
        std::vector<bound_certificate> certificates;
    } auth;
    guard_settings guard;
    token_issuers oauth;
    struct {
        std::filesystem::path keytab;  // empty: no Kerberos
        std::string service = "smtp";
        std::string hostname;                        // empty: every host that the keytab has keys for
        std::vector<kerberos_realm> realms;          // [[kerberos.realms]]
        std::vector<kerberos_principal> principals;  // [[kerberos.principals]]: before those
    } kerberos;
    std::vector<backend> backends;  // [[backend]]: asked in this order
    std::vector<auth_socket> auth_sockets;
    sendmail_settings sendmail;
    std::vector<milter> milters;  // [[milter]]: asked in this order
    struct {
        std::vector<network> networks;
        bool local_without_auth = true;
    } relay;
    struct {
        bool checks = true;  // SPF, DKIM and DMARC of strangers' mail
        std::string dmarc_reject = "refuse";
        std::string dmarc_quarantine = "mark";
        std::string local_senders = "verify";
        std::string dns_failure = "defer";
        std::chrono::milliseconds check_timeout{20'000};  // for all of it
        unsigned check_threads = 8;
        std::uint32_t tarpit_after = 3;  // refused recipients of a session; 0: never
        std::chrono::milliseconds tarpit_delay{5'000};
    } mx;
    struct {
        std::string srs_domain;  // empty: hostname
        std::chrono::seconds srs_lifetime{21 * 86400};
    } forwarding;
    struct {
        std::uint64_t message_size = 50u << 20;
        std::uint32_t recipients = 1000;
        std::uint32_t connections = 10000;
        std::uint32_t connections_per_address = 50;
        std::uint32_t errors = 20;  // 5xx replies to commands per session, then 421
        std::uint32_t hops = 100;   // Received fields
        std::uint64_t header_size = 256u << 10;
        std::uint64_t free_space = 64u << 20;  // on data_dir; below it mail gets 452 4.3.1
        std::vector<sending_limit> sending;    // [[limits.sending]]
    } limits;
    struct {
        std::chrono::seconds command{300};      // waiting for a command
        std::chrono::seconds before_login{60};  // the same, before AUTH on a submission listener
        std::chrono::seconds data{180};         // between two pieces of a message
        std::chrono::seconds handshake{30};
        std::chrono::seconds session{3600 * 4};  // the longest session
        std::chrono::milliseconds tls_peek{50};  // 587: how long to look for a TLS client hello before the greeting
        std::chrono::seconds tls_hint{
            10};                         // 465: how long to wait for a client hello before saying what the port wants
        std::chrono::seconds drain{30};  // SIGTERM: how long running transactions may take
    } timeouts;
    struct {
        std::string local = "maildir:/var/mail/%d/%n";
        std::string smart_host;
        // Waits between attempts; the last one repeats. RFC 5321 section 4.5.4.1 asks for 30
        // minutes and more in the long run.
        std::vector<std::chrono::seconds> retry{std::chrono::seconds{60},   std::chrono::seconds{300},
                                                std::chrono::seconds{900},  std::chrono::seconds{1800},
                                                std::chrono::seconds{3600}, std::chrono::seconds{7200},
                                                std::chrono::seconds{14400}};
        std::chrono::seconds give_up_after{3600 * 24 * 5};
        std::chrono::seconds delay_notice_after{3600 * 4};  // 0: no notices
        unsigned connections_per_host = 20;
        unsigned concurrency = 200;
        bool require_tls = false;  // to the smart host
    } delivery;
    std::vector<route> routes;            // [[route]]: before delivery.local and delivery.smart_host
    std::vector<smart_host> smart_hosts;  // [[smart_host]]
    struct {
        bool hide_client_address = false;  // in Received, for authenticated clients
        char recipient_delimiter = '+';
        bool check_header_from = true;
        std::chrono::seconds hold_at_most{3600 * 24 * 30};  // FUTURERELEASE; 0: not offered
        bool priority_without_login = false;                // MT-PRIORITY above 0
    } submission;
    struct {
        std::vector<dkim_key> keys;  // [[dkim.keys]], besides those of `postern dkim create`
        std::string on_failure = "send";
        std::vector<std::string> unsigned_headers;
        std::string canonicalization = "relaxed/relaxed";
        std::chrono::seconds lifetime{0};  // x= of signatures; 0: none
    } dkim;
    struct {
        std::vector<endpoint> servers;  // empty: those of /etc/resolv.conf
        std::string trust_anchor;       // file; "none": no DNSSEC; empty: Debian's, where it is there
    } dns;
    struct {
        bool dane = true;
        bool mta_sts = true;
        std::filesystem::path authorities;  // who vouches for other servers; empty: the system's
    } transport;
    std::vector<tls_rule> tls_policy;  // [[tls_policy]]
    struct {
        bool send = true;
        std::string from;          // empty: tls-reports@ the hostname
        std::string organization;  // empty: the hostname
        std::string contact;       // empty: postmaster@ the hostname
    } tlsrpt;
    struct {
        std::string address;  // empty: no metrics
        bool beyond_this_machine = false;
    } metrics;
    struct {
        std::string address = "127.0.0.1:8443";
        std::string http_address;           // plain HTTP; empty: none
        std::string public_url;             // empty: https:// and the hostname
        std::filesystem::path certificate;  // empty: that of [acme], else of [tls]
        std::filesystem::path private_key;
        std::string user;
        std::filesystem::path socket;
        std::chrono::seconds session_life = std::chrono::hours{12};
    } web;
    struct {
        std::string imap, pop3;
        std::string name;     // empty: the mail domain
        std::string contact;  // empty: postmaster at the mail domain
    } setup;
    struct {
        std::string directory;  // empty: no ACME
        bool agree = false;
        std::string contact;
        std::vector<std::string> names;
        acme_challenge challenge = acme_challenge::any;
        std::string external_account;
        std::filesystem::path external_key_file;
        std::filesystem::path authorities;
    } acme;
    struct {
        std::string format = "text";
        std::string level = "info";
        std::uint64_t history_size = 256u << 20;
    } log;
};

/// What is wrong with a configuration, in one line that says what to do.
struct problem {
    std::filesystem::path file;
    unsigned line = 0, column = 0;  // 0: not about a place in the file
    std::string text;               // "unknown key `listner`; did you mean `listener`?"
    /// "postern.toml:3:1: unknown key ..."
    std::string to_string() const;
};

/// Reads a file (or, with no file, all defaults), checks every value. Gives settings, or
/// every problem found (at least one). Relative paths count from the file's folder.
std::optional<settings> load(std::optional<std::filesystem::path> const& file, std::vector<problem>& problems);
/// The same from text, `name` standing for the file in problems; relative paths stay relative.
std::optional<settings> parse(std::string_view toml, std::string_view name, std::vector<problem>& problems);

/// Where the configuration is when the command line doesn't say: $POSTERN_CONFIG,
/// ./postern.toml, /etc/postern/postern.toml; nothing when none exists.
std::optional<std::filesystem::path> find_file();

/// Settings that are allowed but dangerous or surprising, a sentence each: allowed networks
/// that cover the default gateway of a container bridge or private ranges wholesale, ...
/// `gateways`: this machine's default gateways.
std::vector<std::string> warnings(settings const& s, std::vector<ip_address> const& gateways);

/// The mechanisms of auth.mechanisms and of all listeners.
std::vector<std::string> all_mechanisms(settings const& s);

/// A commented configuration of all options at their defaults (`postern config default`).
std::string default_text();
/// The effective values as TOML (`postern config show`).
std::string to_toml(settings const& s);
/// Reference for docs/, Markdown.
std::string reference();
/// Names of options that differ and that only a restart takes up.
std::vector<std::string> needs_restart(settings const& running, settings const& wanted);

}  // namespace postern::config
