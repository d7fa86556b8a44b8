// Content-Type fields (RFC 2045 section 5.1), as far as who walks through the parts of a message
// needs them.
#pragma once

#include <string>
#include <string_view>

namespace postern::mail {

struct content_type {
    std::string type = "text", subtype = "plain";  // in small letters; what a part is that says nothing
    std::string boundary;                          // of a multipart

    bool is_multipart() const { return type == "multipart"; }
    /// A message in a message, of which the parts count.
    bool is_message() const { return type == "message" && subtype == "rfc822"; }
};

/// Of an unfolded value. What is no such field is "text/plain" without more (RFC 2045 section 5.2).
content_type parse_content_type(std::string_view value);

}  // namespace postern::mail
