#include "config/ldap_values.hpp"

#include "base/ip.hpp"
#include "base/text.hpp"
#include "config/values.hpp"

namespace postern::config {
namespace {

bool has(std::string_view pattern, std::string_view letters)
{
    for (std::size_t i = 0; i + 1 < pattern.size(); ++i) {
        if (pattern[i] != '%') continue;
        if (letters.find(pattern[++i]) != std::string_view::npos) return true;
    }
    return false;
}

bool names_a_user(std::string_view pattern, std::string& why)
{
    if (!has_known_letters(pattern, why)) return false;
    if (has(pattern, "un")) return true;
    why = quote(printable(pattern, 100)) +
          " is the same for all users: write %u for the address, or %n for what is "
          "before its @";
    return false;
}

/// A filter or a DN that says nothing of the domain is the same for anna@one and anna@two.
bool says_the_domain(std::string_view pattern) { return pattern.empty() || has(pattern, "ud"); }

struct url_parts {
    std::string_view scheme, rest;
};

url_parts split(std::string_view url)
{
    auto const at = url.find("://");
    if (at == std::string_view::npos) return {};
    return {url.substr(0, at), url.substr(at + 3)};
}

bool is_this_host(std::string_view host_and_port)
{
    auto const bracketed = host_and_port.starts_with('[');
    auto const host = bracketed ? host_and_port.substr(1, host_and_port.find(']') - 1)
                                : host_and_port.substr(0, host_and_port.find(':'));
    if (host.empty() || equal_ignoring_case(host, "localhost")) return true;
    auto const address = ip_address::parse(host);
    return address && address->is_loopback();
}

}  // namespace

bool is_ldap_url(std::string_view text, std::string& why)
{
    auto const [scheme, rest] = split(text);
    bool fine = text.size() <= 1024 && rest.find_first_of("/?# \t\"<>\\") == std::string_view::npos && is_ascii(text);
    if (scheme == "ldapi")
        fine = fine && (rest.empty() || rest.starts_with("%2F") || rest.starts_with("%2f"));
    else if (scheme == "ldap" || scheme == "ldaps")
        fine = fine && !rest.empty() && rest.find('%') == std::string_view::npos &&
               (is_host_and_port(rest) || is_host_and_port(std::string(rest) + ":389"));
    else
        fine = false;
    if (!fine)
        why = quote(printable(text, 100)) +
              " is not a server such as \"ldaps://ldap.example.com\", \"ldap://ldap.example.com:389\" or "
              "\"ldapi://%2Frun%2Fslapd%2Fldapi\"; the base and the filter have keys of their own";
    return fine;
}

bool is_ldap_filter(std::string_view text, std::string& why)
{
    int open = 0;
    bool closed_early = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\')
            i += 2;
        else if (text[i] == '(')
            ++open;
        else if (text[i] == ')')
            closed_early = --open == 0 && i + 1 != text.size();
        if (open < 0 || closed_early) break;
    }
    if (!text.starts_with('(') || open != 0 || closed_early || text.size() > 4096) {
        why = quote(printable(text, 100)) + " is not a filter in parentheses, such as \"(mail=%u)\"";
        return false;
    }
    return names_a_user(text, why);
}

bool is_ldap_name_pattern(std::string_view text, std::string& why)
{
    if (text.find('=') == std::string_view::npos || text.size() > 4096) {
        why = quote(printable(text, 100)) + " is not a name such as \"uid=%n,ou=people,dc=example,dc=com\"";
        return false;
    }
    return names_a_user(text, why);
}

std::vector<std::string> ldap_problems(backend const& b)
{
    auto const& l = b.ldap;
    std::vector<std::string> found;
    if (l.urls.empty()) found.emplace_back("a key is missing, such as urls = [\"ldaps://ldap.example.com\"]");
    bool const fetch = l.passwords == "fetch";
    if (l.bind_dn.empty() && l.filter.empty())
        found.emplace_back(
            "a key is missing, such as filter = \"(mail=%u)\", or bind_dn = "
            "\"uid=%n,ou=people,dc=example,dc=com\"");
    if (fetch && l.filter.empty())
        found.emplace_back("passwords = \"fetch\" needs a filter, such as filter = \"(mail=%u)\"");
    if (fetch && !l.bind_dn.empty()) found.emplace_back("bind_dn is for passwords = \"bind\" only");
    if ((!l.filter.empty() || !l.recipient_filter.empty()) && l.base.empty())
        found.emplace_back("a filter needs a base, such as base = \"ou=people,dc=example,dc=com\"");
    if (!l.bind_dn.empty() && !l.filter.empty())
        found.emplace_back(
            "bind_dn finds the user without a filter: leave out one of them (recipient_filter may stay)");
    for (auto const& pattern : {l.filter, l.recipient_filter, l.bind_dn})
        if (!says_the_domain(pattern) && b.domain.empty())
            found.push_back(quote(printable(pattern, 100)) +
                            " would let in users of any domain: say domain = \"example.com\", or write %u or %d");
    if (l.service_dn.empty() != b.password_file.empty())
        found.emplace_back("service_dn and password_file belong together");
    for (auto const& url : l.urls) {
        auto const [scheme, rest] = split(url);
        if (scheme == "ldap" && l.tls == tls_mode::none && !l.plaintext && !is_this_host(rest))
            found.push_back("passwords would travel unencrypted to " + url +
                            ": tls = \"starttls\", or ldaps://, or plaintext = true where nobody can listen");
    }
    return found;
}

}  // namespace postern::config
