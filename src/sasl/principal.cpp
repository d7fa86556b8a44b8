#include "sasl/principal.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "sasl/prepare.hpp"

namespace postern::sasl {
namespace {

constexpr std::size_t longest = 1024;
constexpr std::size_t most_components = 8;

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// Whether it can stand before an "@" as it is (RFC 5321 section 4.1.2, Dot-string). What an
/// address would have to quote might be read as another name than the one that was proven.
bool is_plain_local_part(std::string_view name) noexcept
{
    constexpr std::string_view special = "()<>[]:;@\\,\" ";
    return is_acceptable_name(name) && name.find_first_of(special) == std::string_view::npos && name.front() != '.' &&
           name.back() != '.' && name.find("..") == std::string_view::npos;
}

/// Letter case makes no other account, so it makes no other principal either: directories that
/// don't tell "Anna" from "anna" give tickets as the name was typed.
bool is_same(principal const& a, principal const& b)
{
    return a.realm == b.realm &&
           std::equal(a.components.begin(), a.components.end(), b.components.begin(), b.components.end(),
                      [](std::string const& x, std::string const& y) { return equal_ignoring_case(x, y); });
}

}  // namespace

std::optional<principal> parse_principal(std::string_view text)
{
    if (text.size() > longest) return std::nullopt;
    principal p;
    std::string part;
    bool in_realm = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (is_control(c)) return std::nullopt;
        if (c == '\\') {
            if (++i == text.size()) return std::nullopt;
            c = text[i];
            // \n, \t, \b and \0 are the control characters that C means by them.
            if (is_control(c) || c == 'n' || c == 't' || c == 'b' || c == '0') return std::nullopt;
        } else if (c == '@' || (c == '/' && !in_realm)) {
            if (in_realm || part.empty() || p.components.size() == most_components) return std::nullopt;
            p.components.push_back(std::move(part));
            part.clear();
            in_realm = c == '@';
            continue;
        }
        part += c;
    }
    if (!in_realm || part.empty()) return std::nullopt;
    p.realm = std::move(part);
    return p;
}

principal_owner find_owner(std::string_view text, principal_rules const& rules)
{
    auto const who = parse_principal(text);
    if (!who) return {{}, {}, "a principal without a name that could be an account's"};
    for (auto const& b : rules.bindings)
        if (auto const bound = parse_principal(b.principal); bound && is_same(*bound, *who))
            return {b.account, {std::string{text}}};
    auto const found =
        std::find_if(rules.realms.begin(), rules.realms.end(), [&](auto const& r) { return r.realm == who->realm; });
    if (found == rules.realms.end()) return {{}, {}, "the principal's realm is not in kerberos.realms"};
    if (who->components.size() != 1 || !is_plain_local_part(who->components[0]))
        return {{}, {}, "the principal is no plain user's: only kerberos.principals can name its account"};
    auto const& name = who->components[0];
    return {name + '@' + found->domain, {std::string{text}, name}};
}

}  // namespace postern::sasl
