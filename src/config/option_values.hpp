// The types of single options: words with a meaning of their own. Used by the tables of options
// alone; those of logging in and of back ends stand in login_option_values.hpp and
// backend_option_values.hpp.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/listener_address.hpp"
#include "config/option_types.hpp"
#include "mail/address.hpp"
#include "mail/dkim_record.hpp"

namespace postern::config::types {

struct role_words {
    static constexpr std::string_view name = "\"submission\" or \"mx\"";
    static constexpr std::array<std::pair<std::string_view, role>, 2> all{
        {{"submission", role::submission}, {"mx", role::mx}}};
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

struct file_mode {
    static constexpr std::string_view name = "mode";
    static bool accepts(std::string_view t, std::string& why)
    {
        bool const octal = t.size() == 4 && t[0] == '0' && t.find_first_not_of("01234567") == std::string_view::npos;
        if (!octal) why = "expected four octal digits such as \"0660\"";
        return octal;
    }
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

struct selector_name {
    static constexpr std::string_view name = "selector";
    static bool accepts(std::string_view text, std::string& why)
    {
        if (mail::parse_selector(text)) return true;
        why = quote(printable(text, 60)) + " is not a selector such as \"mail\" or \"2026\"";
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

struct listen_address {
    static constexpr std::string_view name = "address:port";
    static bool accepts(std::string_view t, std::string& why)
    {
        if (parse_listener_address(t)) return true;
        why = quote(printable(t, 60)) +
              " is not an address to listen on, such as \":587\" (all addresses), \"127.0.0.1:587\" or \"[::1]:587\"";
        return false;
    }
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

struct acme_challenge_words {
    static constexpr std::string_view name = "\"auto\", \"http-01\" or \"tls-alpn-01\"";
    static constexpr std::array<std::pair<std::string_view, acme_challenge>, 3> all{
        {{"auto", acme_challenge::any},
         {"http-01", acme_challenge::http_01},
         {"tls-alpn-01", acme_challenge::tls_alpn_01}}};
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

}  // namespace postern::config::types
