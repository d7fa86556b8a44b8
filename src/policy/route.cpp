#include "policy/route.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace postern::policy {
namespace {

constexpr std::string_view to_hold = "hold";

// "example.com", ".example.com", "ann@example.com"
bool fits_recipient(std::string const& pattern, mail::mailbox const& to, std::string& key)
{
    if (pattern.starts_with('.')) return to.domain.size() > pattern.size() && to.domain.ends_with(pattern);
    if (pattern.find('@') == std::string::npos) return to.domain == pattern;
    if (key.empty()) key = to.key();
    return key == pattern;
}

// "@example.com", "ann@example.com"
bool fits_address(std::string const& pattern, std::string_view address)
{
    return pattern.starts_with('@') ? address.ends_with(pattern) : address == pattern;
}

bool fits(config::route const& r, route_facts const& f)
{
    if (r.recipients.empty() && f.local) return false;
    std::string key;
    auto const recipient = [&](std::string const& p) { return fits_recipient(p, f.forward_path, key); };
    if (!r.recipients.empty() && std::none_of(r.recipients.begin(), r.recipients.end(), recipient)) return false;
    if (!r.senders.empty()) {
        std::string const from = f.reverse_path.null ? "<>" : f.reverse_path.address.key();
        auto const sender = [&](std::string const& p) { return fits_address(p, from); };
        if (std::none_of(r.senders.begin(), r.senders.end(), sender)) return false;
    }
    if (r.accounts.empty()) return true;
    std::string const who = to_lower(f.account);
    auto const account = [&](std::string const& p) { return !who.empty() && fits_address(p, who); };
    return std::any_of(r.accounts.begin(), r.accounts.end(), account);
}

}  // namespace

std::optional<std::size_t> choose_route(std::vector<config::route> const& routes, route_facts const& f, bool holds)
{
    for (std::size_t i = 0; i < routes.size(); ++i)
        if ((holds || routes[i].to != to_hold) && fits(routes[i], f)) return i;
    return std::nullopt;
}

bool is_held(std::vector<config::route> const& routes, route_facts const& f)
{
    auto const place = choose_route(routes, f, true);
    return place && routes[*place].to == to_hold;
}

catalogue::verdict refusal(config::route const& r, mail::mailbox const& to)
{
    auto v = catalogue::make_verdict(catalogue::rules::route_refused, {{"domain", to.domain}});
    if (!r.text.empty()) v.text = r.text;
    return v;
}

std::string describe(std::vector<config::route> const& routes, std::size_t place)
{
    return "route " + std::to_string(place + 1) + " to " + routes[place].to;
}

}  // namespace postern::policy
