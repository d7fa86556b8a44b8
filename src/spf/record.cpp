#include "spf/record.hpp"

#include <algorithm>
#include <utility>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "spf/macro.hpp"

namespace postern::spf {
namespace {

using mail::auth_result;

constexpr std::string_view version = "v=spf1";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }

// In names that are looked up, "c", "r" and "t" have no meaning (section 7.2).
enum class macros { of_names, of_texts };

bool is_macro_string(std::string_view text, macros which)
{
    while (!text.empty()) {
        auto const m = take_macro(text);
        if (!m) return false;
        bool const of_texts = m->letter == 'c' || m->letter == 'r' || m->letter == 't';
        if (of_texts && which == macros::of_names) return false;
    }
    return true;
}

// The last label of a name that is written out: no number, no hyphen at its ends.
bool is_top_label(std::string_view label)
{
    if (label.empty() || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-'; }))
        return false;
    return !std::all_of(label.begin(), label.end(), is_digit);
}

bool is_domain_spec(std::string_view text)
{
    if (text.empty() || !is_macro_string(text, macros::of_names)) return false;
    // Does it end in a macro? Then that is its end.
    auto rest = text;
    bool macro_at_end = false;
    while (!rest.empty()) {
        macro_at_end = rest.front() == '%';
        take_macro(rest);
    }
    if (macro_at_end) return true;
    if (text.ends_with('.')) text.remove_suffix(1);
    auto const dot = text.rfind('.');
    return dot != std::string_view::npos && is_top_label(text.substr(dot + 1));
}

// Takes "/24", "//64" or both off the end.
bool take_prefixes(std::string_view& text, directive& d)
{
    auto const last_number = [&](std::string_view before, unsigned most, unsigned& to) {
        auto const at = text.find_last_not_of("0123456789");
        if (at == std::string_view::npos || at + 1 == text.size() || !text.substr(0, at + 1).ends_with(before))
            return true;
        auto const digits = text.substr(at + 1);
        auto const number = parse_number<unsigned>(digits, most);
        if (!number || (digits.size() > 1 && digits.front() == '0')) return false;
        to = *number;
        text.remove_suffix(digits.size() + before.size());
        return true;
    };
    if (!last_number("//", 128, d.v6_prefix)) return false;
    return last_number("/", 32, d.v4_prefix);
}

bool take_address(std::string_view text, directive& d)
{
    bool const v4 = d.what == mechanism::ip4;
    auto const slash = text.find('/');
    auto const written = text.substr(0, slash);
    auto const address = ip_address::parse(written);
    if (!address || (written.find(':') == std::string_view::npos) != v4) return false;
    d.address = *address;
    if (slash == std::string_view::npos) return true;
    auto const digits = text.substr(slash + 1);
    auto const number = parse_number<unsigned>(digits, v4 ? 32 : 128);
    if (!number || (digits.size() > 1 && digits.front() == '0')) return false;
    (v4 ? d.v4_prefix : d.v6_prefix) = *number;
    return true;
}

std::optional<mechanism> mechanism_of(std::string_view name)
{
    constexpr std::pair<std::string_view, mechanism> known[] = {
        {"all", mechanism::all}, {"include", mechanism::include}, {"a", mechanism::a},
        {"mx", mechanism::mx},   {"ptr", mechanism::ptr},         {"ip4", mechanism::ip4},
        {"ip6", mechanism::ip6}, {"exists", mechanism::exists},
    };
    for (auto const& [text, what] : known)
        if (equal_ignoring_case(text, name)) return what;
    return std::nullopt;
}

std::optional<auth_result> qualifier_of(char c)
{
    switch (c) {
        case '+': return auth_result::pass;
        case '-': return auth_result::fail;
        case '~': return auth_result::softfail;
        case '?': return auth_result::neutral;
        default: return std::nullopt;
    }
}

std::optional<directive> parse_directive(std::string_view term)
{
    directive d;
    if (auto const q = qualifier_of(term.front())) {
        d.then = *q;
        term.remove_prefix(1);
    }
    auto const end = std::min(term.find_first_of(":/"), term.size());
    auto const what = mechanism_of(term.substr(0, end));
    if (!what) return std::nullopt;
    d.what = *what;
    term.remove_prefix(end);
    bool const has_argument = term.starts_with(':');
    bool const takes_prefixes = d.what == mechanism::a || d.what == mechanism::mx;
    if (has_argument) term.remove_prefix(1);
    switch (d.what) {
        case mechanism::all: return has_argument || !term.empty() ? std::nullopt : std::optional{d};
        case mechanism::ip4:
        case mechanism::ip6: return has_argument && take_address(term, d) ? std::optional{d} : std::nullopt;
        case mechanism::include:
        case mechanism::exists:
            if (!has_argument) return std::nullopt;
            break;
        case mechanism::a:
        case mechanism::mx:
        case mechanism::ptr: break;
    }
    if (takes_prefixes && !take_prefixes(term, d)) return std::nullopt;
    if (has_argument ? !is_domain_spec(term) : !term.empty()) return std::nullopt;
    d.domain = term;
    return d;
}

// "name=": the length of the name, if it is a modifier (section 4.6.1).
std::optional<std::size_t> modifier_name(std::string_view term)
{
    if (!is_letter(term.front())) return std::nullopt;
    auto const end = std::find_if_not(term.begin(), term.end(), [](char c) {
        return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
    });
    if (end == term.end() || *end != '=') return std::nullopt;
    return static_cast<std::size_t>(end - term.begin());
}

}  // namespace

bool is_record(std::string_view text) noexcept
{
    if (!starts_with_ignoring_case(text, version)) return false;
    return text.size() == version.size() || text[version.size()] == ' ';
}

std::optional<record> parse(std::string_view text)
{
    if (!is_record(text) || text.size() > longest_record) return std::nullopt;
    text.remove_prefix(version.size());
    record r;
    bool explained = false;
    while (!text.empty()) {
        auto const term = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), term.size() + 1));
        if (term.empty()) continue;
        if (auto const length = modifier_name(term)) {
            auto const name = term.substr(0, *length), value = term.substr(*length + 1);
            if (equal_ignoring_case(name, "redirect")) {
                if (!r.redirect.empty() || !is_domain_spec(value)) return std::nullopt;
                r.redirect = value;
            } else if (equal_ignoring_case(name, "exp")) {
                // What it explains, nobody is told: a stranger's text is not ours to say.
                if (std::exchange(explained, true) || !is_domain_spec(value)) return std::nullopt;
            } else if (!is_macro_string(value, macros::of_texts)) {
                return std::nullopt;
            }
            continue;
        }
        auto d = parse_directive(term);
        if (!d) return std::nullopt;
        r.directives.push_back(std::move(*d));
    }
    return r;
}

}  // namespace postern::spf
