// Command lines off the front of the input, RFC 5321 section 2.3.8: a line ends in
// CRLF and in nothing else. Bounded: a line longer than its limit is thrown away as
// it comes, and said to be too long at its end. Any cut of the octets gives the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postern::smtp {

/// Octets of a line with its CRLF. RFC 5321 section 4.5.3.1.4 asks for 512, and the
/// parameters of DSN, AUTH= and SMTPUTF8 add some 1300.
inline constexpr std::size_t command_line_limit = 2048;
/// RFC 4954 section 4.3: lines of an AUTH exchange. Taken for AUTH commands too, since
/// clients put long tokens into their initial response.
inline constexpr std::size_t auth_line_limit = 12288;
/// Who sends more than this without a line's end is not worth listening to.
inline constexpr std::size_t flood_limit = 65536;

struct line {
    enum class kind : std::uint8_t {
        none,             // not complete yet
        command,          // `text`, without its CRLF
        bare_lf,          // ended in a bare LF: what follows can't be trusted
        bare_cr,          // a CR inside
        control,          // another control character inside
        too_long,         // ended at last
        too_long_auth,    // the same, of an AUTH command or an exchange
        flood,            // beyond flood_limit
        tls_client_hello  // the first octets of a TLS record
    };
    kind what = kind::none;
    std::string_view text;  // of the complete line, for `too_long` empty
};

class line_reader {
public:
    /// Takes a line off `in`. `in_exchange`: a response of AUTH is awaited; control
    /// characters in it are left to base64 to refuse.
    line take(std::string_view& in, bool in_exchange);
    void reset() noexcept { *this = {}; }

private:
    line skip(std::string_view& in);

    std::size_t skipped_ = 0;  // octets of the overlong line so far; 0: not inside one
    bool auth_ = false;        // it is one of AUTH
    bool cr_ = false;          // its last octet was CR
};

}  // namespace postern::smtp
