#include "mail/tag_list.hpp"

#include "base/text.hpp"

namespace postern::mail {
namespace {

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

std::string_view trimmed(std::string_view text) noexcept
{
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::string_view take_until(std::string_view& text, char separator) noexcept
{
    auto const end = text.find(separator);
    auto const part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return trimmed(part);
}

bool lists(std::string_view list, char separator, std::string_view word) noexcept
{
    while (!list.empty())
        if (equal_ignoring_case(take_until(list, separator), word)) return true;
    return false;
}

}  // namespace postern::mail
