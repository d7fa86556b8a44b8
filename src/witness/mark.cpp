#include "witness/mark.hpp"

#include <charconv>

#include "base/ids.hpp"
#include "base/text.hpp"

namespace postern::witness {

std::string make_code() { return std::string{code_prefix} + make_session_id(); }

bool looks_like_code(std::string_view text) noexcept
{
    if (!starts_with_ignoring_case(text, code_prefix)) return false;
    text.remove_prefix(code_prefix.size());
    return text.size() == 12 && text.find('.') == std::string_view::npos && looks_like_id(text);
}

bool may_be_mark(std::string_view text) noexcept
{
    return text.size() > mark_suffix.size() &&
           equal_ignoring_case(text.substr(text.size() - mark_suffix.size()), mark_suffix);
}

std::optional<mark> parse_mark(std::string_view text)
{
    if (!may_be_mark(text)) return std::nullopt;
    text.remove_suffix(mark_suffix.size());
    mark m;
    if (auto const dot = text.find('.'); dot != std::string_view::npos) {
        auto const* const end = text.data() + dot;
        auto const read = std::from_chars(text.data(), end, m.session);
        if (read.ec != std::errc{} || read.ptr != end || m.session == 0 || m.session > most_sessions)
            return std::nullopt;
        text.remove_prefix(dot + 1);
    }
    if (!looks_like_code(text)) return std::nullopt;
    m.code = to_upper(text);
    return m;
}

std::string to_string(mark const& m)
{
    auto const name = to_lower(m.code) + std::string{mark_suffix};
    return m.session == 0 ? name : std::to_string(m.session) + '.' + name;
}

}  // namespace postern::witness
