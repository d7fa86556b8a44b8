// The coding gzip (RFC 1952; RFC 9110 section 8.4.1.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::http {

enum class effort : std::uint8_t { quick, best };

std::string gzip(std::string_view octets, effort e);

}  // namespace postern::http
