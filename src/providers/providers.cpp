#include "providers/providers.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"
#include "providers/wild_text.hpp"

namespace postern::providers {

namespace {

// As the tables have names: in small letters, no dot at the end.
std::string plain_name(std::string_view name)
{
    if (name.ends_with('.')) name.remove_suffix(1);
    return to_lower(name);
}

bool is_below(std::string_view name, std::string_view suffix) noexcept
{
    if (!name.ends_with(suffix)) return false;
    return name.size() == suffix.size() || name[name.size() - suffix.size() - 1] == '.';
}

template <class Fits>
provider const* first(Fits fits)
{
    auto const known = all();
    auto const at = std::find_if(known.begin(), known.end(), fits);
    return at == known.end() ? nullptr : &*at;
}

}  // namespace

std::string_view to_words(security s) noexcept
{
    switch (s) {
        case security::implicit_tls: return "SSL/TLS";
        case security::starttls: return "STARTTLS";
        case security::starttls_optional: return "STARTTLS, if available";
        case security::none: break;
    }
    return "none";
}

bool provider::wants_app_password() const noexcept
{
    return secret == "app-password" || secret == "app-password-or-oauth" || secret == "device-password";
}

provider const* find_by_id(std::string_view id)
{
    return first([&](provider const& p) { return p.id == id; });
}

provider const* find_by_domain(std::string_view domain)
{
    auto const name = plain_name(domain);
    return first([&](provider const& p) {
        return std::any_of(p.domains.begin(), p.domains.end(), [&](auto d) { return d == name; });
    });
}

provider const* find_by_mx(std::string_view host)
{
    auto const name = plain_name(host);
    provider const* best = nullptr;
    std::size_t length = 0;
    for (auto const& p : all()) {
        for (auto const suffix : p.mx_suffixes) {
            // The longest says most: olc.protection.outlook.com is another service than its parent.
            if (!is_below(name, suffix) || suffix.size() <= length) continue;
            best = &p;
            length = suffix.size();
        }
    }
    return best;
}

provider const* find_by_host(std::string_view host)
{
    auto const name = plain_name(host);
    return first([&](provider const& p) {
        return std::any_of(p.hosts.begin(), p.hosts.end(), [&](auto pattern) { return is_whole(name, pattern); });
    });
}

}  // namespace postern::providers
