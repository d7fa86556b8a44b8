// Which certificates there should be: whose names stand together in one. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/settings.hpp"

namespace postern::acme {

/// One certificate. Its `id` names its file, too.
struct group {
    std::string id;                  // "mail", "web", "web-example.com"
    bool for_mail = false;           // of the mail ports; else of the web pages, which never see the key of those
    std::vector<std::string> names;  // plain ASCII, lower case
    bool ours_for_sure = false;      // the server's own names; those of others are looked up before
};

/// As [acme] and the rest of the settings want it; `local_domains`: all that are served. Names that no
/// authority takes (no dot in them, addresses) are left out, and what is more than `most_groups`.
std::vector<group> groups_of(config::settings const& s, std::vector<std::string> const& local_domains);

inline constexpr std::size_t most_groups = 500;

/// Proofs that somebody of ours shows ("http-01", "tls-alpn-01"), the better first.
std::vector<std::string> kinds_of_proof(config::settings const& s);

/// What mail programs and other servers look for below a domain, over HTTPS.
bool is_web_name(std::string_view name);
/// The host of web.public_url, or the hostname.
std::string public_host(config::settings const& s);

}  // namespace postern::acme
