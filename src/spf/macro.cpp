#include "spf/macro.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"

namespace postern::spf {
namespace {

constexpr std::size_t longest_name = 253;
// Only the end of a longer text counts.
constexpr std::size_t kept = 4096, most_parts = 1000;
constexpr std::string_view delimiters = ".-+,/_=";
constexpr std::string_view letters = "slodiphcrtv";
constexpr char hexadecimal[] = "0123456789abcdef";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }

// Section 7.3: "i" has a dot between all octets of an IPv4 address, and all halves of IPv6's.
std::string dotted(ip_address const& a)
{
    if (a.is_v4()) return a.to_string();
    std::string out;
    for (auto const octet : a.octets()) {
        if (!out.empty()) out += '.';
        out += hexadecimal[octet >> 4];
        out += '.';
        out += hexadecimal[octet & 15];
    }
    return out;
}

std::string url_escaped(std::string_view text)
{
    std::string out;
    for (char const c : text) {
        if (is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~') {
            out += c;
            continue;
        }
        auto const octet = static_cast<unsigned char>(c);
        out += '%';
        out += upper(hexadecimal[octet >> 4]);
        out += upper(hexadecimal[octet & 15]);
    }
    return out;
}

std::string value_of(macro const& m, macro_values const& v)
{
    switch (m.letter) {
        case 's': return v.local_part + '@' + v.sender_domain;
        case 'l': return v.local_part;
        case 'o': return v.sender_domain;
        case 'd': return v.domain;
        case 'i': return dotted(v.client);
        case 'p': return v.client_name ? v.client_name() : "unknown";
        case 'v': return v.client.is_v4() ? "in-addr" : "ip6";
        case 'h': return v.helo;
        default: return {};
    }
}

std::string transformed(macro const& m, std::string const& value)
{
    std::vector<std::string_view> parts;
    auto const by = m.delimiters.empty() ? std::string_view{"."} : m.delimiters;
    std::string_view rest = value;
    for (;;) {
        auto const at = rest.find_first_of(by);
        parts.push_back(rest.substr(0, at));
        if (at == std::string_view::npos) break;
        rest.remove_prefix(at + 1);
    }
    if (m.reversed) std::reverse(parts.begin(), parts.end());
    std::size_t const from = m.parts == 0 || m.parts >= parts.size() ? 0 : parts.size() - m.parts;
    std::string out;
    for (std::size_t i = from; i < parts.size(); ++i) {
        if (i != from) out += '.';
        out += parts[i];
    }
    return m.escaped ? url_escaped(out) : out;
}

macro literal(std::string_view text)
{
    macro m;
    m.literal = text;
    return m;
}

}  // namespace

std::optional<macro> take_macro(std::string_view& text)
{
    if (text.front() != '%') {
        auto const piece = text.substr(0, text.find('%'));
        if (std::any_of(piece.begin(), piece.end(), [](char c) { return c < '!' || c > '~'; })) return std::nullopt;
        text.remove_prefix(piece.size());
        return literal(piece);
    }
    if (text.size() < 2) return std::nullopt;
    char const kind = text[1];
    text.remove_prefix(2);
    switch (kind) {
        case '%': return literal("%");
        case '_': return literal(" ");
        case '-': return literal("%20");
        case '{': break;
        default: return std::nullopt;
    }
    if (text.empty()) return std::nullopt;
    macro m;
    m.letter = lower(text.front());
    m.escaped = m.letter != text.front();
    if (letters.find(m.letter) == std::string_view::npos) return std::nullopt;
    text.remove_prefix(1);
    auto const digits = static_cast<std::size_t>(
        std::find_if_not(text.begin(), text.end(), [](char c) { return is_digit(c); }) - text.begin());
    for (char const c : text.substr(0, digits))
        m.parts = std::min(m.parts * 10 + static_cast<std::size_t>(c - '0'), most_parts);
    if (digits != 0 && m.parts == 0) return std::nullopt;
    text.remove_prefix(digits);
    m.reversed = !text.empty() && lower(text.front()) == 'r';
    if (m.reversed) text.remove_prefix(1);
    auto const end = text.find_first_not_of(delimiters);
    if (end == std::string_view::npos || text[end] != '}') return std::nullopt;
    m.delimiters = text.substr(0, end);
    text.remove_prefix(end + 1);
    return m;
}

std::string expand(std::string_view text, macro_values const& values)
{
    std::string out;
    while (!text.empty()) {
        auto const m = take_macro(text);
        if (!m) return {};
        out += m->letter == 0 ? std::string{m->literal} : transformed(*m, value_of(*m, values));
        if (out.size() > 2 * kept) out.erase(0, out.size() - kept);
    }
    if (out.ends_with('.')) out.pop_back();
    while (out.size() > longest_name) {
        auto const dot = out.find('.', out.size() - longest_name - 1);
        if (dot == std::string::npos) break;
        out.erase(0, dot + 1);
    }
    return out;
}

}  // namespace postern::spf
