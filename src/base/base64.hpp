// Base 64, RFC 4648 section 4, strict: canonical alphabet and padding only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern {

std::string base64_encode(std::string_view octets);

/// Nothing when the text has a character outside the alphabet (line breaks too),
/// wrong or missing padding, or non-zero bits after the last octet.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace postern
