#include "porter/facts.hpp"

#include <algorithm>

#include "base/listener_address.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"
#include "mail/address.hpp"

namespace postern::porter {
namespace {

constexpr wrapping wrapping_at(std::uint16_t port) noexcept
{
    return port == 143 || port == 110 || port == 587 || port == 25 ? wrapping::starttls : wrapping::implicit_tls;
}

/// "https://mail.example.com:8443/x" to "mail.example.com".
std::string host_of(std::string_view url)
{
    if (auto const scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find('/'));
    if (url.starts_with('[')) return to_lower(url.substr(0, url.find(']') + 1));
    return to_lower(url.substr(0, url.find(':')));
}

}  // namespace

place parse_place(std::string_view text)
{
    auto const colon = text.rfind(':');
    if (colon == std::string_view::npos) return {};
    auto const port = parse_number<std::uint16_t>(text.substr(colon + 1));
    if (!port || *port == 0 || colon == 0) return {};
    return {to_lower(text.substr(0, colon)), *port, wrapping_at(*port)};
}

services services_of(config::settings const& s)
{
    services all;
    for (auto const& [list, text] : {std::pair{&all.imap, &s.setup.imap}, std::pair{&all.pop3, &s.setup.pop3}})
        if (auto p = parse_place(*text); !p.host.empty()) list->push_back(std::move(p));
    // What only this machine reaches, such as a webmail's, is nobody else's; but where something in front passes all on.
    bool const any_open = std::ranges::any_of(s.listeners, [](auto const& l) { return !is_on_loopback(l.address); });
    for (auto const mode : {config::tls_mode::implicit, config::tls_mode::starttls}) {
        for (auto const& l : s.listeners) {
            auto const port = parse_number<std::uint16_t>(std::string_view{l.address}.substr(l.address.rfind(':') + 1));
            if (l.role != config::role::submission || l.tls != mode || !port || *port == 0) continue;
            if (any_open && is_on_loopback(l.address)) continue;
            all.smtp.push_back({to_lower(s.hostname), *port,
                                mode == config::tls_mode::implicit ? wrapping::implicit_tls : wrapping::starttls});
            break;  // the first of its kind
        }
    }
    all.name = s.setup.name;
    all.contact = s.setup.contact;
    all.url = s.web.public_url.empty() ? "https://" + to_lower(s.hostname) : s.web.public_url;
    while (all.url.ends_with('/')) all.url.pop_back();
    return all;
}

bool incoming_takes_app_passwords(config::settings const& s)
{
    return std::ranges::any_of(s.auth_sockets, [](auto const& a) { return a.role == config::auth_role::auth; });
}

facts facts_of(config::settings const& s, std::vector<std::string> const& domains)
{
    facts f;
    f.now = services_of(s);
    f.announced = f.now;
    f.web_host = host_of(f.now.url);
    for (auto const& d : domains)
        if (auto parsed = mail::parse_domain(d)) f.domains.push_back(std::move(*parsed));
    std::ranges::sort(f.domains);
    f.domains.erase(std::unique(f.domains.begin(), f.domains.end()), f.domains.end());
    f.base = to_lower(s.hostname);
    // "mail.example.com" is in "example.com"; "example.com" and "mail" are in none, nor is "example.co.uk" that has mail.
    auto parent = f.base.substr(f.base.find('.') + 1);
    if (f.serves(parent) || (parent.find('.') != std::string::npos && !f.serves(f.base))) f.base = std::move(parent);
    return f;
}

bool facts::serves(std::string_view domain) const noexcept { return std::ranges::binary_search(domains, domain); }

std::string domain_of(std::string_view address)
{
    auto const at = address.rfind('@');
    if (at == std::string_view::npos || at == 0) return {};
    auto domain = mail::parse_domain(address.substr(at + 1));
    return domain ? std::move(*domain) : std::string{};
}

std::string name_for(services const& s, std::string_view domain, std::size_t longest)
{
    std::string_view const all = s.name.empty() ? domain : std::string_view{s.name};
    std::size_t end = 0;
    while (end < all.size()) {
        std::uint32_t point = 0;
        auto const size = std::max<std::size_t>(utf8_sequence(all.substr(end), point), 1);
        if (end + size > longest) break;
        end += size;
    }
    return std::string{all.substr(0, end)};
}

std::string contact_for(services const& s, std::string_view domain)
{
    return s.contact.empty() ? "postmaster@" + std::string{domain} : s.contact;
}

}  // namespace postern::porter
