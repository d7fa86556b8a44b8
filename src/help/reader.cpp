#include "help/reader.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "help/pages.hpp"

namespace postern::help {
namespace {

constexpr std::size_t longest_address = 254;  // RFC 5321 section 4.5.3.1.3, without the brackets

struct sign {
    std::string_view text;
    std::string_view group;
};
// The first that fits: Android says Linux too, and an iPad says Macintosh.
constexpr sign agents[]{{"iPhone", "apple"},    {"iPad", "apple"}, {"Macintosh", "apple"}, {"Android", "android"},
                        {"Windows", "windows"}, {"CrOS", "linux"}, {"Linux", "linux"},     {"X11", "linux"}};
constexpr sign platforms[]{{"\"Windows\"", "windows"}, {"\"macOS\"", "apple"}, {"\"iOS\"", "apple"},
                           {"\"Android\"", "android"}, {"\"Linux\"", "linux"}, {"\"Chrome OS\"", "linux"}};

std::vector<std::string_view> known_languages()
{
    std::vector<std::string_view> codes;
    for (auto const& l : languages()) codes.push_back(l.code);
    return codes;
}

/// By the query; empty: it says none that we have.
std::string_view chosen_language(http::request const& r)
{
    auto const wanted = http::parameter(r.query, "lang");
    auto const codes = known_languages();
    auto const found = wanted ? std::find(codes.begin(), codes.end(), *wanted) : codes.end();
    return found == codes.end() ? std::string_view{} : *found;
}

}  // namespace

std::string_view language_of(http::request const& r)
{
    auto const chosen = chosen_language(r);
    if (!chosen.empty()) return chosen;
    return http::preferred_language(http::find(r.fields, "accept-language"), known_languages());
}

std::string_view group_of_system(http::request const& r) noexcept
{
    auto const platform = http::find(r.fields, "sec-ch-ua-platform");
    for (auto const& s : platforms)
        if (platform == s.text) return s.group;
    auto const agent = http::find(r.fields, "user-agent");
    for (auto const& s : agents)
        if (agent.find(s.text) != std::string_view::npos) return s.group;
    return {};
}

bool looks_like_address(std::string_view text) noexcept
{
    auto const at = text.find('@');
    if (text.size() > longest_address || at == 0 || at == std::string_view::npos || text.find('@', at + 1) != text.npos)
        return false;
    auto const domain = text.substr(at + 1);
    if (domain.empty() || domain.front() == '.' || domain.back() == '.') return false;
    if (!is_utf8(text)) return false;
    return std::none_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' ||
               std::string_view{"\"<>()[]{}\\,;:`$"}.find(c) != std::string_view::npos;
    });
}

reader::reader(http::request const& r, std::string_view account)
    : chosen_language_(chosen_language(r)), language(language_of(r)), address(account), system(group_of_system(r))
{
    if (auto const given = http::parameter(r.query, "address"); given && !given->empty()) {
        bad_address = !looks_like_address(*given);
        if (!bad_address) address = chosen_address_ = *given;
    }
    carried = carried_with({}, {});
}

std::string reader::carried_with(std::string_view name, std::string_view value) const
{
    std::string out;
    auto const add = [&](std::string_view n, std::string_view v) {
        if (v.empty()) return;
        out += out.empty() ? '?' : '&';
        out += n;
        out += '=';
        out += http::percent_encoded(v);
    };
    if (name != "address") add("address", chosen_address_);
    if (name != "lang") add("lang", chosen_language_);
    add(name, value);
    return out;
}

}  // namespace postern::help
