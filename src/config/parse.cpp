// From a file to settings: reads what the table of options knows, names what it
// doesn't, and checks what concerns several keys at once.
#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include <unistd.h>

#include "base/listener_address.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "config/option.hpp"
#include "config/route_checks.hpp"
#include "config/row_checks.hpp"
#include "config/rows.hpp"
#include "config/values.hpp"
#include "mail/address.hpp"

namespace postern::config {
namespace {

bool is_section(std::string_view name)
{
    auto const all = sections();
    return !name.empty() && std::any_of(all.begin(), all.end(), [&](auto const& s) { return s.name == name; });
}

// What an unknown key may have meant, as a question; or nothing.
std::string guess(std::string_view section, std::string_view key)
{
    std::vector<std::string> here, elsewhere;
    for (auto const& o : options()) {
        if (section_of(o.name) == section)
            here.emplace_back(last_part(o.name));
        else if (equal_ignoring_case(last_part(o.name), key))
            elsewhere.emplace_back(o.name);
    }
    if (section.empty()) {
        here.emplace_back("listener");
        here.emplace_back("backend");
        here.emplace_back("auth_socket");
        here.emplace_back("route");
        here.emplace_back("smart_host");
        here.emplace_back("tls_policy");
        here.emplace_back("milter");
        for (auto const& s : sections())
            if (!s.name.empty()) here.emplace_back(s.name);
    }
    if (section == "tls" || section == "auth") here.emplace_back("certificates");
    if (section == "kerberos") here.insert(here.end(), {"realms", "principals"});
    if (section == "limits") here.emplace_back("sending");
    if (section == "oauth") here.emplace_back("issuers");
    if (section == "dkim") here.emplace_back("keys");
    if (!elsewhere.empty()) {
        auto const where = section_of(elsewhere.front());
        return "; did you mean " + code(elsewhere.front()) + ", which belongs " +
               (where.empty() ? std::string("above the first section") : "into [" + std::string(where) + ']') + '?';
    }
    auto const meant = nearest(key, here);
    return meant.empty() ? std::string{} : "; did you mean " + code(join(section, meant)) + '?';
}

class parser {
public:
    parser(settings& s, reader& r) : s_(s), r_(r) {}

    void read(node const& root)
    {
        for (std::size_t i = 0; i < root.keys.size(); ++i) {
            auto const& key = root.keys[i];
            auto const& value = root.items[i];
            if (key.name == "listener") {
                s_.listeners = read_rows(value, key.name, listener_options(), r_);
                if (value.kind == node_kind::list && s_.listeners.size() == value.items.size())
                    check_listeners(value, s_.listeners, r_);
            } else if (key.name == "backend") {
                s_.backends = read_rows(value, key.name, backend_options(), r_);
                if (value.kind == node_kind::list && s_.backends.size() == value.items.size())
                    check_backends(value, s_.backends, r_);
            } else if (key.name == "auth_socket") {
                s_.auth_sockets = read_rows(value, key.name, auth_socket_options(), r_);
                if (value.kind == node_kind::list && s_.auth_sockets.size() == value.items.size())
                    check_auth_sockets(value, s_.auth_sockets, r_);
            } else if (key.name == "route") {
                s_.routes = read_rows(value, key.name, route_options(), r_);
            } else if (key.name == "smart_host") {
                s_.smart_hosts = read_rows(value, key.name, smart_host_options(), r_);
            } else if (key.name == "tls_policy") {
                s_.tls_policy = read_rows(value, key.name, tls_rule_options(), r_);
                if (value.kind == node_kind::list && s_.tls_policy.size() == value.items.size())
                    check_tls_rules(value, s_.tls_policy, r_);
            } else if (key.name == "milter") {
                s_.milters = read_rows(value, key.name, milter_options(), r_);
                if (value.kind == node_kind::list && s_.milters.size() == value.items.size())
                    check_milters(value, s_.milters, r_);
            } else if (!is_section(key.name)) {
                read_key({}, key, value);
            } else if (value.kind != node_kind::table) {
                r_.option = key.name;
                r_.bad(value, "is a section: write [" + key.name + "] on a line of its own");
            } else {
                for (std::size_t j = 0; j < value.keys.size(); ++j) read_key(key.name, value.keys[j], value.items[j]);
            }
        }
        check_certificates(root);
        check_acme(root);
        check_oauth(root);
        check_metrics(root);
        check_routes(root, s_, r_);
    }

private:
    void read_key(std::string_view section, node::key const& key, node const& value)
    {
        auto const name = join(section, key.name);
        if (name == "tls.certificates") {
            s_.tls.more = read_rows(value, name, certificate_options(), r_);
            for (std::size_t i = 0; i < s_.tls.more.size() && i < value.items.size(); ++i)
                check_pair(s_.tls.more[i].chain, s_.tls.more[i].private_key, value.items[i].at);
            return;
        }
        if (name == "auth.certificates") {
            s_.auth.certificates = read_rows(value, name, bound_certificate_options(), r_);
            need_all_keys(value, bound_certificate_options().size(), "set both account and key");
            return;
        }
        if (name == "kerberos.realms") {
            s_.kerberos.realms = read_rows(value, name, kerberos_realm_options(), r_);
            need_all_keys(value, kerberos_realm_options().size(), "set both realm and domain");
            for (std::size_t i = 0; i < s_.kerberos.realms.size() && i < value.items.size(); ++i)
                check_realm(i, value.items[i]);
            return;
        }
        if (name == "kerberos.principals") {
            s_.kerberos.principals = read_rows(value, name, kerberos_principal_options(), r_);
            need_all_keys(value, kerberos_principal_options().size(), "set both principal and account");
            return;
        }
        if (name == "oauth.issuers") {
            s_.oauth.more = read_rows(value, name, issuer_options(), r_);
            for (std::size_t i = 0; i < s_.oauth.more.size() && i < value.items.size(); ++i)
                check_issuer(s_.oauth.more[i], name, value.items[i].at);
            return;
        }
        if (name == "limits.sending") {
            s_.limits.sending = read_rows(value, name, sending_options(), r_);
            for (std::size_t i = 0; i < s_.limits.sending.size() && i < value.items.size(); ++i)
                check_sending(s_.limits.sending[i], value.items[i]);
            return;
        }
        if (name == "dkim.keys") {
            s_.dkim.keys = read_rows(value, name, dkim_key_options(), r_);
            for (std::size_t i = 0; i < s_.dkim.keys.size() && i < value.items.size(); ++i)
                check_dkim_key(s_.dkim.keys, i, value.items[i]);
            return;
        }
        auto const all = options();
        auto const at = std::find_if(all.begin(), all.end(), [&](auto const& o) { return o.name == name; });
        if (at == all.end() || key.name.find('.') != std::string::npos) {
            r_.bad_place(key.at, "unknown key " + code(name) + guess(section, key.name));
            return;
        }
        r_.option = name;
        at->read(s_, value, r_);
    }

    void check_sending(sending_limit& l, node const& where)
    {
        r_.option = "limits.sending.match";
        if (l.match.empty()) return;
        if (l.per == limit_scope::network) {
            if (!network::parse(l.match)) r_.bad(where, quote(printable(l.match, 60)) + " is not a network");
            return;
        }
        // One app password of an account: its id stands behind the address.
        std::string id;
        if (auto const hash = l.match.rfind('#'); l.per == limit_scope::app_password && hash != std::string::npos) {
            id = l.match.substr(hash);
            if (parse_number<std::uint64_t>(std::string_view{id}.substr(1))) l.match.resize(hash);
        }
        auto const at = l.match.rfind('@');
        auto const domain = mail::parse_domain(at == std::string::npos ? l.match : l.match.substr(at + 1));
        bool const fits = domain && (at == std::string::npos) == (l.per == limit_scope::domain);
        if (!fits) {
            r_.bad(where, quote(printable(l.match, 60)) + (l.per == limit_scope::domain
                                                               ? " is not a domain such as \"example.com\""
                                                               : " is not an account or \"@example.com\""));
            return;
        }
        l.match = at == std::string::npos ? *domain : to_lower(l.match.substr(0, at + 1)) + *domain + id;
    }

    void check_dkim_key(std::vector<dkim_key>& all, std::size_t i, node const& where)
    {
        auto& k = all[i];
        r_.option = "dkim.keys";
        if (where.keys.size() < dkim_key_options().size()) return r_.bad(where, "set domain, selector and private_key");
        k.domain = mail::parse_domain(k.domain).value_or(k.domain);
        k.selector = to_lower(k.selector);
        bool const twice = std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i),
                                       [&](auto const& o) { return o.domain == k.domain && o.selector == k.selector; });
        if (twice) r_.bad(where, quote(k.selector) + " of " + quote(k.domain) + " is there twice");
    }

    void check_certificates(node const& root)
    {
        for (std::size_t i = 0; i < root.keys.size(); ++i)
            if (root.keys[i].name == "tls") check_pair(s_.tls.certificate, s_.tls.private_key, place_in(root.items[i]));
        for (std::size_t i = 0; i < root.keys.size(); ++i)
            if (root.keys[i].name == "web") check_pair(s_.web.certificate, s_.web.private_key, place_in(root.items[i]));
    }

    void check_acme(node const& root)
    {
        for (std::size_t i = 0; i < root.keys.size(); ++i) {
            if (root.keys[i].name != "acme" || s_.acme.directory.empty()) continue;
            auto const at = root.items[i].at;
            if (!is_confidential_url(s_.acme.directory)) r_.bad_place(at, "acme.directory must begin with https://");
            if (!s_.acme.agree)
                r_.bad_place(at, "set acme.agree = true if you agree to the terms of service of " + s_.acme.directory);
            if (s_.acme.external_account.empty() != s_.acme.external_key_file.empty())
                r_.bad_place(at,
                             "External Account Binding needs both acme.external_account and "
                             "acme.external_key_file");
        }
    }

    // There is no login, so only this machine may ask unless somebody wants it otherwise.
    void check_metrics(node const& root)
    {
        if (s_.metrics.address.empty() || s_.metrics.beyond_this_machine || is_on_loopback(s_.metrics.address)) return;
        for (std::size_t i = 0; i < root.keys.size(); ++i) {
            if (root.keys[i].name != "metrics") continue;
            r_.bad_place(place_in(root.items[i]),
                         "metrics.address " + quote(printable(s_.metrics.address, 60)) +
                             " is no address that only this machine can reach, such as \"127.0.0.1:9154\"; if "
                             "others shall read the numbers, set metrics.beyond_this_machine");
        }
    }

    void check_oauth(node const& root)
    {
        auto const at =
            std::find_if(root.keys.begin(), root.keys.end(), [](auto const& k) { return k.name == "oauth"; });
        if (at == root.keys.end()) return;
        auto const& more = s_.oauth.more;
        if (s_.oauth.issuer.empty()) {
            if (!more.empty())
                r_.bad_place(at->at, "there are oauth.issuers, but the first one, oauth.issuer, is not set");
            return;
        }
        check_issuer(s_.oauth, "oauth", at->at);
        for (std::size_t i = 0; i < more.size(); ++i) {
            bool const twice = more[i].issuer == s_.oauth.issuer ||
                               std::any_of(more.begin(), more.begin() + static_cast<std::ptrdiff_t>(i),
                                           [&](auto const& other) { return other.issuer == more[i].issuer; });
            if (twice)
                r_.bad_place(at->at, "oauth.issuers: " + quote(printable(more[i].issuer, 100)) + " is there twice");
        }
    }

    // Each of these is what keeps strangers out.
    void check_issuer(token_issuer const& o, std::string const& where, place at)
    {
        auto const bad = [&](std::string const& what) { r_.bad_place(at, where + what); };
        bool const findable = is_confidential_url(o.issuer);
        if (o.issuer.empty()) return bad(": an issuer is missing");
        if (o.audience.empty()) bad(".issuer is set, but not " + where + ".audience");
        if (o.account_claim.empty()) bad(".issuer is set, but " + where + ".account_claim is empty");
        if (o.keys.empty() && o.introspect != "only" && !findable)
            bad(".issuer is no https URL where keys could be found, and " + where + ".keys is not set");
        if (o.keys.find("://") != std::string::npos && !is_confidential_url(o.keys))
            bad(".keys: whoever is on the way could put keys of their own; take an https URL or a file");
        bool const asks = o.introspect != "opaque" || !o.client_id.empty() || !o.bearer.empty();
        if (asks && o.introspection.empty() && !findable)
            bad(".issuer is no https URL where it could be asked, and " + where + ".introspection is not set");
        if (o.client_id.empty() != o.client_secret.empty())
            bad(": client_id and client_secret belong together: set both or none");
        if (!o.client_id.empty() && !o.bearer.empty()) bad(": either client_id or bearer, not both");
    }

    void check_realm(std::size_t row, node const& where)
    {
        auto const& all = s_.kerberos.realms;
        auto const before = all.begin() + static_cast<std::ptrdiff_t>(row);
        if (std::any_of(all.begin(), before, [&](auto const& other) { return other.realm == before->realm; }))
            r_.bad(where, quote(before->realm) + " is there twice");
    }

    /// The rows of a list in which no key can be left out.
    void need_all_keys(node const& list, std::size_t keys, std::string const& what)
    {
        if (list.kind != node_kind::list) return;
        for (auto const& item : list.items)
            if (item.kind == node_kind::table && item.keys.size() < keys) r_.bad(item, what);
    }

    static place place_in(node const& tls)
    {
        for (auto const& k : tls.keys)
            if (k.name == "certificate" || k.name == "private_key") return k.at;
        return tls.at;
    }

    void check_pair(std::filesystem::path const& chain, std::filesystem::path const& key, place at)
    {
        if (chain.empty() == key.empty()) return;
        r_.bad_place(at, chain.empty() ? "there is a private_key without its certificate: set both or none"
                                       : "there is a certificate without its private_key: set both or none");
    }

    settings& s_;
    reader& r_;
};

// The machine's name with its domain, when the system knows it without asking the network.
std::string machine_name()
{
    std::array<char, 256> buffer{};
    if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return "localhost";
    std::string const name = buffer.data();
    if (name.find('.') == std::string::npos) {
        std::ifstream hosts("/etc/hosts");
        std::string line;
        for (int n = 0; n < 10'000 && std::getline(hosts, line); ++n) {
            std::istringstream words(line.substr(0, line.find('#')));
            std::string address, full, other;
            words >> address >> full;
            if (full.starts_with(name + '.') && mail::parse_domain(full)) return *mail::parse_domain(full);
        }
    }
    if (auto const domain = mail::parse_domain(name)) return *domain;
    return "localhost";
}

}  // namespace

std::string problem::to_string() const
{
    std::string out = file.string();
    if (line != 0) out += ':' + std::to_string(line) + ':' + std::to_string(column);
    if (!out.empty()) out += ": ";
    return out + text;
}

void reader::bad(node const& where, std::string what)
{
    bad_place(where.at, option.empty() ? std::move(what) : code(option) + ": " + what);
}

void reader::bad_place(place at, std::string what)
{
    // A file full of nonsense needs no thousand messages.
    if (problems_.size() < 100) problems_.push_back({file_, at.line, at.column, std::move(what)});
}

std::optional<settings> parse(std::string_view toml, std::string_view name, std::vector<problem>& problems)
{
    auto const before = problems.size();
    auto const root = read_tree(toml, name, problems);
    if (!root) return std::nullopt;
    settings s;
    reader r(name, problems);
    parser(s, r).read(*root);
    std::stable_sort(
        problems.begin() + static_cast<std::ptrdiff_t>(before), problems.end(),
        [](auto const& a, auto const& b) { return std::pair(a.line, a.column) < std::pair(b.line, b.column); });
    if (problems.size() != before) return std::nullopt;
    if (s.hostname.empty()) s.hostname = machine_name();
    if (s.listeners.empty()) s.listeners = default_listeners();
    return s;
}

std::vector<std::string> all_mechanisms(settings const& s)
{
    auto all = s.auth.mechanisms;
    for (auto const& l : s.listeners) all.insert(all.end(), l.mechanisms.begin(), l.mechanisms.end());
    for (auto const& a : s.auth_sockets) all.insert(all.end(), a.mechanisms.begin(), a.mechanisms.end());
    return all;
}

}  // namespace postern::config
