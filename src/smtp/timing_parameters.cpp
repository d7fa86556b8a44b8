#include "smtp/timing_parameters.hpp"

#include <algorithm>
#include <chrono>

#include "base/numbers.hpp"

namespace postern::smtp {
namespace {

std::optional<std::uint32_t> digits(std::string_view text, std::size_t least, std::size_t most)
{
    bool const only = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!only || text.size() < least || text.size() > most) return std::nullopt;
    return parse_number<std::uint32_t>(text);
}

// Exactly so many digits from the front, and what has to stand behind them.
std::optional<std::uint32_t> field(std::string_view& text, std::size_t size, std::string_view ends)
{
    auto const n = digits(text.substr(0, size), size, size);
    if (!n) return std::nullopt;
    text.remove_prefix(size);
    if (ends.empty()) return n;
    if (text.empty() || ends.find(text.front()) == std::string_view::npos) return std::nullopt;
    text.remove_prefix(1);
    return n;
}

// "Z", "+01:00", "-08:30"
std::optional<std::chrono::minutes> offset(std::string_view text)
{
    if (text == "Z" || text == "z") return std::chrono::minutes{0};
    if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
    bool const west = text.front() == '-';
    text.remove_prefix(1);
    auto const hours = field(text, 2, ":");
    auto const minutes = field(text, 2, {});
    if (!hours || !minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
    auto const all = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
    return west ? -all : all;
}

}  // namespace

std::optional<std::int8_t> parse_priority(std::string_view value)
{
    bool const negative = value.starts_with('-');
    if (negative) value.remove_prefix(1);
    auto const n = digits(value, 1, 1);
    if (!n || (negative && *n == 0)) return std::nullopt;
    return static_cast<std::int8_t>(negative ? -static_cast<int>(*n) : static_cast<int>(*n));
}

std::optional<mail::deliver_by> parse_by(std::string_view value, wall_time now)
{
    auto const semicolon = value.find(';');
    if (semicolon == std::string_view::npos) return std::nullopt;
    auto time = value.substr(0, semicolon);
    auto mode = value.substr(semicolon + 1);
    bool const negative = time.starts_with('-');
    if (negative || time.starts_with('+')) time.remove_prefix(1);
    auto const seconds = digits(time, 1, 9);
    if (!seconds || mode.empty() || mode.size() > 2) return std::nullopt;
    mail::deliver_by by;
    switch (mode.front()) {
        case 'R':
        case 'r': by.mode = mail::by_mode::give_back; break;
        case 'N':
        case 'n': by.mode = mail::by_mode::notify; break;
        default: return std::nullopt;
    }
    by.trace = mode.size() == 2;
    if (by.trace && mode[1] != 'T' && mode[1] != 't') return std::nullopt;
    // RFC 2852 section 4
    if (by.mode == mail::by_mode::give_back && (negative || *seconds == 0)) return std::nullopt;
    std::chrono::seconds const span{*seconds};
    by.until = negative ? now - span : now + span;
    return by;
}

std::optional<wall_time> parse_hold_for(std::string_view value, wall_time now)
{
    auto const seconds = digits(value, 1, 9);
    if (!seconds || *seconds == 0) return std::nullopt;
    return now + std::chrono::seconds{*seconds};
}

std::optional<wall_time> parse_hold_until(std::string_view value)
{
    auto const year = field(value, 4, "-");
    if (!year) return std::nullopt;
    auto const month = field(value, 2, "-");
    if (!month) return std::nullopt;
    auto const day = field(value, 2, "Tt");
    if (!day) return std::nullopt;
    auto const hour = field(value, 2, ":");
    if (!hour) return std::nullopt;
    auto const minute = field(value, 2, ":");
    if (!minute) return std::nullopt;
    auto const second = field(value, 2, {});
    if (!second) return std::nullopt;
    if (value.starts_with('.')) {
        // What is below a second makes no difference here.
        auto const end = value.find_first_not_of("0123456789", 1);
        if (end == 1 || end == std::string_view::npos) return std::nullopt;
        value.remove_prefix(end);
    }
    auto const east = offset(value);
    std::chrono::year_month_day const date{std::chrono::year{static_cast<int>(*year)}, std::chrono::month{*month},
                                           std::chrono::day{*day}};
    // A leap second is 60; the clock counts no years from 2262 on.
    if (!east || !date.ok() || *year < 1970 || *year > 2200 || *hour > 23 || *minute > 59 || *second > 60)
        return std::nullopt;
    return wall_time{std::chrono::sys_days{date}} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
           std::chrono::seconds{*second} - *east;
}

}  // namespace postern::smtp
