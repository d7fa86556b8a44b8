// Base 64, RFC 4648 section 4, strict: canonical alphabet and padding only. And the variant of its section 5.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern {

std::string base64_encode(std::string_view octets);

/// Nothing when the text has a character outside the alphabet (line breaks too),
/// wrong or missing padding, or non-zero bits after the last octet.
std::optional<std::string> base64_decode(std::string_view text);

/// The alphabet for URLs and file names, without padding (RFC 4648 section 5).
std::string base64url_encode(std::string_view octets);

}  // namespace postern
