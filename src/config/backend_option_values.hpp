// The types of the options of back ends. Used by their table alone.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "config/ldap_values.hpp"
#include "config/option_values.hpp"

namespace postern::config::types {

struct backend_type_words {
    static constexpr std::string_view name = "\"files\", \"pam\", \"dovecot\", \"postgresql\" or \"ldap\"";
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> all{
        {{"files", "files"}, {"pam", "pam"}, {"dovecot", "dovecot"}, {"postgresql", "postgresql"}, {"ldap", "ldap"}}};
};

struct file_format_words {
    static constexpr std::string_view name = "\"dovecot\", \"htpasswd\" or \"shadow\"";
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> all{
        {{"dovecot", "dovecot"}, {"htpasswd", "htpasswd"}, {"shadow", "shadow"}}};
};

struct ldap_tls_words {
    static constexpr std::string_view name = "\"starttls\" or \"none\"";
    static constexpr std::array<std::pair<std::string_view, tls_mode>, 2> all{
        {{"starttls", tls_mode::starttls}, {"none", tls_mode::none}}};
};

struct ldap_password_words {
    static constexpr std::string_view name = "\"bind\" or \"fetch\"";
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 2> all{
        {{"bind", "bind"}, {"fetch", "fetch"}}};
};

struct backend_name {
    static constexpr std::string_view name = "name";
    static bool accepts(std::string_view text, std::string& why)
    {
        constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyz0123456789-_";
        if (!text.empty() && text.size() <= 64 && text.find_first_not_of(known) == std::string_view::npos) return true;
        why = "expected a name of 1 to 64 small letters, digits, - or _";
        return false;
    }
};

/// Where to connect to. What `config show` and errors print must not hold a secret.
struct connection_text {
    static constexpr std::string_view name = "text";
    static bool accepts(std::string_view text, std::string& why)
    {
        if (text.find('\0') == std::string_view::npos && !has_password(text)) return true;
        why = "expected a connection without a password: write that into the file that password_file names";
        return false;
    }

private:
    static bool has_password(std::string_view text)
    {
        // "password = x", "sslpassword=x", "?password=x"
        for (std::size_t at = text.find("password"); at != std::string_view::npos; at = text.find("password", at + 1)) {
            auto const next = text.find_first_not_of(" \t", at + 8);
            if (next != std::string_view::npos && text[next] == '=') return true;
        }
        // "postgresql://user:x@host"
        auto const begin = text.find("://");
        if (begin == std::string_view::npos) return false;
        auto const rest = text.substr(begin + 3);
        auto const whom = rest.substr(0, rest.find('@'));
        return whom.size() < rest.size() && whom.find_first_of("/?") == std::string_view::npos &&
               whom.find(':') != std::string_view::npos;
    }
};

struct service_name {
    static constexpr std::string_view name = "name";
    static bool accepts(std::string_view text, std::string& why)
    {
        constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
        if (!text.empty() && text.size() <= 64 && text.find_first_not_of(known) == std::string_view::npos) return true;
        why = "expected the name of a file in /etc/pam.d, such as \"postern\"";
        return false;
    }
};

struct scheme_name {
    static constexpr std::string_view name = "scheme";
    static bool accepts(std::string_view text, std::string& why)
    {
        constexpr std::string_view known = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
        if (text.size() <= 32 && text.find_first_not_of(known) == std::string_view::npos) return true;
        why = "expected a password scheme such as \"SHA256\"";
        return false;
    }
};

struct ldap_url_item {
    static constexpr std::string_view list_name = "list of URLs";
    static constexpr std::string_view list_example = "[\"ldaps://ldap.example.com\"]";
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "a URL in quotes", r)) return false;
        std::string why;
        if (!is_ldap_url(n.text, why)) {
            r.bad(n, why);
            return false;
        }
        out = n.text;
        return true;
    }
    static std::string write_item(std::string const& value) { return quote(value); }
};

struct ldap_filter {
    static constexpr std::string_view name = "LDAP filter";
    static bool accepts(std::string_view text, std::string& why) { return is_ldap_filter(text, why); }
};

struct ldap_name_pattern {
    static constexpr std::string_view name = "distinguished name";
    static bool accepts(std::string_view text, std::string& why) { return is_ldap_name_pattern(text, why); }
};

struct ldap_attribute {
    static constexpr std::string_view name = "LDAP attribute";
    static bool accepts(std::string_view text, std::string& why)
    {
        constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.;";
        if (!text.empty() && text.size() <= 128 && text.find_first_not_of(known) == std::string_view::npos) return true;
        why = "expected the name of an attribute, such as \"mail\"";
        return false;
    }
};

}  // namespace postern::config::types
