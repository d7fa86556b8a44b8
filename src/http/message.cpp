#include "http/message.hpp"

#include <algorithm>
#include <charconv>

#include "base/hex.hpp"
#include "base/text.hpp"

namespace postern::http {
namespace {

int digit(char c) noexcept
{
    if (c >= '0' && c <= '9') return c - '0';
    char const l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool is_unreserved(char c) noexcept
{
    char const l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

std::string_view trimmed(std::string_view text) noexcept
{
    auto const is_blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

/// What stands before the separator, which is taken off with it.
std::string_view take_until(std::string_view& text, char separator) noexcept
{
    auto const end = text.find(separator);
    auto const part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return part;
}

template <class Same>
std::optional<std::string> parameter_by(std::string_view query, Same const& same)
{
    while (!query.empty()) {
        auto pair = take_until(query, '&');
        auto const name = percent_decoded(take_until(pair, '='), true);
        if (name && same(*name)) return percent_decoded(pair, true);
    }
    return std::nullopt;
}

/// The weight of a range of Accept-Language, in thousandths.
int weight_of(std::string_view parameters) noexcept
{
    while (!parameters.empty()) {
        auto const p = trimmed(take_until(parameters, ';'));
        if (!starts_with_ignoring_case(p, "q=")) continue;
        auto const value = p.substr(2);
        if (value.starts_with('1')) return 1000;
        if (!value.starts_with("0.")) return 0;
        int weight = 0;
        for (std::size_t i = 2; i < 5; ++i)
            weight = weight * 10 + (i < value.size() && value[i] >= '0' && value[i] <= '9' ? value[i] - '0' : 0);
        return weight;
    }
    return 1000;
}

}  // namespace

std::string_view find(fields const& f, std::string_view name) noexcept
{
    auto const found = std::find_if(f.begin(), f.end(), [&](auto const& one) { return one.first == name; });
    return found == f.end() ? std::string_view{} : std::string_view{found->second};
}

std::optional<std::string> parameter(std::string_view query, std::string_view name)
{
    return parameter_by(query, [&](std::string const& n) { return n == name; });
}

std::optional<std::string> parameter_ignoring_case(std::string_view query, std::string_view name)
{
    return parameter_by(query, [&](std::string const& n) { return equal_ignoring_case(n, name); });
}

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '+' && plus_is_space) c = ' ';
        if (text[i] == '%') {
            int const high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
            int const low = high >= 0 ? digit(text[i + 2]) : -1;
            if (low < 0) return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        if (c == '\0') return std::nullopt;
        out += c;
    }
    return out;
}

std::string percent_encoded(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_unreserved(text[i]))
            out += text[i];
        else
            out += '%' + to_upper(to_hex(text.substr(i, 1)));
    }
    return out;
}

std::string_view cookie(fields const& f, std::string_view name) noexcept
{
    auto all = find(f, "cookie");
    while (!all.empty()) {
        auto pair = trimmed(take_until(all, ';'));
        if (trimmed(take_until(pair, '=')) == name) return trimmed(pair);
    }
    return {};
}

std::string escaped(std::string_view text)
{
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    for (std::size_t i = 0; i < text.size();) {
        std::uint32_t point = 0;
        auto const octets = utf8_sequence(text.substr(i), point);
        if (octets == 0) {
            out += "\xEF\xBF\xBD";
            ++i;
            continue;
        }
        auto const one = text.substr(i, octets);
        i += octets;
        if (one == "&") {
            out += "&amp;";
        } else if (one == "<") {
            out += "&lt;";
        } else if (one == ">") {
            out += "&gt;";
        } else if (one == "\"") {
            out += "&quot;";
        } else if (one == "'") {
            out += "&#39;";
        } else if (point >= 0x20 || point == '\t' || point == '\n' || point == '\r') {
            // XML 1.0 section 2.2: these two are no characters.
            if (point != 0xFFFE && point != 0xFFFF) out += one;
        }
    }
    return out;
}

std::string_view preferred_language(std::string_view accept, std::vector<std::string_view> const& have) noexcept
{
    std::string_view best = have.front();
    int weight = 0;
    while (!accept.empty()) {
        auto range = trimmed(take_until(accept, ','));
        auto const tag = trimmed(take_until(range, ';'));
        int const w = weight_of(range);
        if (w <= weight) continue;
        for (auto const& h : have) {
            bool const fits = starts_with_ignoring_case(tag, h) && (tag.size() == h.size() || tag[h.size()] == '-');
            if (!fits) continue;
            best = h;
            weight = w;
        }
    }
    return best;
}

response answer(unsigned status, std::string_view media_type, std::string body)
{
    response r;
    r.status = status;
    r.fields.emplace_back("content-type", media_type);
    r.body = std::move(body);
    return r;
}

}  // namespace postern::http
