// The one checked way from text to a number.
#pragma once

#include <concepts>
#include <limits>
#include <optional>
#include <string_view>

namespace postern {

/// Digits only (no sign, blank or base prefix), all of the text, at most `limit`;
/// else nothing.
template <std::unsigned_integral T>
constexpr std::optional<T> parse_number(std::string_view text, T limit = std::numeric_limits<T>::max()) noexcept
{
    if (text.empty()) return std::nullopt;
    T value = 0;
    for (char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        T const digit = static_cast<T>(c - '0');
        if (digit > limit || value > (limit - digit) / 10) return std::nullopt;
        value = static_cast<T>(value * 10 + digit);
    }
    return value;
}

}  // namespace postern
