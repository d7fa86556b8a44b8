// The types of the options of [transport] and [[tls_policy]]. Used by options_transport.cpp alone.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "config/option_types.hpp"
#include "mail/address.hpp"

namespace postern::config::types {

struct tls_level_words {
    static constexpr std::string_view name =
        "\"none\", \"opportunistic\", \"published\", \"encrypt\", \"verify\" or \"dane\"";
    static constexpr std::array<std::pair<std::string_view, tls_level>, 6> all{
        {{"none", tls_level::none},
         {"opportunistic", tls_level::opportunistic},
         {"published", tls_level::published},
         {"encrypt", tls_level::encrypt},
         {"verify", tls_level::verify},
         {"dane", tls_level::dane}}};
};

/// A domain, all domains below one, or all.
struct domain_pattern {
    static constexpr std::string_view name = "domain";
    static bool accepts(std::string_view text, std::string& why)
    {
        if (text == "*" || mail::parse_domain(text.starts_with('.') ? text.substr(1) : text)) return true;
        why = quote(printable(text, 60)) +
              " is no domain such as \"example.com\", \".example.com\" (all below it) or \"*\"";
        return false;
    }
};

struct mx_pattern_item {
    static constexpr std::string_view list_name = "list of names";
    static constexpr std::string_view list_example = "[\"mx.example.net\", \"*.mail.example.net\"]";
    static bool read_item(std::string& out, node const& n, reader& r)
    {
        if (!expect(n, node_kind::text, "a name in quotes", r)) return false;
        std::string_view const text = n.text;
        auto const host = mail::parse_domain(text.starts_with("*.") ? text.substr(2) : text);
        if (!host) {
            r.bad(n, quote(printable(text, 60)) +
                         " is no name of a server such as \"mx.example.net\" or \"*.example.net\"");
            return false;
        }
        out = (text.starts_with("*.") ? "*." : "") + *host;
        return true;
    }
    static std::string write_item(std::string const& value) { return quote(value); }
};

}  // namespace postern::config::types
