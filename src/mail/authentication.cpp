#include "mail/authentication.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace postern::mail {
namespace {

bool is_plain(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_' || c == '+' || c == '@';
}

// A value as RFC 2045 section 5.1 has them: a word, or a text in quotes. Others than ASCII go.
std::string value_of(std::string_view said)
{
    std::string out;
    bool plain = !said.empty();
    for (char const c : said.substr(0, 255)) {
        if (c < ' ' || c > '~') continue;
        plain = plain && is_plain(c);
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return plain ? out : '"' + out + '"';
}

void add(std::string& out, std::string_view name, std::string_view value)
{
    if (value.empty()) return;
    out += ' ';
    out += name;
    out += '=';
    out += value_of(value);
}

// Blanks, folds and comments off the front; false when a comment does not end.
bool skip_comments(std::string_view& text) noexcept
{
    int depth = 0;
    std::size_t i = 0;
    for (; i < text.size(); ++i) {
        char const c = text[i];
        if (depth > 0 && c == '\\') {
            ++i;
        } else if (c == '(') {
            ++depth;
        } else if (c == ')' && depth > 0) {
            --depth;
        } else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            break;
        }
    }
    text.remove_prefix(std::min(i, text.size()));
    return depth == 0;
}

std::optional<std::string> take_word(std::string_view& text)
{
    std::string word;
    if (!text.starts_with('"')) {
        auto const end = std::min(text.find_first_of(" \t\r\n;()\"/="), text.size());
        word = text.substr(0, end);
        text.remove_prefix(end);
        return word;
    }
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            text.remove_prefix(i + 1);
            return word;
        }
        if (text[i] == '\\' && ++i == text.size()) break;
        word += text[i];
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(auth_result r) noexcept
{
    switch (r) {
        case auth_result::neutral: return "neutral";
        case auth_result::pass: return "pass";
        case auth_result::fail: return "fail";
        case auth_result::softfail: return "softfail";
        case auth_result::policy: return "policy";
        case auth_result::temperror: return "temperror";
        case auth_result::permerror: return "permerror";
        case auth_result::none: break;
    }
    return "none";
}

std::string authentication_results(std::string_view hostname, findings const& f)
{
    constexpr std::string_view next = ";\r\n\t";
    std::string out = "Authentication-Results: " + std::string{hostname};
    out += next;
    out += "spf=";
    out += to_string(f.spf.what);
    add(out, f.spf.of_helo ? "smtp.helo" : "smtp.mailfrom", f.spf.domain);
    if (f.dkim.empty()) {
        out += next;
        out += "dkim=none";
    }
    for (auto const& d : f.dkim) {
        out += next;
        out += "dkim=";
        out += to_string(d.what);
        if (!d.detail.empty()) out += " reason=" + value_of(d.detail);
        out += "\r\n\t";
        add(out, "header.d", d.domain);
        add(out, "header.s", d.selector);
        add(out, "header.a", d.algorithm);
        add(out, "header.b", d.signature);
    }
    for (auto const& a : f.authors) {
        out += next;
        out += "dmarc=";
        out += to_string(a.dmarc);
        if (a.dmarc == auth_result::pass || a.dmarc == auth_result::fail) {
            out += " (p=";
            out += to_string(a.policy);
            out += ')';
        }
        add(out, "header.from", a.address.domain);
    }
    return out + "\r\n";
}

bool claims_to_be_of(std::string_view value, std::string_view hostname)
{
    // What can't be read might be read by somebody in this way.
    if (!skip_comments(value)) return true;
    auto const id = take_word(value);
    if (!id) return true;
    auto name = std::string_view{*id};
    if (name.ends_with('.')) name.remove_suffix(1);
    return equal_ignoring_case(name, hostname);
}

}  // namespace postern::mail
