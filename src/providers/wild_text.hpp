// Texts with wildcards: `…` (U+2026) stands for any octets, none included. Linear in the text for each part of the pattern, and
// no recursion, so a hostile text costs nothing.
#pragma once

#include <string_view>

namespace postern::providers {

/// Whether the pattern is somewhere in the text.
bool has_somewhere(std::string_view text, std::string_view pattern) noexcept;
/// Whether the pattern is the whole text.
bool is_whole(std::string_view text, std::string_view pattern) noexcept;

}  // namespace postern::providers
