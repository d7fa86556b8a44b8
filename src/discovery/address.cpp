// What is wrong with an address before anybody is asked.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "catalogue/rules.hpp"
#include "discovery/discovery.hpp"
#include "discovery/lookalike.hpp"
#include "mail/address.hpp"

namespace postern::discovery {

namespace {

namespace rules = catalogue::rules;

constexpr std::size_t longest_address = 1000;

constexpr std::pair<std::string_view, std::string_view> endings[] = {
    {".con", ".com"}, {".cmo", ".com"}, {".ocm", ".com"},  {".comm", ".com"}, {".vom", ".com"},
    {".xom", ".com"}, {".cpm", ".com"}, {".coim", ".com"}, {".nte", ".net"},  {".ogr", ".org"},
};

// Letters and signs of double width (U+FF01 to U+FF5E) and the ideographic full stop are what they look like.
std::string narrowed(std::string_view text)
{
    std::string out;
    while (!text.empty()) {
        std::uint32_t point = 0;
        auto const size = utf8_sequence(text, point);
        if (size == 0) {
            out += text.front();
            text.remove_prefix(1);
            continue;
        }
        if (point >= 0xff01 && point <= 0xff5e)
            out += static_cast<char>(point - 0xff01 + '!');
        else if (point == 0x3002)
            out += '.';
        else if (point != 0xa0 && point != 0x3000)
            out += text.substr(0, size);
        text.remove_prefix(size);
    }
    return out;
}

std::string corrected(std::string_view text)
{
    auto out = narrowed(text);
    std::erase_if(out, [](char c) { return c == '\t' || c == '\r' || c == '\n'; });
    while (!out.empty() && (out.back() == ' ' || out.back() == '.' || out.back() == ',' || out.back() == ';'))
        out.pop_back();
    out.erase(0, std::min(out.find_first_not_of(' '), out.size()));
    auto const at = out.rfind('@');
    if (at == std::string::npos) return out;
    std::replace(out.begin() + static_cast<std::ptrdiff_t>(at), out.end(), ',', '.');
    for (auto const& [wrong, right] : endings) {
        if (to_lower(out).ends_with(wrong)) return out.substr(0, out.size() - wrong.size()) + std::string{right};
    }
    return out;
}

std::string_view fault_of(std::string_view text, mail::path_error why)
{
    auto const signs = std::count(text.begin(), text.end(), '@');
    if (text.empty()) return "nothing was given";
    if (signs == 0) return "it has no @";
    if (signs > 1) return "it has more than one @";
    if (text.front() == '@') return "nothing stands before the @";
    if (text.back() == '@') return "nothing stands behind the @";
    if (text.find(' ') != std::string_view::npos) return "it has a blank in it";
    if (text.find('"') != std::string_view::npos) return "it has quotes in it";
    switch (why) {
        case mail::path_error::too_long: return "it is too long";
        case mail::path_error::bad_domain: return "what stands behind the @ is no domain";
        case mail::path_error::not_qualified: return "the domain behind the @ has no ending such as .com";
        case mail::path_error::not_utf8: return "it has octets that are no text";
        default: return "it has characters that no address has";
    }
}

}  // namespace

findings examine_address(std::string_view address)
{
    findings f;
    auto const given = address.substr(0, longest_address);
    auto const better = corrected(given);
    auto why = mail::path_error::none;
    auto const box = mail::parse_mailbox(better, why);
    if (!box || box->domain.empty()) {
        f.address = printable(given);
        f.problems.push_back({&rules::address_malformed,
                              {{"address", std::string{given}}, {"problem", std::string{fault_of(better, why)}}},
                              source::guess});
        return f;
    }
    f.address = box->to_string();
    f.domain = box->domain;
    if (better != given)
        f.problems.push_back(
            {&rules::address_slip, {{"address", std::string{given}}, {"suggestion", better}}, source::guess});
    return f;
}

}  // namespace postern::discovery
