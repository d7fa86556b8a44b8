#include "zone/records.hpp"

#include <algorithm>

#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/reverse_name.hpp"
#include "base/text.hpp"
#include "mail/dkim_record.hpp"
#include "mail/sts_policy.hpp"
#include "mail/tlsrpt_record.hpp"
#include "spf/record.hpp"

namespace postern::zone {
namespace {

struct place {
    std::string host;
    std::string port;
};

/// "imap.example.com:993"
std::optional<place> split(std::string const& text)
{
    auto const colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) return std::nullopt;
    return place{to_lower(text.substr(0, colon)), text.substr(colon + 1)};
}

record srv(std::string_view service, std::string_view domain, unsigned priority, std::string const& port,
           std::string const& host)
{
    return {std::string{service} + "._tcp." + std::string{domain}, "SRV",
            std::to_string(priority) + " 1 " + port + ' ' + absolute(to_lower(host)), need::clients_find_us};
}

/// RFC 2782: there is no such service.
record no_srv(std::string_view service, std::string_view domain)
{
    return {std::string{service} + "._tcp." + std::string{domain}, "SRV", "0 0 0 .", need::clients_find_us};
}

/// Both ways to fetch mail: with TLS from the start (`secure`), and with STARTTLS at `clear_port`.
void add_incoming(std::vector<record>& all, std::string_view secure, std::string_view clear,
                  std::string_view clear_port, std::string_view domain, unsigned priority,
                  std::optional<place> const& at)
{
    bool const is_clear = at && at->port == clear_port;
    all.push_back(at && !is_clear ? srv(secure, domain, priority, at->port, at->host) : no_srv(secure, domain));
    all.push_back(is_clear ? srv(clear, domain, priority, at->port, at->host) : no_srv(clear, domain));
}

std::string const& web_host_of(server const& s) { return s.web_host.empty() ? s.hostname : s.web_host; }

std::string literal_of(ip_address const& a) { return (a.is_v4() ? "ip4:" : "ip6:") + a.to_string(); }

std::string mechanism_for(ip_address const& a, server const& s)
{
    bool const named = std::ranges::find(s.of_name, a) != s.of_name.end();
    return named ? "a:" + s.hostname : literal_of(a);
}

std::vector<std::string> words_of(std::string_view text)
{
    std::vector<std::string> words;
    while (!text.empty()) {
        auto const end = std::min(text.find(' '), text.size());
        if (end != 0) words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

constexpr std::string_view redirect = "redirect=";

/// "all" with any qualifier: nothing behind it counts.
bool is_all(std::string_view word)
{
    if (!word.empty() && (word[0] == '+' || word[0] == '-' || word[0] == '~' || word[0] == '?')) word.remove_prefix(1);
    return equal_ignoring_case(word, "all");
}

/// An error anywhere makes verifiers give up (RFC 7208 section 4.6).
bool is_readable(std::string const& word) { return spf::parse("v=spf1 " + word).has_value(); }

bool allows_everybody(std::string_view word)
{
    return equal_ignoring_case(word, "all") || equal_ignoring_case(word, "+all") || equal_ignoring_case(word, "?all");
}

}  // namespace

record address_record(std::string_view host, ip_address const& a)
{
    return {std::string{host}, a.is_v4() ? "A" : "AAAA", a.to_string(), need::mail_arrives};
}

record reverse_record(ip_address const& a, std::string_view host)
{
    return {reverse_name(a), "PTR", absolute(host), need::mail_is_trusted};
}

record mx_record(std::string_view domain, server const& s)
{
    return {std::string{domain}, "MX", "10 " + absolute(s.hostname), need::mail_arrives};
}

record spf_record(std::string_view domain, server const& s, std::vector<std::string> const& published,
                  std::vector<ip_address> const& missing)
{
    std::vector<std::string> kept, wanted, elsewhere;
    std::string last;
    // Of several records, which verifiers take for an error, one is made.
    for (auto const& text : published) {
        for (auto& word : words_of(text)) {
            if (equal_ignoring_case(word, "v=spf1") || !is_readable(word)) continue;
            if (is_all(word)) {
                if (last.empty()) last = allows_everybody(word) ? "~all" : word;
                break;
            }
            auto& list = starts_with_ignoring_case(word, redirect) ? elsewhere : kept;
            if (std::ranges::find(list, word) == list.end()) list.push_back(std::move(word));
        }
    }
    if (last.empty() && elsewhere.size() == 1) {
        last = elsewhere.front();
    } else if (published.size() > 1) {
        // A record has one end; what the others led to is asked before it.
        for (auto const& word : elsewhere) kept.push_back("include:" + word.substr(redirect.size()));
    }
    if (last.empty()) last = "~all";
    if (published.empty()) wanted = {"mx", "a:" + s.hostname};
    for (auto const& a : missing) {
        auto name = mechanism_for(a, s);
        // What is there and did not help leads elsewhere: then the address itself.
        if (std::ranges::find(kept, name) != kept.end()) name = literal_of(a);
        if (std::ranges::find(wanted, name) == wanted.end()) wanted.push_back(std::move(name));
    }
    std::string value = "v=spf1";
    // Ours in front: they hold before a look-up too many, or somebody else's "-all".
    for (auto const* list : {&wanted, &kept})
        for (auto const& word : *list) value += ' ' + word;
    return {std::string{domain}, "TXT", value + ' ' + last, need::mail_is_trusted};
}

record dkim_record(std::string name, std::string value)
{
    return {std::move(name), "TXT", std::move(value), need::mail_is_trusted};
}

record dmarc_record(std::string_view domain)
{
    auto const name = std::string{domain};
    return {"_dmarc." + name, "TXT", "v=DMARC1; p=none; rua=mailto:postmaster@" + name, need::mail_is_trusted};
}

record tlsrpt_record(std::string_view domain)
{
    return {mail::tlsrpt_record_name(domain), "TXT", "v=TLSRPTv1; rua=mailto:postmaster@" + std::string{domain},
            need::encryption_holds};
}

std::string sts_policy(std::vector<std::string> const& mx, std::optional<mail::sts_policy> const& published)
{
    auto const policy = published.value_or(mail::sts_policy{mail::sts_mode::testing, {}, std::chrono::hours{168}});
    std::string text = "version: STSv1\r\nmode: " + std::string{mail::to_string(policy.mode)} + "\r\n";
    for (auto const& host : mx) text += "mx: " + host + "\r\n";
    return text + "max_age: " + std::to_string(policy.max_age.count()) + "\r\n";
}

record sts_record(std::string_view domain, std::string_view policy)
{
    // RFC 8461 section 3.1: up to 32 letters and digits.
    auto const id = to_hex(digest(hash::sha256, policy)).substr(0, 16);
    return {mail::sts_record_name(domain), "TXT", "v=STSv1; id=" + id + ";", need::encryption_holds};
}

record tlsa_record(std::string_view host, std::uint16_t port, std::string_view certificate_key)
{
    return {'_' + std::to_string(port) + "._tcp." + std::string{host}, "TLSA", "3 1 1 " + std::string{certificate_key},
            need::encryption_holds};
}

std::vector<record> srv_records(std::string_view domain, server const& s)
{
    std::vector<record> all;
    if (s.implicit_port != 0 || s.starttls_port != 0) {
        all.push_back(s.implicit_port != 0 ? srv("_submissions", domain, 0, std::to_string(s.implicit_port), s.hostname)
                                           : no_srv("_submissions", domain));
        all.push_back(s.starttls_port != 0 ? srv("_submission", domain, 10, std::to_string(s.starttls_port), s.hostname)
                                           : no_srv("_submission", domain));
    }
    auto const imap = split(s.imap), pop = split(s.pop3);
    if (imap || pop) {
        add_incoming(all, "_imaps", "_imap", "143", domain, 0, imap);
        add_incoming(all, "_pop3s", "_pop3", "110", domain, 10, pop);
    }
    all.push_back(srv("_autodiscover", domain, 0, "443", web_host_of(s)));
    return all;
}

record autoconfig_record(std::string_view domain, server const& s)
{
    return {"autoconfig." + std::string{domain}, "CNAME", absolute(web_host_of(s)), need::clients_find_us};
}

record autodiscover_record(std::string_view domain, server const& s)
{
    return {"autodiscover." + std::string{domain}, "CNAME", absolute(web_host_of(s)), need::clients_find_us};
}

record configuration_host_record(std::string_view domain, server const& s)
{
    return {"ua-auto-config." + std::string{domain}, "CNAME", absolute(web_host_of(s)), need::clients_find_us};
}

record configuration_record(std::string_view domain, std::string text)
{
    return {"_ua-auto-config." + std::string{domain}, "TXT", std::move(text), need::clients_find_us};
}

record caa_record(std::string_view host, server const& s)
{
    return {std::string{host}, "CAA", "0 issue \"" + s.authority + '"', need::encryption_holds};
}

std::string authority_of(std::string_view acme_directory)
{
    constexpr std::pair<std::string_view, std::string_view> known[] = {
        {"letsencrypt.org", "letsencrypt.org"},
        {"zerossl.com", "sectigo.com"},
        {"buypass.com", "buypass.com"},
        {"pki.goog", "pki.goog"},
        {"ssl.com", "ssl.com"},
    };
    auto const scheme = acme_directory.find("://");
    if (scheme == std::string_view::npos) return {};
    auto const host =
        to_lower(acme_directory.substr(scheme + 3, acme_directory.find_first_of("/:", scheme + 3) - scheme - 3));
    for (auto const& [name, authority] : known)
        if (host == name || host.ends_with('.' + std::string{name})) return std::string{authority};
    return {};
}

std::vector<record> all_records(std::string_view domain, server const& s,
                                std::vector<std::pair<std::string, std::string>> const& keys,
                                std::vector<std::string> const& configurations)
{
    std::vector<record> all;
    if (s.takes_mail) all.push_back(mx_record(domain, s));
    all.push_back(spf_record(domain, s));
    for (auto const& [name, value] : keys) all.push_back(dkim_record(name, value));
    all.push_back(dmarc_record(domain));
    for (auto& r : srv_records(domain, s)) all.push_back(std::move(r));
    all.push_back(autoconfig_record(domain, s));
    all.push_back(autodiscover_record(domain, s));
    if (!configurations.empty()) all.push_back(configuration_host_record(domain, s));
    for (auto const& text : configurations) all.push_back(configuration_record(domain, text));
    if (!s.authority.empty()) all.push_back(caa_record(web_host_of(s), s));
    if (s.takes_mail) {
        all.push_back(sts_record(domain, sts_policy({s.hostname})));
        all.push_back(tlsrpt_record(domain));
        for (auto const& key : s.certificate_keys) all.push_back(tlsa_record(s.hostname, 25, key));
    }
    for (auto const& a : s.addresses) {
        all.push_back(address_record(s.hostname, a));
        all.push_back(reverse_record(a, s.hostname));
    }
    return all;
}

}  // namespace postern::zone
