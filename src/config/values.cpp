#include "config/values.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "base/numbers.hpp"
#include "base/text.hpp"

namespace postern::config {
namespace {

using std::chrono::milliseconds;

struct unit {
    std::string_view name;
    std::uint64_t factor;
};

// The first of a factor is the one that is printed.
constexpr std::array<unit, 12> sizes{{{"", 1},
                                      {"B", 1},
                                      {"KiB", 1ull << 10},
                                      {"K", 1ull << 10},
                                      {"KB", 1000},
                                      {"MiB", 1ull << 20},
                                      {"M", 1ull << 20},
                                      {"MB", 1'000'000},
                                      {"GiB", 1ull << 30},
                                      {"G", 1ull << 30},
                                      {"GB", 1'000'000'000},
                                      {"TiB", 1ull << 40}}};

constexpr std::array<unit, 20> times{
    {{"ms", 1},           {"s", 1000},          {"", 1000},          {"sec", 1000},         {"second", 1000},
     {"seconds", 1000},   {"m", 60'000},        {"min", 60'000},     {"mins", 60'000},      {"minute", 60'000},
     {"minutes", 60'000}, {"h", 3'600'000},     {"hour", 3'600'000}, {"hours", 3'600'000},  {"d", 86'400'000},
     {"day", 86'400'000}, {"days", 86'400'000}, {"w", 604'800'000},  {"week", 604'800'000}, {"weeks", 604'800'000}}};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::string_view take(std::string_view& text, bool (*wanted)(char))
{
    auto const end = std::find_if(text.begin(), text.end(), [&](char c) { return !wanted(c); });
    auto const n = static_cast<std::size_t>(end - text.begin());
    auto const taken = text.substr(0, n);
    text.remove_prefix(n);
    return taken;
}

// A number and its unit off the front of the text.
template <std::size_t N>
std::optional<std::uint64_t> take_amount(std::string_view& text, std::array<unit, N> const& units)
{
    auto const number = parse_number<std::uint64_t>(take(text, is_digit));
    if (!number) return std::nullopt;
    take(text, [](char c) { return c == ' '; });
    auto const name = take(text, [](char c) { return !is_digit(c) && c != ' '; });
    auto const at =
        std::find_if(units.begin(), units.end(), [&](unit const& u) { return equal_ignoring_case(u.name, name); });
    if (at == units.end() || *number > std::numeric_limits<std::int64_t>::max() / at->factor) return std::nullopt;
    return *number * at->factor;
}

std::optional<std::uint16_t> port_of(std::string_view text) { return parse_number<std::uint16_t>(text); }

// Wider than a domain: names in /etc/hosts and of containers have underscores.
bool is_host(std::string_view text)
{
    return !text.empty() && text.size() <= 253 && text.front() != '.' && text.front() != '-' &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '.' || c == '_';
           });
}

bool is_path(std::string_view text) { return !text.empty() && text.find('\0') == std::string_view::npos; }

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text)
{
    auto const octets = take_amount(text, sizes);
    return text.empty() ? octets : std::nullopt;
}

std::string print_size(std::uint64_t octets)
{
    static constexpr std::array<std::string_view, 4> names{" TiB", " GiB", " MiB", " KiB"};
    for (std::size_t i = 0; i < names.size(); ++i) {
        std::uint64_t const factor = 1ull << (10 * (names.size() - i));
        if (octets != 0 && octets % factor == 0) return std::to_string(octets / factor) + std::string(names[i]);
    }
    return std::to_string(octets);
}

std::optional<milliseconds> parse_duration(std::string_view text)
{
    std::uint64_t total = 0;
    do {
        auto const part = take_amount(text, times);
        if (!part || *part > std::numeric_limits<std::int64_t>::max() - total) return std::nullopt;
        total += *part;
        take(text, [](char c) { return c == ' '; });
    } while (!text.empty());
    return milliseconds{static_cast<std::int64_t>(total)};
}

std::string print_duration(milliseconds time)
{
    static constexpr std::array<std::pair<std::int64_t, std::string_view>, 4> units{
        {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}}};
    for (auto const& [factor, name] : units)
        if (time.count() != 0 && time.count() % factor == 0)
            return std::to_string(time.count() / factor) + std::string(name);
    return time.count() == 0 ? "0s" : std::to_string(time.count()) + "ms";
}

std::optional<network> parse_network(std::string_view text, std::string& why)
{
    if (auto const n = network::parse(text)) return n;
    why = quote(printable(text, 60)) + " is not a network such as \"192.0.2.0/24\", \"2001:db8::/32\" or \"192.0.2.7\"";
    auto const slash = text.find('/');
    auto const address = ip_address::parse(text.substr(0, slash));
    if (!address || slash == std::string_view::npos) return std::nullopt;
    auto const prefix = parse_number<unsigned>(text.substr(slash + 1), address->is_v4() ? 32 : 128);
    if (!prefix) {
        why = quote(printable(text, 60)) + ": the number behind the slash goes from 0 to " +
              (address->is_v4() ? "32" : "128");
        return std::nullopt;
    }
    auto octets = address->octets();
    unsigned const first = (address->is_v4() ? 96u : 0u) + *prefix;
    for (unsigned bit = first; bit < 128; ++bit)
        octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] & ~(0x80u >> bit % 8));
    ip_address base = ip_address::v6(octets);
    if (address->is_v4()) {
        std::uint32_t four = 0;
        for (std::size_t i = 12; i < 16; ++i) four = four << 8 | octets[i];
        base = ip_address::v4(four);
    }
    why = quote(text) + " names a single machine and a network; write \"" + base.to_string() + '/' +
          std::to_string(*prefix) + "\" for the network or \"" + address->to_string() + "\" for the machine";
    return std::nullopt;
}

bool is_host_and_port(std::string_view text)
{
    if (auto const e = endpoint::parse(text)) return e->port != 0;
    auto const colon = text.rfind(':');
    if (colon == std::string_view::npos) return false;
    auto const port = port_of(text.substr(colon + 1));
    return port && *port != 0 && is_host(text.substr(0, colon));
}

bool has_known_letters(std::string_view text, std::string& why)
{
    for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 2)) {
        auto const letter = text.substr(at + 1, 1);
        if (letter == "d" || letter == "n" || letter == "u" || letter == "%") continue;
        why = "of the %-letters in " + quote(printable(text, 100)) +
              " only %d (domain), %n (the part before the @), %u (the whole address) and %% are known";
        return false;
    }
    return true;
}

bool is_local_delivery(std::string_view text, std::string& why)
{
    auto const colon = text.find(':');
    auto const kind = text.substr(0, colon);
    auto const rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
    if (kind == "maildir") {
        if (!has_known_letters(text, why)) return false;
        if (is_path(rest)) return true;
    } else if (kind == "lmtp" && rest.starts_with("unix:")) {
        if (is_path(rest.substr(5))) return true;
    } else if (kind == "lmtp" || kind == "smtp") {
        if (is_host_and_port(rest)) return true;
    }
    why = quote(printable(text, 100)) +
          " is not \"maildir:PATH\", \"lmtp:HOST:PORT\", \"lmtp:unix:PATH\" or \"smtp:HOST:PORT\"";
    return false;
}

std::string quote(std::string_view text)
{
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (char c : text) {
        auto const octet = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (octet < 0x20 || octet == 0x7f) {
            out += "\\u00";
            out += digits[octet >> 4];
            out += digits[octet & 15];
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::size_t edit_distance(std::string_view a, std::string_view b)
{
    // Longer words are nothing that we have; the table stays small.
    constexpr std::size_t most = 64;
    if (a.size() > most || b.size() > most) return std::max(a.size(), b.size());
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i)
        for (std::size_t j = 1; j <= b.size(); ++j) {
            bool const same = lower(a[i - 1]) == lower(b[j - 1]);
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (same ? 0 : 1)});
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[a.size()][b.size()];
}

}  // namespace postern::config
