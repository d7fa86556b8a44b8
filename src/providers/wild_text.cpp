#include "providers/wild_text.hpp"

namespace postern::providers {

namespace {

constexpr std::string_view anything = "…";

// The part in front of the next wildcard, taken off with it.
std::string_view take_part(std::string_view& pattern) noexcept
{
    auto const wild = pattern.find(anything);
    auto const part = pattern.substr(0, wild);
    pattern.remove_prefix(wild == std::string_view::npos ? pattern.size() : wild + anything.size());
    return part;
}

}  // namespace

bool has_somewhere(std::string_view text, std::string_view pattern) noexcept
{
    while (!pattern.empty()) {
        auto const part = take_part(pattern);
        auto const at = text.find(part);
        if (at == std::string_view::npos) return false;
        text.remove_prefix(at + part.size());
    }
    return true;
}

bool is_whole(std::string_view text, std::string_view pattern) noexcept
{
    auto const first = pattern.find(anything);
    if (first == std::string_view::npos) return text == pattern;
    auto const head = pattern.substr(0, first);
    auto const tail = pattern.substr(pattern.rfind(anything) + anything.size());
    if (text.size() < head.size() + tail.size() || !text.starts_with(head) || !text.ends_with(tail)) return false;
    text = text.substr(head.size(), text.size() - head.size() - tail.size());
    return has_somewhere(text, pattern.substr(first, pattern.size() - tail.size() - first));
}

}  // namespace postern::providers
