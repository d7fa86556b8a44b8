// What was found at an installation, before anybody judges it. Plain values: gathered by gather_*.cpp and
// by the command (what only the running server knows), judged by judge.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "config/settings.hpp"
#include "dns/resolver.hpp"
#include "doctor/caa.hpp"
#include "escort/policy_source.hpp"
#include "mail/authentication.hpp"
#include "porter/facts.hpp"

namespace postern::doctor {

/// A certificate of the configuration, as its file has it.
struct certificate_facts {
    std::string file;
    std::string problem;             // why it can't be used; then nothing else is known
    std::vector<std::string> names;  // lower-case; "*.example.com" stands for one label
    wall_time not_before{}, not_after{};
    bool self_signed = false;
    bool trusted = false;      // by the authorities of this machine, dates apart
    bool chain_short = false;  // an intermediate certificate is missing
    std::string why_untrusted;
    std::string sha256;              // hexadecimal
    std::string key_sha256;          // of the key (SubjectPublicKeyInfo), hexadecimal
    std::vector<std::string> chain;  // DER, the server's own first
    std::vector<std::string> keys;   // the SubjectPublicKeyInfo of each, DER
};

struct service_facts {
    std::string name;  // "_submissions._tcp.example.com"
    dns::srv_answer answer;
};

struct signing_key_facts {
    std::string name, value;  // of the record
    std::string published;    // "matches", "missing", ... (signing/dns_check.hpp)
    std::string found, problem;
    bool active = false;
};

struct spf_facts {
    ip_address address;
    mail::spf_finding what;
};

struct domain_facts {
    std::string domain;
    bool asked = false;
    dns::mx_answer mx;
    std::map<std::string, dns::address_answer> exchangers;  // by host
    dns::txt_answer texts;                                  // SPF is among them
    std::vector<spf_facts> spf;                             // of each of our addresses
    dns::txt_answer dmarc, sts, tlsrpt;
    std::optional<escort::fetched> policy;  // of MTA-STS, when it is announced
    std::vector<service_facts> services;
    dns::address_answer autoconfig, autodiscover;
    std::optional<std::string> settings_file;  // of autoconfig, as it was served
    std::string settings_problem;              // why there is none
    dns::address_answer configuration_host;    // of ua-auto-config
    dns::txt_answer configuration_texts;       // of _ua-auto-config
    std::optional<std::string> configuration;  // the document, as it was served
    std::string configuration_problem;         // why there is none
    std::string settings_url;                  // where it was asked for last; empty: not yet
    bool settings_unreached = false;           // no web server answered
    std::vector<signing_key_facts> keys;
    bool keys_known = false;
};

/// An address of this server, and the names that it leads back to.
struct address_facts {
    ip_address address;
    dns::name_answer names;
    std::map<std::string, dns::address_answer> forward;  // of these names
};

struct listener_facts {
    std::string address;  // "[::]:587"
    std::string role;     // "submission", "mx"
    std::string tls;      // "starttls", "implicit", "none"
};

/// An attempt to reach a listener, or to find out who has its port.
struct reach_facts {
    std::string listener;
    endpoint at;
    bool from_outside = false;  // by the address that the DNS has of this server
    bool local_address = true;  // `at` is an address of this machine
    bool answered = false;      // with a greeting
    std::string greeting;       // its first line
    std::string problem;
    std::string certificate;  // SHA-256 of what was shown, hexadecimal; empty: no TLS tried
};

/// A way to make a server carry mail of strangers, and what became of it.
struct relay_facts {
    std::string listener;
    std::string trick;  // in words
    std::string from, to;
    int code = 0;  // of the last reply; 0: none came
    bool accepted = false;
    std::string client{};  // the address that it was tried from; empty: the server was only asked
    bool refused() const noexcept { return code >= 500; }
};

struct unexamined {
    std::string area, what, why;
};

/// A certificate that the server gets or watches itself, where something is wrong with it.
struct kept_certificate_facts {
    std::string file;
    std::vector<std::string> names;
    std::optional<std::int64_t> days_left;
    std::string rule, problem;  // of the last attempt; the rule is empty when it was none of ACME's
    std::vector<std::pair<std::string, std::string>> left_out;  // names, and why
};

struct machine_facts {
    std::optional<std::uint64_t> disk_free, disk_size;
    std::optional<std::uint64_t> inodes_free, inodes;
    std::optional<bool> clock_kept;                        // the kernel says that a time service steers it
    std::optional<std::chrono::milliseconds> clock_ahead;  // of `clock_from`
    std::string clock_from;
    struct file {
        std::filesystem::path path;
        bool others_read = false, others_write = false;
    };
    std::vector<file> secrets;          // data_dir and the keys: those that there are
    std::vector<ip_address> addresses;  // of its interfaces, loopback apart
    std::vector<ip_address> gateways;
};

struct destination_facts {
    std::string domain, last_reply;
    std::uint64_t recipients = 0;
    std::optional<wall_time> oldest;
    bool down = false;
};

/// What the running server told.
struct server_facts {
    bool running = false;
    std::string problem;  // why it can't be asked
    std::optional<std::uint64_t> descriptor_limit, descriptors;
    struct helper {
        std::string kind, name, detail;  // "back end", "issuer", "Kerberos"
        bool up = false;
    };
    std::vector<helper> helpers;
    std::vector<kept_certificate_facts> certificates;
};

struct facts {
    config::settings settings;
    wall_time now{};
    server_facts server;
    std::vector<listener_facts> listeners;
    std::vector<std::string> local_domains;
    std::optional<porter::services> announced;  // what documents with digests in the DNS say; nothing: not known
    std::vector<certificate_facts> certificates;
    dns::address_answer own_name;  // of the host name
    std::vector<address_facts> addresses;
    certifier authority;                 // of [acme]
    std::vector<std::string> certified;  // names that it is asked for certificates for
    caa_answers caa;
    std::vector<dns::tlsa_answer> tlsa;  // of the host name, at port 25; none or one
    bool names_secure = false;           // the DNS of the host name has DNSSEC
    std::vector<domain_facts> domains;
    std::vector<reach_facts> reached;
    std::vector<relay_facts> relay;
    std::set<std::string> relay_unfinished;  // listeners where not all ways could be tried to their end
    machine_facts machine;
    std::optional<std::vector<destination_facts>> queue;
    std::vector<unexamined> not_looked_at;
};

}  // namespace postern::doctor
