// Octets as hexadecimal digits.
#pragma once

#include <string>
#include <string_view>

namespace postern {

/// Two digits for each octet, letters in lower case.
std::string to_hex(std::string_view octets);

}  // namespace postern
