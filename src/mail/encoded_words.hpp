// Text that is not ASCII in header fields: encoded words (RFC 2047), names of files (RFC 2231),
// and the folding of long fields (RFC 5322 section 2.2.3). Writes only; nothing here reads them.
#pragma once

#include <string>
#include <string_view>

namespace postern::mail {

/// UTF-8 text as it may stand in an unstructured field or as a display name: as it is where that
/// is ASCII, else as encoded words in base64, none of them over 60 characters.
std::string encode_words(std::string_view text);

/// A display name (RFC 5322 section 3.2.5): words, a quoted string, or encoded words.
/// `utf8`: as RFC 6532 has it, without encoding.
std::string encode_phrase(std::string_view name, bool utf8);

/// A parameter of a MIME field with its `; ` in front: `; filename="a b.txt"`, or
/// `; filename*0*=UTF-8''...; filename*1*=...` where the value is long or not ASCII.
std::string encode_parameter(std::string_view name, std::string_view value);

/// "Name: value" with its CRLF, folded at blanks so that lines have no more than 76 characters
/// where that is possible.
std::string fold_field(std::string_view name, std::string_view value);

}  // namespace postern::mail
