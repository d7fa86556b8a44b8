#include "web/target.hpp"

#include <algorithm>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "http/message.hpp"

namespace postern::web {
namespace {

constexpr std::size_t longest_name = 253;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_name_character(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '.' || c == '_';
}

bool is_port(std::string_view text) noexcept
{
    return text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
}

/// One segment as it is meant, or nothing: dots, what would be a separator somewhere, control characters, no UTF-8.
std::optional<std::string> clear_segment(std::string_view raw)
{
    auto text = http::percent_decoded(raw);
    if (!text || *text == "." || *text == ".." || !is_utf8(*text)) return std::nullopt;
    bool const odd = std::any_of(text->begin(), text->end(), [](char c) {
        return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (odd) return std::nullopt;
    return text;
}

std::optional<std::string> clear_path(std::string_view raw)
{
    std::string path;
    while (!raw.empty()) {
        raw.remove_prefix(1);  // the slash
        auto const end = std::min(raw.find('/'), raw.size());
        auto const segment = clear_segment(raw.substr(0, end));
        raw.remove_prefix(end);
        if (!segment) return std::nullopt;
        if (!segment->empty()) path += '/' + *segment;
    }
    return path.empty() ? "/" : path;
}

}  // namespace

std::optional<std::string> parse_host(std::string_view field)
{
    if (field.starts_with('[')) {
        auto const end = field.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        auto const address = ip_address::parse(field.substr(1, end - 1));
        auto const rest = field.substr(end + 1);
        bool const well = rest.empty() || (rest.starts_with(':') && is_port(rest.substr(1)));
        if (!address || !well) return std::nullopt;
        return address->to_string();
    }
    if (auto const colon = field.find(':'); colon != std::string_view::npos) {
        if (!is_port(field.substr(colon + 1))) return std::nullopt;
        field = field.substr(0, colon);
    }
    auto name = to_lower(field);
    if (name.ends_with('.')) name.pop_back();
    bool const well = !name.empty() && name.size() <= longest_name && !name.starts_with('.') && !name.ends_with('.') &&
                      name.find("..") == std::string::npos && std::all_of(name.begin(), name.end(), is_name_character);
    if (!well) return std::nullopt;
    return name;
}

std::optional<target> parse_target(std::string_view text)
{
    bool const visible = std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
    if (!visible) return std::nullopt;
    target out;
    for (std::string_view const scheme : {"http://", "https://"}) {
        if (!starts_with_ignoring_case(text, scheme)) continue;
        text.remove_prefix(scheme.size());
        auto const end = std::min(text.find_first_of("/?"), text.size());
        auto host = parse_host(text.substr(0, end));
        if (!host) return std::nullopt;
        out.host = std::move(*host);
        text.remove_prefix(end);
        break;
    }
    if (auto const mark = text.find('?'); mark != std::string_view::npos) {
        out.query = text.substr(mark + 1);
        text = text.substr(0, mark);
    }
    // RFC 9112 section 3.2.2: of a whole URL the path may be left out.
    if (!text.starts_with('/') && (out.host.empty() || !text.empty())) return std::nullopt;
    auto path = clear_path(text);
    if (!path) return std::nullopt;
    out.path = std::move(*path);
    return out;
}

}  // namespace postern::web
