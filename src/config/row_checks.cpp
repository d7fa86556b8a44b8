#include "config/row_checks.hpp"

#include <algorithm>

#include "config/ldap_values.hpp"
#include "config/values.hpp"
#include "mail/address.hpp"

namespace postern::config {

void check_listeners(node const& list, std::vector<listener> const& all, reader& r)
{
    for (std::size_t i = 0; i < all.size() && i < list.items.size(); ++i) {
        auto const& l = all[i];
        auto const& keys = list.items[i].keys;
        bool const given = std::any_of(keys.begin(), keys.end(), [](auto const& k) { return k.name == "address"; });
        if (!given) {
            r.option = "listener";
            r.bad(list.items[i], "an address is missing, such as address = \":587\"");
        }
        bool const twice =
            !l.address.ends_with(":0") && std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i),
                                                      [&](auto const& other) { return other.address == l.address; });
        r.option = "listener.address";
        if (given && twice && !l.address.empty()) r.bad(list.items[i], quote(l.address) + " is there twice");
    }
}

void check_backends(node const& list, std::vector<backend> const& all, reader& r)
{
    for (std::size_t i = 0; i < all.size() && i < list.items.size(); ++i) {
        auto const& b = all[i];
        auto const& keys = list.items[i].keys;
        auto const given = [&](std::string_view name) {
            return std::any_of(keys.begin(), keys.end(), [&](auto const& k) { return k.name == name; });
        };
        r.option = "backend";
        auto const need = [&](std::string_view key, std::string_view such_as) {
            if (!given(key))
                r.bad(list.items[i],
                      "a key is missing, such as " + std::string(key) + " = \"" + std::string(such_as) + '"');
        };
        need("name", "office");
        need("type", "files");
        if (b.type == "files") need("path", "/etc/dovecot/users");
        if (b.type == "dovecot") need("path", "/run/dovecot/auth-postern");
        if (b.type == "pam") need("domain", "example.com");
        if (b.type == "postgresql") {
            need("connection", "host=db.example.com dbname=mail user=postern sslmode=verify-full");
            need("user_query", "SELECT password FROM users WHERE address = $1");
        }
        if (b.type == "ldap")
            for (auto& what : ldap_problems(b)) r.bad(list.items[i], std::move(what));
        bool const others_before = std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i),
                                               [](auto const& other) { return other.type != "files"; });
        if (b.type == "files" && others_before)
            r.bad(list.items[i], "files are asked before other programs: put this table before theirs");
        if (b.format == "shadow" && b.domain.empty())
            r.bad(list.items[i],
                  "the names in a shadow file are no addresses: say which domain they belong to, such "
                  "as domain = \"example.com\"");
        bool const twice = std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i),
                                       [&](auto const& other) { return other.name == b.name; });
        if (twice && !b.name.empty()) r.bad(list.items[i], quote(b.name) + " is there twice");
    }
}

void check_auth_sockets(node const& list, std::vector<auth_socket> const& all, reader& r)
{
    for (std::size_t i = 0; i < all.size() && i < list.items.size(); ++i) {
        auto const& a = all[i];
        auto const& at = list.items[i];
        r.option = "auth_socket";
        if (a.path.empty() == a.address.empty())
            r.bad(at, "needs either a path, such as path = \"/run/postern/auth\", or an address");
        if (!a.address.empty() && a.role == auth_role::master)
            r.bad(at, "who asks a master socket is not asked who he is: give it a path, and a mode");
        bool const twice =
            std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i),
                        [&](auto const& other) { return other.path == a.path && other.address == a.address; });
        if (twice) r.bad(at, quote(a.path.empty() ? a.address : a.path.string()) + " is there twice");
    }
}

void check_tls_rules(node const& list, std::vector<tls_rule>& all, reader& r)
{
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto& t = all[i];
        r.option = "tls_policy";
        if (t.domain.empty()) r.bad(list.items[i], "a domain is missing, such as domain = \"example.com\"");
        if (!t.mx.empty() && t.level != tls_level::verify) r.bad(list.items[i], "mx is for level = \"verify\"");
        bool const below = t.domain.starts_with('.');
        auto const name = mail::parse_domain(below ? std::string_view{t.domain}.substr(1) : t.domain);
        if (name) t.domain = (below ? "." : "") + *name;
        bool const twice = std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i),
                                       [&](auto const& other) { return other.domain == t.domain; });
        if (twice && !t.domain.empty()) r.bad(list.items[i], quote(t.domain) + " is there twice");
    }
}

void check_milters(node const& list, std::vector<milter> const& all, reader& r)
{
    for (std::size_t i = 0; i < all.size() && i < list.items.size(); ++i) {
        auto const& m = all[i];
        r.option = "milter";
        if (m.name.empty()) r.bad(list.items[i], "a key is missing, such as name = \"rspamd\"");
        if (m.address.empty())
            r.bad(list.items[i], "a key is missing, such as address = \"unix:/run/rspamd/milter.sock\"");
        if (m.roles.empty()) r.bad(list.items[i], "sees no mail without a role");
        bool const twice = std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i),
                                       [&](auto const& other) { return other.name == m.name; });
        if (twice && !m.name.empty()) r.bad(list.items[i], quote(m.name) + " is there twice");
    }
}

}  // namespace postern::config
