// The content behind DATA decoded in the slow and obvious way, to compare with.
#pragma once

#include <string>

namespace postern::test {

struct decoded {
    std::string content;
    std::string behind;  // what is left when the end was found
    bool tidy = true;    // no empty piece, nothing left without need
    bool ended = false, bare_newline = false, nul = false, dots = false, eight_bit = false;
    friend bool operator==(decoded const&, decoded const&) = default;
};

/// As RFC 5321 says it: the lines of the text, each without the dot that it may begin with.
inline decoded slowly(std::string const& text)
{
    decoded d;
    auto const all = "\r\n" + text;
    auto const end = all.find("\r\n.\r\n");
    d.ended = end != std::string::npos;
    auto const body = d.ended ? text.substr(0, end) : text;
    if (d.ended) d.behind = text.substr(end + 3);
    bool line_start = true;
    for (std::size_t i = 0; i < body.size(); ++i) {
        char const c = body[i];
        char const before = i == 0 ? '\0' : body[i - 1];
        bool const ends_line = c == '\n' && before == '\r';
        bool const stuffing = line_start && c == '.';
        line_start = ends_line;
        if (c == '\n' && !ends_line) d.bare_newline = true;
        // The last CR of an unfinished text may still get its LF.
        if (c == '\r' && i + 1 < body.size() && body[i + 1] != '\n') d.bare_newline = true;
        d.nul |= c == '\0';
        d.eight_bit |= static_cast<unsigned char>(c) >= 0x80;
        if (!stuffing) {
            d.content += c;
        } else if (i + 1 < body.size() && body[i + 1] == '.') {
            d.dots = true;
        }
    }
    // A dot, or a dot and CR, at the very end of an unfinished text is not content yet.
    if (!d.ended && all.ends_with("\r\n.\r")) d.content.pop_back();
    return d;
}

}  // namespace postern::test
