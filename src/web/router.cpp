#include "web/router.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "base/text.hpp"

namespace postern::web {
namespace {

constexpr std::array<std::pair<http::method, std::string_view>, 7> names{{
    {http::method::get, "GET"},
    {http::method::head, "HEAD"},
    {http::method::post, "POST"},
    {http::method::put, "PUT"},
    {http::method::patch, "PATCH"},
    {http::method::remove, "DELETE"},
    {http::method::options, "OPTIONS"},
}};

/// The next segment, which is taken off the front; `path` begins with '/' or is empty.
std::string_view next_segment(std::string_view& path) noexcept
{
    path.remove_prefix(1);
    auto const segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    return segment;
}

bool is_name(std::string_view segment) noexcept { return segment.starts_with('{') && segment.ends_with('}'); }
bool is_rest(std::string_view segment) noexcept { return is_name(segment) && segment.ends_with("...}"); }

/// "a" of "{a}" and of "{a...}".
std::string name_in(std::string_view segment)
{
    return std::string{segment.substr(1, segment.size() - (is_rest(segment) ? 5 : 2))};
}

std::string_view without_last_slash(std::string_view path) noexcept
{
    if (path.ends_with('/')) path.remove_suffix(1);
    return path;
}

/// How well a pattern fits: a digit a segment, so that of two that fit the larger text is the closer one. Empty: not.
std::string fit(route const& r, std::string_view path, std::vector<std::pair<std::string, std::string>>& parts)
{
    std::string closeness = "=";
    std::string_view pattern = r.pattern;
    while (!pattern.empty()) {
        auto const wanted = next_segment(pattern);
        if (path.empty()) return {};
        if (is_rest(wanted)) {
            if (path.size() < 2) return {};
            parts.emplace_back(name_in(wanted), path.substr(1));
            return closeness + '0';
        }
        auto const there = next_segment(path);
        if (is_name(wanted)) {
            if (there.empty()) return {};
            parts.emplace_back(name_in(wanted), there);
            closeness += '1';
            continue;
        }
        if (there != wanted && !(r.options.any_case && equal_ignoring_case(there, wanted))) return {};
        closeness += '2';
    }
    return path.empty() ? closeness : std::string{};
}

bool answers(route const& r, http::method m) noexcept
{
    return r.method == m || (r.method == http::method::get && m == http::method::head);
}

}  // namespace

std::string_view name_of(http::method m) noexcept
{
    auto const at = std::find_if(names.begin(), names.end(), [m](auto const& one) { return one.first == m; });
    return at == names.end() ? std::string_view{} : at->second;
}

std::string_view call::operator[](std::string_view name) const noexcept
{
    auto const at = std::find_if(parts.begin(), parts.end(), [&](auto const& one) { return one.first == name; });
    return at == parts.end() ? std::string_view{} : std::string_view{at->second};
}

void router::add(http::method m, std::string pattern, plain_handler h, route_options o)
{
    put({m, std::move(pattern), std::move(h), o});
}

void router::add(http::method m, std::string pattern, asking_handler h, route_options o)
{
    put({m, std::move(pattern), std::move(h), o});
}

void router::add_stream(std::string pattern, stream_handler h, route_options o)
{
    put({http::method::get, std::move(pattern), std::move(h), o});
}

void router::put(route r)
{
    assert(r.pattern.starts_with('/'));
    r.pattern = without_last_slash(r.pattern);
    assert(std::none_of(routes_.begin(), routes_.end(),
                        [&](auto const& there) { return there.method == r.method && there.pattern == r.pattern; }));
    routes_.push_back(std::move(r));
}

router::found router::find(http::method m, std::string_view path) const
{
    path = without_last_slash(path);
    found best;
    std::string best_fit;
    for (auto const& r : routes_) {
        std::vector<std::pair<std::string, std::string>> parts;
        auto const closeness = fit(r, path, parts);
        if (closeness.empty()) continue;
        if (answers(r, m)) {
            if (closeness <= best_fit) continue;
            best_fit = closeness;
            best.to = &r;
            best.parts = std::move(parts);
            continue;
        }
        if (!best.allowed.empty()) best.allowed += ", ";
        best.allowed += name_of(r.method);
        if (r.method == http::method::get) best.allowed += ", HEAD";
    }
    return best;
}

}  // namespace postern::web
