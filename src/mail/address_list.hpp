// Address lists of header fields (RFC 5322 section 3.4, with groups, comments and the
// obsolete forms of section 4.4; RFC 6532 for UTF-8): who a From or Sender field names.
// What programs are known to read in different ways is refused, not guessed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "mail/address.hpp"

namespace postern::mail {

enum class list_error : std::uint8_t {
    none,
    syntax,
    empty,        // no address at all
    ambiguous,    // a form that other programs may read as another address
    bad_address,  // an addr-spec that the address parser refuses
    too_many,
};

/// The addresses of the value of a field, in order, members of groups included; display
/// names and comments are dropped.
std::optional<std::vector<mailbox>> parse_address_list(std::string_view value, std::size_t limit, list_error& why);

}  // namespace postern::mail
