// The content behind DATA: finds CRLF.CRLF and nothing else as its end, takes the
// dot-stuffing off (RFC 5321 section 4.5.2), and notices bare CR, bare LF and NUL,
// which no message may have (section 2.3.8). Any cut of the octets into pieces gives
// the same. Fast: it looks at line ends only and hands out views into its input.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace postern::smtp {

class data_decoder {
public:
    /// Takes octets off the front of `in`, up to the end of data or all of them. `out` gets
    /// the decoded pieces in order: views into `in` or constants, valid as long as `in` is.
    /// True when the end of data was found; `in` then starts behind it.
    bool decode(std::string_view& in, std::vector<std::string_view>& out);
    /// The same without the processor's vector instructions, for comparison.
    bool decode_portably(std::string_view& in, std::vector<std::string_view>& out);

    bool bare_newline() const noexcept { return bare_newline_; }  // bare CR or LF was seen
    bool nul() const noexcept { return nul_; }
    /// A decoded line begins with a dot: sending it on as it is would need stuffing.
    bool lines_begin_with_dot() const noexcept { return dot_; }
    bool eight_bit() const noexcept { return eight_bit_; }

private:
    // line_start: behind CRLF or at the very start; dot: behind the dot that begins a line.
    enum class at : std::uint8_t { line_start, dot, dot_cr, in_line, cr };

    template <class Octets>
    bool decode_with(std::string_view& in, std::vector<std::string_view>& out);
    /// The first dot that begins a line, or `end`; sets at_ and the flags for what is before it.
    template <class Octets>
    char const* scan(char const* p, char const* end);

    at at_ = at::line_start;
    bool bare_newline_ = false, nul_ = false, dot_ = false, eight_bit_ = false;
};

}  // namespace postern::smtp
