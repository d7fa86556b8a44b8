// Known domains that a mistyped one may have been meant for.
#pragma once

#include <string_view>

namespace postern::discovery {

/// The domain of a known provider that differs by one letter (left out, added, exchanged, or two swapped); empty: none, or
/// it is one itself.
std::string_view find_lookalike(std::string_view domain);

}  // namespace postern::discovery
