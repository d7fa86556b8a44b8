// The types of options that only routes and smart hosts have. Used by route_options.cpp alone.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "config/backend_option_values.hpp"
#include "config/login_option_values.hpp"
#include "config/option_values.hpp"

namespace postern::config::types {

/// An address or a domain in small letters, as patterns are compared; nothing when it is neither.
inline std::optional<std::string> normal_pattern(std::string_view text)
{
    auto const at = text.rfind('@');
    if (at == std::string_view::npos) return mail::parse_domain(text);
    if (at == 0) {
        auto const domain = mail::parse_domain(text.substr(1));
        return domain ? std::optional{'@' + *domain} : std::nullopt;
    }
    auto const address = mail::parse_mailbox(text);
    return address ? std::optional{address->key()} : std::nullopt;
}

struct recipient_pattern {
    static constexpr std::string_view list_name = "list of domains or addresses";
    static constexpr std::string_view list_example = "[\"example.com\", \".example.org\"]";
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "a domain in quotes", r)) return false;
        std::string_view const text = n.text;
        bool const below = text.starts_with('.');
        auto const normal = text.starts_with('@') ? std::nullopt : normal_pattern(text.substr(below ? 1 : 0));
        if (!normal || (below && normal->find('@') != std::string::npos)) {
            r.bad(n,
                  quote(printable(text, 60)) +
                      " is not a domain such as \"example.com\", \".example.com\" for those below it, or an address");
            return false;
        }
        out = (below ? "." : "") + *normal;
        return true;
    }
    static std::string write_item(std::string const& value) { return quote(value); }
};

struct sender_pattern {
    static constexpr std::string_view list_name = "list of addresses";
    static constexpr std::string_view list_example = "[\"ann@example.com\", \"@example.com\"]";
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "an address in quotes", r)) return false;
        auto const normal = n.text.find('@') == std::string::npos ? std::nullopt : normal_pattern(n.text);
        if (!normal && n.text != "<>") {
            r.bad(n, quote(printable(n.text, 60)) + " is not an address, \"@example.com\" or \"<>\"");
            return false;
        }
        out = normal.value_or(n.text);
        return true;
    }
    static std::string write_item(std::string const& value) { return quote(value); }
};

struct route_target {
    static constexpr std::string_view name = "route";
    static bool accepts(std::string_view t, std::string& why)
    {
        constexpr std::string_view smart_host = "smart_host:";
        if (t == "mx" || t == "refuse" || t == "hold") return true;
        if (t.starts_with(smart_host)) return backend_name::accepts(t.substr(smart_host.size()), why);
        if (is_local_delivery(t, why)) return true;
        why = quote(printable(t, 60)) +
              " is not \"mx\", \"smart_host:NAME\", \"smtp:HOST:PORT\", \"lmtp:HOST:PORT\", \"lmtp:unix:PATH\", "
              "\"maildir:PATH\", \"refuse\" or \"hold\"";
        return false;
    }
};

struct refusal_text {
    static constexpr std::string_view name = "text";
    static bool accepts(std::string_view t, std::string& why)
    {
        bool const fine =
            t.size() <= 300 && std::all_of(t.begin(), t.end(), [](char c) { return c >= ' ' && c < 0x7f; });
        if (!fine) why = "expected one line of at most 300 ASCII characters";
        return fine;
    }
};

/// A secret: read, and never written.
struct hidden_text {
    static constexpr std::string_view name = "text";
    static void read(secret& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "text in quotes", r)) return;
        bool const fine = n.text.size() <= 1024 && n.text.find('\0') == std::string::npos;
        if (!fine) return r.bad(n, "the text is too long or holds a NUL");
        out = secret{n.text};
    }
    static std::string write(secret const& value) { return value.empty() ? "\"\"" : "\"(not shown)\""; }
};

/// Those that we speak as a client, too.
struct client_mechanism_item : mechanism_item {
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!mechanism_item::read_item(out, n, r)) return false;
        if (out != "GSSAPI") return true;
        r.bad(n, "Postern does not log in with GSSAPI at other servers");
        return false;
    }
};

}  // namespace postern::config::types
