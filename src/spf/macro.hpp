// The macros of SPF (RFC 7208 section 7): names that depend on who sends.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.hpp"

namespace postern::spf {

/// One "%..." of a text, or a piece without any.
struct macro {
    char letter = 0;       // lower-case; 0: `literal` it is
    bool escaped = false;  // the letter was upper-case: as in a URL
    bool reversed = false;
    std::size_t parts = 0;  // how many from the right; 0: all
    std::string_view delimiters;
    std::string_view literal;
};

/// Takes the next one off the front of `text`, which is not empty; nothing when that is an error.
std::optional<macro> take_macro(std::string_view& text);

/// What the letters stand for.
struct macro_values {
    ip_address client;
    std::string local_part, sender_domain;  // of the identity
    std::string domain;                     // that is asked about now
    std::string helo;
    std::function<std::string()> client_name;  // only where it is asked for, since that is looked up
};

/// The name that a well-formed text means: at most 253 octets, shortened from the left (section 7.3),
/// without a dot at its end. Whether it can be one in the DNS is another question.
std::string expand(std::string_view text, macro_values const& values);

}  // namespace postern::spf
