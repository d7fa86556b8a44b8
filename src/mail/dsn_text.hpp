// Text helpers of delivery reports: foreign text made harmless, lines kept short.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::mail {

/// What a remote server said, on one line, controls escaped, at most some 700 octets.
std::string clean_remote_text(std::string_view text);
/// The same in ASCII: all else becomes \xNN.
std::string to_ascii_text(std::string_view text);
/// Appends words to lines of at most 76 columns, each with the indent in front and CRLF behind.
void append_wrapped(std::string& out, std::string_view indent, std::string_view text);
/// Appends a field, folded at blanks; what is too long for a line is broken.
void append_field(std::string& out, std::string_view name, std::string_view value);

}  // namespace postern::mail
