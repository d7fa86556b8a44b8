// The types of single options: words with a meaning of their own. Used by options.cpp alone.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/url.hpp"
#include "config/ldap_values.hpp"
#include "config/option_types.hpp"
#include "mail/address.hpp"
#include "mail/dkim_record.hpp"

namespace postern::config::types {

struct role_words {
    static constexpr std::string_view name = "\"submission\" or \"mx\"";
    static constexpr std::array<std::pair<std::string_view, role>, 2> all{
        {{"submission", role::submission}, {"mx", role::mx}}};
};

struct auth_role_words {
    static constexpr std::string_view name = "\"auth\" or \"master\"";
    static constexpr std::array<std::pair<std::string_view, auth_role>, 2> all{
        {{"auth", auth_role::auth}, {"master", auth_role::master}}};
};

struct milter_failure_words {
    static constexpr std::string_view name = "\"accept\", \"defer\" or \"refuse\"";
    static constexpr std::array<std::pair<std::string_view, milter_failure>, 3> all{
        {{"accept", milter_failure::accept}, {"defer", milter_failure::defer}, {"refuse", milter_failure::refuse}}};
};

struct dmarc_words {
    static constexpr std::string_view name = "\"refuse\", \"hold\" or \"mark\"";
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> all{
        {{"refuse", "refuse"}, {"hold", "hold"}, {"mark", "mark"}}};
};

struct local_sender_words {
    static constexpr std::string_view name = "\"verify\" or \"accept\"";
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 2> all{
        {{"verify", "verify"}, {"accept", "accept"}}};
};

struct dns_failure_words {
    static constexpr std::string_view name = "\"defer\" or \"accept\"";
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 2> all{
        {{"defer", "defer"}, {"accept", "accept"}}};
};

struct limit_scope_words {
    static constexpr std::string_view name = "\"account\", \"app_password\", \"domain\" or \"network\"";
    static constexpr std::array<std::pair<std::string_view, limit_scope>, 4> all{
        {{"account", limit_scope::account},
         {"app_password", limit_scope::app_password},
         {"domain", limit_scope::domain},
         {"network", limit_scope::network}}};
};

struct tls_words {
    static constexpr std::string_view name = "\"starttls\", \"implicit\" or \"none\"";
    static constexpr std::array<std::pair<std::string_view, tls_mode>, 3> all{
        {{"starttls", tls_mode::starttls}, {"implicit", tls_mode::implicit}, {"none", tls_mode::none}}};
};

struct tls_version_words {
    static constexpr std::string_view name = "\"1.2\" or \"1.3\"";
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 2> all{{{"1.2", "1.2"}, {"1.3", "1.3"}}};
};

struct dkim_failure_words {
    static constexpr std::string_view name = "\"send\" or \"defer\"";
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 2> all{
        {{"send", "send"}, {"defer", "defer"}}};
};

struct canonicalization_words {
    static constexpr std::string_view name =
        "\"relaxed/relaxed\", \"relaxed/simple\", \"simple/relaxed\" or \"simple/simple\"";
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> all{
        {{"relaxed/relaxed", "relaxed/relaxed"},
         {"relaxed/simple", "relaxed/simple"},
         {"simple/relaxed", "simple/relaxed"},
         {"simple/simple", "simple/simple"}}};
};

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

struct introspect_words {
    static constexpr std::string_view name = "\"opaque\", \"all\" or \"only\"";
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> all{
        {{"opaque", "opaque"}, {"all", "all"}, {"only", "only"}}};
};

struct log_format_words {
    static constexpr std::string_view name = "\"text\" or \"json\"";
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 2> all{
        {{"text", "text"}, {"json", "json"}}};
};

struct log_level_words {
    static constexpr std::string_view name = "\"error\", \"warning\", \"info\" or \"debug\"";
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> all{
        {{"error", "error"}, {"warning", "warning"}, {"info", "info"}, {"debug", "debug"}}};
};

// Texts that a check decides on. `Empty`: may be empty, which stands for "none".
template <class Check, bool Empty>
struct checked {
    static constexpr std::string_view name = Check::name;
    static void read(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "text in quotes", r)) return;
        std::string why;
        if ((Empty && n.text.empty()) || Check::accepts(n.text, why))
            out = n.text;
        else
            r.bad(n, why);
    }
    static std::string write(std::string const& value) { return quote(value); }
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

struct selector_name {
    static constexpr std::string_view name = "selector";
    static bool accepts(std::string_view text, std::string& why)
    {
        if (mail::parse_selector(text)) return true;
        why = quote(printable(text, 60)) + " is not a selector such as \"mail\" or \"2026\"";
        return false;
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

struct single_domain {
    static constexpr std::string_view name = "domain";
    static bool accepts(std::string_view text, std::string& why)
    {
        if (mail::parse_domain(text)) return true;
        why = "expected a domain such as \"example.com\"";
        return false;
    }
};

struct host_name {
    static constexpr std::string_view name = "host name";
    static bool accepts(std::string_view t, std::string& why)
    {
        if (mail::parse_domain(t)) return true;
        why = quote(printable(t, 60)) + " is not a host name such as \"mail.example.com\"";
        if (t.ends_with('.') && mail::parse_domain(t.substr(0, t.size() - 1))) why += ": leave out the dot at the end";
        return false;
    }
};

struct user_name {
    static constexpr std::string_view name = "user name";
    static bool accepts(std::string_view t, std::string& why)
    {
        bool const fine = !t.empty() && t.size() <= 64 && t.find_first_of(":/ \t\n") == std::string_view::npos &&
                          t.find('\0') == std::string_view::npos;
        if (!fine) why = quote(printable(t, 60)) + " is not a user name of this system";
        return fine;
    }
};

struct file_mode {
    static constexpr std::string_view name = "mode";
    static bool accepts(std::string_view t, std::string& why)
    {
        bool const octal = t.size() == 4 && t[0] == '0' && t.find_first_not_of("01234567") == std::string_view::npos;
        if (!octal) why = "expected four octal digits such as \"0660\"";
        return octal;
    }
};

struct loopback_address {
    static constexpr std::string_view name = "address:port";
    static bool accepts(std::string_view t, std::string& why)
    {
        auto const where = endpoint::parse(t);
        if (where && contains(loopback(), where->address)) return true;
        why = quote(printable(t, 60)) +
              " is no address that only this machine can reach, such as \"127.0.0.1:12345\": who reaches it may try "
              "passwords, and hears them";
        return false;
    }
};

struct host_and_port {
    static constexpr std::string_view name = "host:port";
    static bool accepts(std::string_view t, std::string& why)
    {
        if (is_host_and_port(t)) return true;
        why =
            quote(printable(t, 60)) + " is not \"host:port\", such as \"smtp.example.com:587\" or \"[2001:db8::1]:25\"";
        return false;
    }
};

/// Where a milter is.
struct milter_address {
    static constexpr std::string_view name = "unix:PATH or address:port";
    static bool accepts(std::string_view t, std::string& why)
    {
        // 108 octets are what the address of a Unix socket has room for, a NUL included.
        bool const is_socket = t.starts_with("unix:/") && t.size() < 5 + 108 && t.find('\0') == std::string_view::npos;
        auto const where = endpoint::parse(t);
        if (is_socket || (where && where->port != 0)) return true;
        why = quote(printable(t, 60)) +
              " is no place of a milter, such as \"unix:/run/rspamd/milter.sock\" or \"127.0.0.1:11332\"";
        return false;
    }
};

struct role_item {
    static constexpr std::string_view list_name = "list of roles";
    static constexpr std::string_view list_example = "[\"mx\"]";
    static bool read_item(role& out, node const& n, reader& r)
    {
        for (auto const& [word, value] : role_words::all) {
            if (n.kind != node_kind::text || n.text != word) continue;
            out = value;
            return true;
        }
        r.bad(n, "expected \"submission\" or \"mx\"");
        return false;
    }
    static std::string write_item(role value) { return quote(value == role::mx ? "mx" : "submission"); }
};

struct listen_address {
    static constexpr std::string_view name = "address:port";
    static bool accepts(std::string_view t, std::string& why)
    {
        if (is_listener_address(t)) return true;
        why = quote(printable(t, 60)) +
              " is not an address to listen on, such as \":587\" (all addresses), \"127.0.0.1:587\" or \"[::1]:587\"";
        return false;
    }
};

struct listen_address_item {
    static constexpr std::string_view list_name = "list of listeners";
    static constexpr std::string_view list_example = "[\":25\"]";
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "a listener's address in quotes", r)) return false;
        std::string why;
        if (!listen_address::accepts(n.text, why)) {
            r.bad(n, why);
            return false;
        }
        out = n.text;
        return true;
    }
    static std::string write_item(std::string const& value) { return quote(value); }
};

struct web_url {
    static constexpr std::string_view name = "URL";
    static bool accepts(std::string_view t, std::string& why)
    {
        bool const scheme = starts_with_ignoring_case(t, "https://") || starts_with_ignoring_case(t, "http://");
        auto const rest =
            t.substr(std::min(t.size(), t.find("//") == std::string_view::npos ? t.size() : t.find("//") + 2));
        bool const clean = std::all_of(t.begin(), t.end(), [](char c) { return c > ' ' && c < 0x7f; });
        if (scheme && clean && !rest.empty() && rest.front() != '/') return true;
        why = quote(printable(t, 60)) + " is not a web address such as \"https://mail.example.com\"";
        return false;
    }
};

struct confidential_url {
    static constexpr std::string_view name = "https URL";
    static bool accepts(std::string_view t, std::string& why)
    {
        if (is_confidential_url(t)) return true;
        why = quote(printable(t, 60)) + " is not an https URL (http will do within this machine only)";
        return false;
    }
};

struct local_delivery {
    static constexpr std::string_view name = "delivery";
    static bool accepts(std::string_view t, std::string& why) { return is_local_delivery(t, why); }
};

struct delimiter {
    static constexpr std::string_view name = "one character";
    static void read(char& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "one character in quotes", r)) return;
        constexpr std::string_view usable = "+-_.=#!$%&'*/?^`{|}~";
        if (n.text.size() > 1 || (n.text.size() == 1 && usable.find(n.text[0]) == std::string_view::npos))
            r.bad(n, "expected one of the characters " + std::string(usable) + " or \"\" for none");
        else
            out = n.text.empty() ? '\0' : n.text[0];
    }
    static std::string write(char value) { return quote(value == '\0' ? std::string{} : std::string(1, value)); }
};

struct domain_item {
    static constexpr std::string_view list_name = "list of domains";
    static constexpr std::string_view list_example = "[\"example.com\"]";
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "a domain in quotes", r)) return false;
        auto const domain = mail::parse_domain(n.text);
        if (!domain) {
            bool const dot = n.text.ends_with('.') && mail::parse_domain(n.text.substr(0, n.text.size() - 1));
            r.bad(n, quote(printable(n.text, 60)) + " is not a domain such as \"example.com\"" +
                         (dot ? ": leave out the dot at the end" : ""));
            return false;
        }
        out = *domain;
        return true;
    }
    static std::string write_item(std::string const& value) { return quote(value); }
};

struct word_item {
    static constexpr std::string_view list_name = "list of texts";
    static constexpr std::string_view list_example = "[\"postern\"]";
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "text in quotes", r)) return false;
        if (n.text.empty() || n.text.size() > 1024) {
            r.bad(n, "the text is empty or too long");
            return false;
        }
        out = n.text;
        return true;
    }
    static std::string write_item(std::string const& value) { return quote(value); }
};

struct field_name_item {
    static constexpr std::string_view list_name = "list of field names";
    static constexpr std::string_view list_example = "[\"From\", \"Subject\"]";
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "a field name in quotes", r)) return false;
        auto const fits = [](char c) { return c > ' ' && c < 0x7f && c != ':' && c != ';'; };
        bool const fine = !n.text.empty() && n.text.size() <= 64 && std::all_of(n.text.begin(), n.text.end(), fits);
        if (!fine) r.bad(n, quote(printable(n.text, 60)) + " is not the name of a field such as \"Subject\"");
        out = n.text;
        return fine;
    }
    static std::string write_item(std::string const& value) { return quote(value); }
};

struct name_server_item {
    static constexpr std::string_view list_name = "list of addresses";
    static constexpr std::string_view list_example = "[\"192.0.2.53\"]";
    static constexpr std::uint16_t domain_port = 53;
    static bool read_item(endpoint& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "an address in quotes", r)) return false;
        if (auto const alone = ip_address::parse(n.text)) {
            out = {*alone, domain_port};
            return true;
        }
        auto const both = endpoint::parse(n.text);
        if (!both || both->port == 0) {
            r.bad(n, quote(printable(n.text, 60)) +
                         " is not an address such as \"192.0.2.53\" or \"[2001:db8::53]:5353\"");
            return false;
        }
        out = *both;
        return true;
    }
    static std::string write_item(endpoint const& value)
    {
        return quote(value.port == domain_port ? value.address.to_string() : value.to_string());
    }
};

struct watched_account {
    static constexpr std::string_view list_name = "list of accounts";
    static constexpr std::string_view list_example = "[\"news@example.com\", \"@lists.example.com\"]";
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "an account in quotes", r)) return false;
        auto const at = n.text.rfind('@');
        auto const domain = at == std::string::npos ? std::nullopt : mail::parse_domain(n.text.substr(at + 1));
        if (!domain) {
            r.bad(n, quote(printable(n.text, 60)) + " is not an account or \"@example.com\"");
            return false;
        }
        out = to_lower(n.text.substr(0, at + 1)) + *domain;
        return true;
    }
    static std::string write_item(std::string const& value) { return quote(value); }
};

/// A key's SHA-256 as people copy it: hexadecimal digits, with or without colons.
struct key_digest {
    static constexpr std::string_view name = "SHA-256 of a public key";
    static void read(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "hexadecimal digits in quotes", r)) return;
        std::string digits;
        bool fine = true;
        for (char const c : n.text) {
            if (c == ':') continue;
            digits += lower(c);
            fine = fine && ((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f'));
        }
        if (!fine || digits.size() != 64)
            r.bad(n,
                  "expected the SHA-256 of a public key, 64 hexadecimal digits: openssl x509 -in CERTIFICATE -noout "
                  "-pubkey | openssl pkey -pubin -outform DER | sha256sum");
        else
            out = std::move(digits);
    }
    static std::string write(std::string const& value) { return quote(value); }
};

struct kerberos_service {
    static constexpr std::string_view name = "name";
    static bool accepts(std::string_view text, std::string& why)
    {
        constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
        if (!text.empty() && text.size() <= 64 && text.find_first_not_of(known) == std::string_view::npos) return true;
        why = "expected the first part of the service's principal, such as \"smtp\"";
        return false;
    }
};

struct realm_name {
    static constexpr std::string_view name = "realm";
    static bool accepts(std::string_view text, std::string& why)
    {
        bool const fine = !text.empty() && text.size() <= 255 && is_utf8(text) &&
                          text.find_first_of("@/\\ ") == std::string_view::npos &&
                          std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; });
        if (!fine) why = quote(printable(text, 60)) + " is not a Kerberos realm such as \"EXAMPLE.COM\"";
        return fine;
    }
};

struct principal_name {
    static constexpr std::string_view name = "principal";
    static bool accepts(std::string_view text, std::string& why)
    {
        auto const at = text.rfind('@');
        std::string ignored;
        bool const fine = at != std::string_view::npos && at != 0 && text.size() <= 1000 &&
                          realm_name::accepts(text.substr(at + 1), ignored) &&
                          std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; });
        if (!fine)
            why = quote(printable(text, 60)) + " is not a principal with its realm, such as \"anna@EXAMPLE.COM\"";
        return fine;
    }
};

struct full_address {
    static constexpr std::string_view name = "address";
    static void read(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "an address in quotes", r)) return;
        if (n.text.size() > 255 || n.text.find('@') == std::string::npos)
            r.bad(n, quote(printable(n.text, 60)) + " is not the address of an account");
        else
            out = n.text;
    }
    static std::string write(std::string const& value) { return quote(value); }
};

struct mail_address {
    static constexpr std::string_view name = "mail address";
    static bool accepts(std::string_view t, std::string& why)
    {
        if (mail::parse_mailbox(t)) return true;
        why = quote(printable(t, 60)) + " is not a mail address";
        return false;
    }
};

struct mechanism_item {
    static constexpr std::string_view list_name = "list of mechanisms";
    static constexpr std::string_view list_example = "[\"PLAIN\", \"LOGIN\"]";
    static constexpr std::array<std::string_view, 13> known{"SCRAM-SHA-512", "SCRAM-SHA-512-PLUS",
                                                            "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
                                                            "SCRAM-SHA-1",   "SCRAM-SHA-1-PLUS",
                                                            "OAUTHBEARER",   "XOAUTH2",
                                                            "EXTERNAL",      "GSSAPI",
                                                            "CRAM-MD5",      "PLAIN",
                                                            "LOGIN"};
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "a mechanism in quotes", r)) return false;
        out = to_upper(n.text);
        if (std::find(known.begin(), known.end(), out) != known.end()) return true;
        std::string what = quote(printable(n.text, 60)) + " is not a mechanism of this server, which has ";
        for (auto const name : known) {
            if (name != known.front()) what += name == known.back() ? " and " : ", ";
            what += name;
        }
        if (auto const meant = nearest(n.text, known); !meant.empty()) what += "; did you mean " + quote(meant) + '?';
        r.bad(n, std::move(what));
        return false;
    }
    static std::string write_item(std::string const& value) { return quote(value); }
};

}  // namespace postern::config::types
