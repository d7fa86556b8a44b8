#include "mail/address.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include <idn2.h>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "mail/code_points.hpp"

namespace postern::mail {
namespace {

constexpr std::size_t local_part_limit = 64;
constexpr std::size_t domain_limit = 255;
constexpr std::size_t path_limit = 256;  // with its brackets
constexpr std::size_t label_limit = 63;

enum : std::uint8_t { is_atext = 1, is_let_dig = 2, is_eight_bit = 4, is_qtext = 8 };

constexpr auto classes = [] {
    std::array<std::uint8_t, 256> t{};
    for (unsigned c = 0; c < 256; ++c) {
        bool const let_dig = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (let_dig) t[c] = is_atext | is_let_dig;
        if (c >= 0x80) t[c] = is_atext | is_eight_bit;
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) t[c] |= is_qtext;
    }
    for (char c : std::string_view{"!#$%&'*+-/=?^_`{|}~"}) t[static_cast<unsigned char>(c)] |= is_atext;
    return t;
}();

unsigned octet(char c) noexcept { return static_cast<unsigned char>(c); }
bool has(char c, unsigned what) noexcept { return (classes[octet(c)] & what) != 0; }

bool is_dot_string(std::string_view text) noexcept
{
    char before = '.';
    for (char c : text) {
        if (c == '.' ? before == '.' : !has(c, is_atext)) return false;
        before = c;
    }
    return before != '.';
}

// What the checks below found, besides the error.
struct finding {
    path_error why = path_error::none;
    bool eight_bit = false;

    bool fail(path_error e) noexcept
    {
        why = e;
        return false;
    }
};

bool check_utf8(std::string_view text, finding& f) noexcept
{
    if (!is_utf8(text)) return f.fail(path_error::not_utf8);
    return visible_utf8(text) || f.fail(path_error::syntax);
}

// Quoted-string of RFC 5321 section 4.1.2, from the opening quote on.
bool take_quoted(std::string_view& text, std::string& out, finding& f)
{
    bool eight_bit = false;
    for (std::size_t i = 1; i < text.size(); ++i) {
        char c = text[i];
        if (c == '"') {
            text.remove_prefix(i + 1);
            // Allowed by the grammar, used by nobody, and it broke programs: the empty local part.
            if (out.empty()) return f.fail(path_error::syntax);
            if (eight_bit && !check_utf8(out, f)) return false;
            f.eight_bit |= eight_bit;
            return true;
        }
        if (c == '\\') {
            if (++i == text.size()) break;
            c = text[i];
            if (octet(c) < 0x20 || octet(c) >= 0x7f) break;
        } else if (!has(c, is_qtext)) {
            break;
        }
        eight_bit |= has(c, is_eight_bit);
        out += c;
    }
    return f.fail(path_error::syntax);
}

bool take_local_part(std::string_view& text, std::string& out, finding& f)
{
    std::size_t const before = text.size();
    if (!text.empty() && text.front() == '"') {
        if (!take_quoted(text, out, f)) return false;
    } else {
        std::size_t i = 0;
        unsigned seen = 0;
        char last = '.';
        for (; i < text.size(); ++i) {
            char const c = text[i];
            if (c == '.') {
                if (last == '.') return f.fail(path_error::syntax);
            } else if (has(c, is_atext)) {
                seen |= classes[octet(c)];
            } else {
                break;
            }
            last = c;
        }
        if (last == '.') return f.fail(path_error::syntax);
        if ((seen & is_eight_bit) != 0) {
            if (!check_utf8(text.substr(0, i), f)) return false;
            f.eight_bit = true;
        }
        out.assign(text.data(), i);
        text.remove_prefix(i);
    }
    return before - text.size() <= local_part_limit || f.fail(path_error::too_long);
}

// ASCII domain: checked and lower-cased into `out`.
bool fold_domain(std::string_view text, std::string& out, finding& f)
{
    if (text.empty()) return f.fail(path_error::syntax);
    if (text.size() > domain_limit) return f.fail(path_error::too_long);
    out.resize(text.size());
    std::size_t label = 0;  // where the label under way starts
    bool digits_only = true;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i == text.size() || text[i] == '.') {
            if (i == label || i - label > label_limit || text[label] == '-' || text[i - 1] == '-')
                return f.fail(path_error::bad_domain);
            if (i == text.size()) break;
            out[i] = '.';
            label = i + 1;
            digits_only = true;
            continue;
        }
        char const c = text[i];
        if (!has(c, is_let_dig) && c != '-') return f.fail(path_error::bad_domain);
        digits_only = digits_only && c >= '0' && c <= '9';
        out[i] = lower(c);
    }
    // "192.0.2.1" without brackets would be read as an address by some.
    return !digits_only || f.fail(path_error::bad_domain);
}

// A domain with U-labels, by UTS 46 (non-transitional) to A-labels.
bool map_domain(std::string_view text, std::string& out, finding& f)
{
    if (text.size() > domain_limit) return f.fail(path_error::too_long);
    if (!check_utf8(text, f)) return false;
    for (auto rest = text; !rest.empty();) {
        char32_t const point = take_point(rest);
        // Full stops of other scripts, which UTS 46 takes for dots, and struck-out "=", "<", ">".
        bool const stop = point == 0x3002 || point == 0xff0e || point == 0xff61;
        bool const struck_out = point == 0x2260 || point == 0x226e || point == 0x226f;
        if (stop || struck_out) return f.fail(path_error::bad_domain);
    }
    std::string const terminated(text);
    std::uint8_t* mapped = nullptr;
    // Without IDN2_USE_STD3_ASCII_RULES: libidn2 2.3.3 then drops characters that map to other
    // ASCII instead of refusing them. fold_domain() is as strict as these rules.
    int const rc = idn2_lookup_u8(reinterpret_cast<std::uint8_t const*>(terminated.c_str()), &mapped,
                                  IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    std::unique_ptr<std::uint8_t, void (*)(void*)> const owner(mapped, idn2_free);
    if (rc == IDN2_TOO_BIG_DOMAIN) return f.fail(path_error::too_long);
    if (rc != IDN2_OK || mapped == nullptr) return f.fail(path_error::bad_domain);
    return fold_domain(reinterpret_cast<char const*>(mapped), out, f);
}

// Address literal, RFC 5321 section 4.1.3; general literals (of no registered tag) are refused.
bool fold_literal(std::string_view inside, std::string& out, finding& f)
{
    constexpr std::string_view tag = "ipv6:";
    constexpr std::string_view allowed = "0123456789abcdefABCDEF:.";
    bool const six = starts_with_ignoring_case(inside, tag);
    auto const text = six ? inside.substr(tag.size()) : inside;
    // First the characters: the address parser works on C strings.
    if (text.find_first_not_of(allowed) != std::string_view::npos) return f.fail(path_error::bad_domain);
    if ((text.find(':') != std::string_view::npos) != six) return f.fail(path_error::bad_domain);
    auto const address = ip_address::parse(text);
    if (!address) return f.fail(path_error::bad_domain);
    out = '[';
    if (!address->is_v4()) out += tag;
    out += address->to_string();
    out += ']';
    return true;
}

// Takes a domain or literal off the front, up to what can't be part of one.
bool take_domain(std::string_view& text, std::string& out, finding& f)
{
    if (!text.empty() && text.front() == '[') {
        auto const end = text.find(']');
        if (end == std::string_view::npos) return f.fail(path_error::syntax);
        if (!fold_literal(text.substr(1, end - 1), out, f)) return false;
        text.remove_prefix(end + 1);
        return true;
    }
    std::size_t i = 0;
    unsigned seen = 0;
    for (; i < text.size(); ++i) {
        char const c = text[i];
        if (!has(c, is_let_dig | is_eight_bit) && c != '.' && c != '-' && c != '_') break;
        seen |= classes[octet(c)];
    }
    auto const domain = text.substr(0, i);
    bool const eight_bit = (seen & is_eight_bit) != 0;
    f.eight_bit |= eight_bit;
    if (!(eight_bit ? map_domain(domain, out, f) : fold_domain(domain, out, f))) return false;
    text.remove_prefix(i);
    return true;
}

bool take_mailbox(std::string_view& text, mailbox& out, finding& f)
{
    if (!text.empty() && text.front() == '@') return f.fail(path_error::source_route);
    std::size_t const before = text.size();
    if (!take_local_part(text, out.local_part, f)) return false;
    std::size_t const local = before - text.size();
    if (text.empty() || text.front() != '@') return f.fail(path_error::syntax);
    text.remove_prefix(1);
    if (!take_domain(text, out.domain, f)) return false;
    // Measured as it was written and as we shall write it: A-labels are longer than what they stand for.
    constexpr std::size_t brackets = 2;
    if (before - text.size() + brackets > path_limit || local + 1 + out.domain.size() + brackets > path_limit)
        return f.fail(path_error::too_long);
    return true;
}

bool is_qualified(mailbox const& m) noexcept { return m.is_literal() || m.domain.find('.') != std::string::npos; }

constexpr std::string_view postmaster = "postmaster";

}  // namespace

bool mailbox::needs_smtputf8() const noexcept { return !is_ascii(local_part); }

std::string mailbox::to_string() const
{
    std::string out;
    out.reserve(local_part.size() + domain.size() + 8);
    if (is_dot_string(local_part)) {
        out = local_part;
    } else {
        out += '"';
        for (char c : local_part) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        out += '"';
    }
    if (!domain.empty()) {
        out += '@';
        out += domain;
    }
    return out;
}

std::string mailbox::key() const
{
    std::string out;
    out.reserve(local_part.size() + 1 + domain.size());
    for (char c : local_part) out += lower(c);
    out += '@';
    out += domain;
    return out;
}

std::optional<path> parse_path(std::string_view& text, bool null_allowed, bool bare_postmaster, path_error& why)
{
    why = path_error::syntax;
    if (text.empty() || text.front() != '<') return std::nullopt;
    auto rest = text.substr(1);
    path p;
    if (!rest.empty() && rest.front() == '>') {
        if (!null_allowed) return std::nullopt;
        p.null = true;
    } else if (bare_postmaster && rest.size() > postmaster.size() && rest[postmaster.size()] == '>' &&
               starts_with_ignoring_case(rest, postmaster)) {
        p.address.local_part = postmaster;
        rest.remove_prefix(postmaster.size());
    } else {
        finding f;
        if (!take_mailbox(rest, p.address, f)) {
            why = f.why;
            return std::nullopt;
        }
        if (rest.empty() || rest.front() != '>') return std::nullopt;
        if (!is_qualified(p.address)) {
            why = path_error::not_qualified;
            return std::nullopt;
        }
        p.utf8 = f.eight_bit;
    }
    text = rest.substr(1);
    why = path_error::none;
    return p;
}

std::optional<mailbox> parse_mailbox(std::string_view text, path_error& why)
{
    std::optional<mailbox> m(std::in_place);
    finding f;
    if (!take_mailbox(text, *m, f))
        why = f.why;
    else if (!text.empty())
        why = path_error::syntax;
    else if (!is_qualified(*m))
        why = path_error::not_qualified;
    else
        why = path_error::none;
    if (why != path_error::none) m.reset();
    return m;
}

std::optional<mailbox> parse_mailbox(std::string_view text)
{
    path_error why = path_error::none;
    return parse_mailbox(text, why);
}

std::optional<std::string> parse_domain(std::string_view text)
{
    std::optional<std::string> out(std::in_place);
    finding f;
    if (text.starts_with('[') || !take_domain(text, *out, f) || !text.empty()) out.reset();
    return out;
}

bool is_ehlo_argument(std::string_view text)
{
    if (text.empty() || text.size() > domain_limit) return false;
    bool const literal = text.size() > 2 && text.front() == '[' && text.back() == ']';
    if (literal) text = text.substr(1, text.size() - 2);
    // Colons and zones: clients that put their own IPv6 address without brackets or with "%en0" are about.
    return std::all_of(text.begin(), text.end(), [](char c) {
        return has(c, is_let_dig) || c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
    });
}

}  // namespace postern::mail
