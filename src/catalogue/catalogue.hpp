// The failure catalogue: every way in which a mail can fail to be sent, once. The
// server's replies, the log, `explain`, `why` and later the checker and the help
// pages all read it from here. The rows are data, compiled in: failures.toml has the
// server's own, connecting.toml, logging_in.toml and sending.toml what `check` finds,
// installation.toml what `doctor` finds, web.toml what the web pages and the API refuse.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.hpp"

namespace postern::catalogue {

/// Whose turn it is to act. unknown: it differs from case to case.
enum class actor : std::uint8_t { unknown, nobody, you, network, provider, administrator, recipient };

/// One row. All text is constant and lives as long as the process. `reply` may hold
/// {placeholders}, the other texts of what `check` and `doctor` find, too: see fill().
struct rule {
    std::string_view name;             // "relay-needs-login": what logs and `explain` call it
    std::string_view id;               // "D-110" of setup/diagnosis.md where the two name the same, else "P-..."
    int code = 0;                      // reply code, RFC 5321 section 4.2; 0: never sent as a reply
    postern::status status;            // enhanced status code, RFC 3463
    std::string_view reply;            // one short human sentence for a stranger, or a finding's headline
    std::string_view what;             // what happened, in plain words
    std::string_view user;             // what the person who sends can do
    std::string_view operator_remedy;  // what the server's operator can do
    actor who = actor::unknown;
};

std::span<rule const> all();
/// By name or id, or null.
rule const* find(std::string_view name_or_id);

}  // namespace postern::catalogue
