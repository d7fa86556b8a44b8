#include "web/request_head.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace postern::web {
namespace {

// RFC 9110 section 5.6.2.
bool is_token_character(char c) noexcept
{
    char const l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) noexcept
{
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

std::string_view trimmed(std::string_view text) noexcept
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// What the lines have said of how long the request is.
struct framing {
    bool old = false;  // HTTP/1.0
    unsigned hosts = 0, lengths = 0, encodings = 0;

    bool takes_request_line(std::string_view line)
    {
        auto const first = line.find(' ');
        auto const last = line.rfind(' ');
        if (first == std::string_view::npos || last == first) return false;
        auto const target = line.substr(first + 1, last - first - 1);
        auto const version = line.substr(last + 1);
        old = version == "HTTP/1.0";
        return first <= 20 && is_token(line.substr(0, first)) && !target.empty() &&
               target.find(' ') == std::string_view::npos && (old || version == "HTTP/1.1");
    }

    bool takes_field(std::string_view line)
    {
        auto const colon = line.find(':');
        // A folded line begins with a blank, which is no name.
        if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return false;
        auto const name = line.substr(0, colon);
        auto const value = trimmed(line.substr(colon + 1));
        if (equal_ignoring_case(name, "host")) return ++hosts == 1;
        if (equal_ignoring_case(name, "transfer-encoding"))
            return ++encodings == 1 && equal_ignoring_case(value, "chunked");
        if (!equal_ignoring_case(name, "content-length")) return true;
        return ++lengths == 1 && !value.empty() && value.size() <= 15 &&
               std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
    }

    bool is_clear() const noexcept { return lengths + encodings <= 1 && (old ? encodings == 0 : hosts == 1); }
};

/// No control characters but tabs (RFC 9110 section 5.5); so no NUL, and no CR that stands alone.
bool is_clean(std::string_view line) noexcept
{
    return std::all_of(line.begin(), line.end(), [](char c) {
        auto const o = static_cast<unsigned char>(c);
        return o == '\t' || (o >= 0x20 && o != 0x7f);
    });
}

}  // namespace

head_look look_at_head(std::string_view octets, std::size_t known)
{
    framing said;
    std::size_t at = 0;
    bool const has_line = octets.find('\n', known) != std::string_view::npos;
    // A CR may have been the half of a line's end.
    if (!has_line && known > 0) at = octets[known - 1] == '\r' ? known - 1 : known;
    for (std::size_t line_number = 0; has_line; ++line_number) {
        auto const end = octets.find('\n', at);
        if (end == std::string_view::npos || end >= longest_head) break;
        if (end == at || octets[end - 1] != '\r') return {head_state::malformed};
        auto const line = octets.substr(at, end - 1 - at);
        at = end + 1;
        if (line.empty() && line_number > 0)
            return said.is_clear() ? head_look{head_state::complete, at} : head_look{head_state::malformed};
        if (line_number > most_fields) return {head_state::too_large};
        bool const well = is_clean(line) && (line_number == 0 ? said.takes_request_line(line) : said.takes_field(line));
        if (!well) return {head_state::malformed};
    }
    if (octets.size() >= longest_head) return {head_state::too_large};
    // TLS at a port for plain HTTP, and other things that are no text: no need to wait for the end of the line.
    auto rest = octets.substr(at);
    if (rest.ends_with('\r')) rest.remove_suffix(1);
    return {is_clean(rest) ? head_state::incomplete : head_state::malformed};
}

}  // namespace postern::web
