// The written forms of single values: sizes, durations, addresses. Each parser gives
// the value, or nothing and in `why` what was expected; each printer gives a form that
// its parser reads.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.hpp"

namespace postern::config {

/// "50 MiB", "1GiB", "4096": octets; KB, MB and GB count in thousands.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string print_size(std::uint64_t octets);

/// "300s", "5m", "2 days", "1h 30m", "100ms"; a bare number counts seconds.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string print_duration(std::chrono::milliseconds time);

/// CIDR or one address. `why` names what is wrong and, for bits behind the prefix, what
/// was perhaps meant.
std::optional<network> parse_network(std::string_view text, std::string& why);

/// "host:port", the host a name or an address, IPv6 in brackets; the port not 0.
bool is_host_and_port(std::string_view text);

/// No %-letters but %d, %n, %u and %%.
bool has_known_letters(std::string_view text, std::string& why);

/// "maildir:/var/mail/%d/%n", "lmtp:host:port", "lmtp:unix:/path", "smtp:host:port".
bool is_local_delivery(std::string_view text, std::string& why);

/// A TOML string with its quotes.
std::string quote(std::string_view text);

/// The candidate that differs least, or nothing when none is like it.
template <class Range>
std::string nearest(std::string_view word, Range const& candidates);
/// Insertions, deletions, changes and swaps of neighbours, letter case aside.
std::size_t edit_distance(std::string_view a, std::string_view b);

template <class Range>
std::string nearest(std::string_view word, Range const& candidates)
{
    std::string best;
    // A third of the letters may be wrong; short words need most of theirs.
    std::size_t least = word.size() / 3 + (word.size() < 6 ? 1 : 2);
    for (auto const& candidate : candidates)
        if (auto const d = edit_distance(word, candidate); d < least && d < candidate.size()) {
            least = d;
            best = candidate;
        }
    return best;
}

}  // namespace postern::config
