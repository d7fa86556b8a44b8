#include "mail/dkim_record.hpp"

#include <algorithm>
#include <iterator>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "mail/tag_list.hpp"

namespace postern::mail {
namespace {

constexpr std::size_t string_size = 255;  // RFC 1035 section 3.3.14
constexpr std::size_t record_limit = 8u << 10;
constexpr std::size_t tags_limit = 64;
constexpr std::size_t label_limit = 63, selector_limit = 100;

}  // namespace

std::string dkim_record_name(std::string_view selector, std::string_view domain)
{
    return std::string{selector} + "._domainkey." + std::string{domain};
}

std::string dkim_record(signing_key const& key)
{
    std::string out = "v=DKIM1; k=";
    out += key.what() == signing_key::kind::rsa ? "rsa" : "ed25519";
    out += "; p=" + base64_encode(key.public_key());
    return out;
}

std::vector<std::string> record_strings(std::string_view record)
{
    std::vector<std::string> out;
    for (; !record.empty(); record.remove_prefix(std::min(record.size(), string_size)))
        out.emplace_back(record.substr(0, string_size));
    return out;
}

std::optional<dkim_key_record> parse_dkim_record(std::string_view text)
{
    if (text.size() > record_limit) return std::nullopt;
    dkim_key_record r;
    bool has_key = false;
    std::vector<std::string_view> seen;
    while (!trimmed(text).empty()) {
        auto tag = take_until(text, ';');
        if (tag.empty()) continue;
        if (seen.size() == tags_limit || tag.find('=') == std::string_view::npos) return std::nullopt;
        auto const name = take_until(tag, '=');
        auto const value = trimmed(tag);
        // RFC 6376 section 3.2: no tag may be there twice; section 3.6.1: v= comes first.
        if (name.empty() || std::find(seen.begin(), seen.end(), name) != seen.end()) return std::nullopt;
        if (name == "v" && (value != "DKIM1" || !seen.empty())) return std::nullopt;
        seen.push_back(name);
        if (name == "k") r.type = to_lower(value);
        if (name == "t") r.testing = lists(value, ':', "y");
        if (name == "h") r.sha256 = lists(value, ':', "sha256");
        if (name != "p") continue;
        has_key = true;
        std::string packed;
        std::copy_if(value.begin(), value.end(), std::back_inserter(packed),
                     [](char c) { return std::string_view{" \t\r\n"}.find(c) == std::string_view::npos; });
        auto octets = base64_decode(packed);
        if (!octets) return std::nullopt;
        r.key = std::move(*octets);
    }
    if (!has_key) return std::nullopt;
    return r;
}

std::optional<std::string> parse_selector(std::string_view text)
{
    if (text.empty() || text.size() > selector_limit) return std::nullopt;
    auto const out = to_lower(text);
    for (std::string_view rest = out;;) {
        auto const label = rest.substr(0, rest.find('.'));
        auto const fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
        if (label.empty() || label.size() > label_limit || label.front() == '-' || label.back() == '-' ||
            !std::all_of(label.begin(), label.end(), fits))
            return std::nullopt;
        if (label.size() == rest.size()) return out;
        rest.remove_prefix(label.size() + 1);
    }
}

}  // namespace postern::mail
