// The pieces of tag lists ("a=1; b=x:y", RFC 6376 section 3.2), taken off the front of a text.
#pragma once

#include <string_view>

namespace postern::mail {

/// Without spaces, tabs and line ends at both ends.
std::string_view trimmed(std::string_view text) noexcept;
/// Takes what is in front of the separator off the text, separator included; gives it trimmed.
std::string_view take_until(std::string_view& text, char separator) noexcept;
/// Whether a list has the word, whatever its letter case.
bool lists(std::string_view list, char separator, std::string_view word) noexcept;

}  // namespace postern::mail
