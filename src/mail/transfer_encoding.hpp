// Content transfer encodings (RFC 2045 section 6) for content that comes in pieces cut anywhere: what
// is 8-bit or binary as lines that every server takes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::mail {

/// RFC 2045 section 6.7. Line breaks stay what they are; a CR or LF alone is encoded.
class quoted_printable_encoder {
public:
    void add(std::string_view octets, std::string& out);
    void finish(std::string& out);

private:
    void put(unsigned char c, bool encoded, std::string& out);

    std::size_t column_ = 0;
    char held_ = 0;  // a blank, which may turn out to end a line, or a CR
};

/// Quoted-printable of a whole text with CRLF lines.
void append_quoted_printable(std::string& out, std::string_view text);

/// RFC 2045 section 6.8.
class base64_line_encoder {
public:
    void add(std::string_view octets, std::string& out);
    /// The last line has no line end.
    void finish(std::string& out);

private:
    void put(std::string_view text, std::string& out);

    std::string left_;  // fewer octets than make a group
    std::size_t column_ = 0;
};

}  // namespace postern::mail
