#include "mail/tlsrpt_record.hpp"

#include "base/text.hpp"
#include "base/url.hpp"
#include "mail/tag_list.hpp"

namespace postern::mail {
namespace {

constexpr std::string_view version = "v=TLSRPTv1";
constexpr std::size_t longest_record = 4096, most_places = 5, longest_place = 1024;

// "v=TLSRPTv1" and then a ";".
bool is_of_this_kind(std::string_view record)
{
    if (!record.starts_with(version)) return false;
    auto const rest = trimmed(record.substr(version.size()));
    return !rest.empty() && rest.front() == ';';
}

int hexadecimal(char c) noexcept
{
    if (c >= '0' && c <= '9') return c - '0';
    char const low = lower(c);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// RFC 3986 section 2.1: how a URI has the "!" and "," that are separators here.
std::string decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        int const high = text[i] == '%' && i + 2 < text.size() ? hexadecimal(text[i + 1]) : -1;
        int const low = high >= 0 ? hexadecimal(text[i + 2]) : -1;
        if (low < 0) {
            out += text[i];
            continue;
        }
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

void add_place(tlsrpt_record& r, std::string_view place)
{
    if (place.empty() || place.size() > longest_place) return;
    if (starts_with_ignoring_case(place, "mailto:")) {
        auto const address = place.substr(7);
        if (auto box = parse_mailbox(decoded(address.substr(0, address.find('?'))))) r.mail.push_back(std::move(*box));
    } else if (starts_with_ignoring_case(place, "https://") && is_confidential_url(place)) {
        r.web.emplace_back(place);
    }
}

}  // namespace

std::string tlsrpt_record_name(std::string_view domain) { return "_smtp._tls." + std::string{domain}; }

std::optional<tlsrpt_record> parse_tlsrpt_record(std::vector<std::string> const& records)
{
    std::optional<std::string_view> only;
    for (auto const& text : records) {
        if (!is_of_this_kind(text)) continue;
        if (only || text.size() > longest_record) return std::nullopt;
        only = text;
    }
    if (!only) return std::nullopt;
    tlsrpt_record r;
    while (!only->empty()) {
        auto field = take_until(*only, ';');
        if (take_until(field, '=') != "rua") continue;
        for (std::size_t n = 0; !field.empty() && n < most_places; ++n) add_place(r, take_until(field, ','));
        break;
    }
    if (r.mail.empty() && r.web.empty()) return std::nullopt;
    return r;
}

}  // namespace postern::mail
