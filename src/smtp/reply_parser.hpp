// Replies of another server, RFC 5321 section 4.2, read from whatever pieces they come
// in. The other side may be hostile: lines, their number and the whole are bounded, the
// codes of a reply's lines must agree, and the text is never shown as it came.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace postern::smtp {

struct reply {
    int code = 0;            // 200 to 599; 0: none
    postern::status status;  // RFC 3463, when the text begins with one of the code's class
    std::string text;        // behind the codes, lines joined by '\n'; as it came

    bool positive() const noexcept { return code / 100 == 2; }
    bool intermediate() const noexcept { return code / 100 == 3; }
    bool temporary() const noexcept { return code / 100 == 4; }
    bool permanent() const noexcept { return code / 100 == 5; }
    /// One printable line, "550 5.1.1 no such user", for the log and for reports.
    std::string to_string() const;
};

/// The RFC 3463 code at the beginning of a reply's text; empty when there is none.
/// `taken`: how long it is, the blank behind it included.
status find_status(std::string_view text, std::size_t& taken) noexcept;

class reply_parser {
public:
    // RFC 5321 section 4.5.3.1.5 allows 512 octets a line; real servers exceed it.
    static constexpr std::size_t longest_line = 2048;
    static constexpr std::size_t most_lines = 100;
    static constexpr std::size_t longest_reply = 32 * 1024;

    enum class state : std::uint8_t { more, complete, malformed };

    /// Takes octets off the front of `in` until a reply is complete or nothing is left. A bare
    /// LF ends a line too: replies decide nothing that could be smuggled past us.
    state take(std::string_view& in);

    /// The complete reply; the parser is ready for the next one then.
    reply release();
    /// Why it was malformed, for the log.
    std::string_view problem() const noexcept { return problem_; }

private:
    state on_line(std::string_view line);
    state fail(std::string_view why) noexcept;

    std::string partial_;  // a line's beginning
    reply value_;
    std::size_t lines_ = 0;
    std::string_view problem_;
};

}  // namespace postern::smtp
