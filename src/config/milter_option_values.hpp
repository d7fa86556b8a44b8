// Values of the options of mail from outside. Used by options_mx.cpp alone.
#pragma once

#include "config/backend_option_values.hpp"
#include "config/option_values.hpp"

namespace postern::config::types {

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

}  // namespace postern::config::types
