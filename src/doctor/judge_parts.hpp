// What the judges of several areas share. Included by doctor/*.cpp only.
#pragma once

#include <cstdint>
#include <string>

#include "base/numbers.hpp"
#include "doctor/judge.hpp"

namespace postern::doctor {

/// Nobody answered, or not to be believed: neither "it is there" nor "it is not".
bool is_unknown(dns::finding what) noexcept;
finding dns_unknown(std::string const& about, std::string const& problem);

/// Of "[::]:587"; 0: it has none.
inline std::uint16_t port_of(std::string_view address)
{
    auto const colon = address.rfind(':');
    if (colon == std::string_view::npos) return 0;
    return parse_number<std::uint16_t>(address.substr(colon + 1)).value_or(0);
}

}  // namespace postern::doctor
