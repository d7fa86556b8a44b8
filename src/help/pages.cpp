#include "help/pages.hpp"

#include <algorithm>
#include <utility>

#include "http/message.hpp"

namespace postern::help {

page const* find_page(std::string_view language, std::string_view name) noexcept
{
    auto const all = pages();
    std::pair const wanted{language, name};
    auto const key = [](page const& p) { return std::pair{p.language, p.name}; };
    auto const at =
        std::lower_bound(all.begin(), all.end(), wanted, [&](page const& p, auto const& w) { return key(p) < w; });
    return at != all.end() && key(*at) == wanted ? &*at : nullptr;
}

void filling::text(slot s, std::string_view words) { of(s) = http::escaped(words); }

std::string filling::into(page const& p) const
{
    std::string out;
    std::size_t length = 0;
    for (auto const& one : p.pieces) length += one.text.size() + values_[static_cast<std::size_t>(one.then)].size();
    out.reserve(length);
    for (auto const& one : p.pieces) {
        out += one.text;
        out += values_[static_cast<std::size_t>(one.then)];
    }
    return out;
}

}  // namespace postern::help
