#include "discovery/lookalike.hpp"

#include "providers/providers.hpp"

namespace postern::discovery {

namespace {

// Whether one change makes `b` of `a`.
bool is_near(std::string_view a, std::string_view b) noexcept
{
    if (a.size() > b.size()) return is_near(b, a);
    if (b.size() - a.size() > 1) return false;
    while (!a.empty() && a.front() == b.front()) {
        a.remove_prefix(1);
        b.remove_prefix(1);
    }
    while (!a.empty() && a.back() == b.back()) {
        a.remove_suffix(1);
        b.remove_suffix(1);
    }
    if (a.size() <= 1 && b.size() == 1) return true;
    return a.size() == 2 && b.size() == 2 && a[0] == b[1] && a[1] == b[0];
}

}  // namespace

std::string_view find_lookalike(std::string_view domain)
{
    // Short names are near to each other without any slip.
    constexpr std::size_t shortest = 7;
    std::string_view near;
    for (auto const& p : providers::all()) {
        for (auto const known : p.domains) {
            if (known == domain) return {};
            if (near.empty() && known.size() >= shortest && is_near(domain, known)) near = known;
        }
    }
    return near;
}

}  // namespace postern::discovery
