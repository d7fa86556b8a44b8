// From a mail address to the settings of its outgoing server: all places where a domain or its provider may have
// published them are asked at once, each with a deadline and a bound on what it may answer. Each setting says where it
// came from. Whether a server really answers there is not tried here, and no password is ever sent.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "catalogue/verdict.hpp"
#include "dns/resolver.hpp"
#include "providers/providers.hpp"

namespace postern::discovery {

template <class T>
using awaitable = boost::asio::awaitable<T>;

/// In the order of preference.
enum class source : std::uint8_t {
    provider_list,  // compiled in, by the domain
    autoconfig,     // Mozilla's, at the domain
    pacc,           // draft-ietf-mailmaint-pacc
    srv,            // RFC 6186, RFC 8314
    ispdb,          // Thunderbird's list of providers; only when asked for
    autodiscover,   // Microsoft's, plain XML
    mx_provider,    // compiled in, by the name of the domain's mail exchanger
    mx_autoconfig,  // Mozilla's, at the domain of the mail exchanger
    guess,          // usual names that exist in the DNS
};
/// "autoconfig", "SRV records"
std::string_view to_words(source s) noexcept;

enum class trust : std::uint8_t {
    proven,     // by a certificate or DNSSEC, or it is a provider that is known
    forgeable,  // came over http or an unsigned DNS, to a server of another domain
    guessed,
};

struct setting {
    std::string host;
    std::uint16_t port = 0;
    providers::security how = providers::security::implicit_tls;
    providers::user_form user = providers::user_form::address;
    std::string user_name;          // filled in; empty: unknown
    std::vector<std::string> auth;  // "PLAIN", "OAUTH2"; empty: not said
    source from = source::guess;
    std::string where;  // the URL or the DNS name
    discovery::trust trust = trust::guessed;
};

/// What is wrong with the address or with a source: a row of the catalogue, with the values for its placeholders.
struct problem {
    catalogue::rule const* why = nullptr;
    std::vector<catalogue::evidence> facts;
    source from = source::guess;
};

enum class outcome : std::uint8_t { found, nothing, failed, not_asked };

/// One source that was asked: for showing what was looked at.
struct inquiry {
    source from = source::guess;
    std::string where;
    outcome what = outcome::nothing;
    std::string detail;  // why not; one printable line
    std::chrono::milliseconds took{0};
};

struct findings {
    std::string address, domain;    // as they are used: corrected, the domain in A-labels
    std::vector<setting> settings;  // the best first; the same one once, from its best source
    std::vector<problem> problems;
    std::vector<inquiry> inquiries;                 // in the order of preference
    providers::provider const* provider = nullptr;  // by the domain or its mail exchangers
    std::string display_name;                       // as the provider calls itself; may be empty
};

struct options {
    std::chrono::milliseconds limit{5000};  // for all of it; name servers have the resolver's own, which may be longer
    std::filesystem::path authorities;      // who may vouch for web servers; empty: the system's
    std::uint16_t https_port = 443, http_port = 80;
    bool http = true;   // may autoconfig, and the pointer of Autodiscover, be asked for without TLS?
    std::string ispdb;  // "https://live.thunderbird.net/autoconfig/v1.1/"; empty: not asked, it would learn the domain
    bool guess = true;
};

class web;

/// Uses the executor of the coroutine, which has one thread. `names` must outlive the executor's work.
awaitable<findings> find_settings(std::string address, dns::resolver& names, options o);
/// The same with another web than the real one.
awaitable<findings> find_settings(std::string address, dns::resolver& names, std::shared_ptr<web> pages, options o);

/// The address alone: what is wrong with it, if anything (D-01, D-02), and its corrected form.
findings examine_address(std::string_view address);

}  // namespace postern::discovery
