// Where a request goes: its target (RFC 9112 section 3.2) and Host field as host, path and query. What could mean one
// thing here and another thing elsewhere (`..`, an encoded slash, a backslash) is refused, not repaired.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern::web {

struct target {
    std::string host;   // in lower case, without port and last dot; IPv6 without brackets; empty: not said (HTTP/1.0)
    std::string path;   // as http::request wants it; but for "/" no slash at the end
    std::string query;  // without '?'
};

/// `text`: "/path?query" or "https://host/path?query". Nothing when it is neither, or leads somewhere unclear.
std::optional<target> parse_target(std::string_view text);
/// "Mail.Example.com:8443" as "mail.example.com"; nothing when it is no name or address.
std::optional<std::string> parse_host(std::string_view field);

}  // namespace postern::web
