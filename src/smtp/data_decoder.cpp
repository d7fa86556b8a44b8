#include "smtp/data_decoder.hpp"

#include <bit>

#include "smtp/octet_scan.hpp"

namespace postern::smtp {
namespace {

/// Bits below the lowest set bit of `bits`.
constexpr std::uint64_t below(std::uint64_t bits) { return (bits & (~bits + 1)) - 1; }

}  // namespace

template <class Octets>
char const* data_decoder::scan(char const* p, char const* end)
{
    // What the octet before `p` was, moved into the lowest bit.
    std::uint64_t after_cr = at_ == at::cr;
    std::uint64_t after_crlf = at_ == at::line_start;
    while (end - p >= 64) {
        Octets const block{p};
        auto const cr = block.equal('\r');
        auto const lf = block.equal('\n');
        auto const may_end = (cr << 1) | after_cr;  // an LF here makes CRLF; anything else makes a bare CR
        auto const crlf = lf & may_end;
        auto const dots = block.equal('.') & ((crlf << 1) | after_crlf);
        if (dots != 0) {
            // What lies behind the dot may be commands already: only what is before it counts.
            auto const mask = below(dots);
            bare_newline_ |= ((lf ^ may_end) & mask) != 0;
            nul_ |= (block.equal('\0') & mask) != 0;
            eight_bit_ |= (block.high() & mask) != 0;
            at_ = at::line_start;
            return p + std::countr_zero(dots);
        }
        bare_newline_ |= lf != may_end;
        nul_ |= block.any_nul();
        eight_bit_ |= block.any_high();
        after_cr = cr >> 63;
        after_crlf = crlf >> 63;
        p += 64;
    }
    at_ = after_cr != 0 ? at::cr : after_crlf != 0 ? at::line_start : at::in_line;
    for (; p != end; ++p) {
        auto const c = static_cast<unsigned char>(*p);
        if (at_ == at::line_start && c == '.') return p;
        bool const ends_line = c == '\n';
        bare_newline_ |= ends_line != (at_ == at::cr);
        nul_ |= c == 0;
        eight_bit_ |= c >= 0x80;
        at_ = c == '\r' ? at::cr : ends_line && at_ == at::cr ? at::line_start : at::in_line;
    }
    return end;
}

template <class Octets>
bool data_decoder::decode_with(std::string_view& in, std::vector<std::string_view>& out)
{
    if (in.empty()) return false;
    char const* p = in.data();
    char const* const end = p + in.size();
    if (at_ == at::dot) {
        if (*p == '\r') {
            at_ = at::dot_cr;
            ++p;
        } else {
            dot_ |= *p == '.';
            at_ = at::in_line;
        }
    }
    if (at_ == at::dot_cr && p != end) {
        if (*p == '\n') {
            at_ = at::line_start;
            in.remove_prefix(static_cast<std::size_t>(p + 1 - in.data()));
            return true;
        }
        // ".\rx": the dot was stuffing, the CR belongs to the line.
        out.emplace_back("\r");
        at_ = at::cr;
    }
    if (at_ == at::dot_cr) {
        in.remove_prefix(in.size());
        return false;
    }
    char const* piece = p;
    for (;;) {
        p = scan<Octets>(p, end);
        if (p != piece) out.emplace_back(piece, static_cast<std::size_t>(p - piece));
        if (p == end) break;
        // A dot at the start of a line: the end of data, or stuffing to be taken off.
        piece = ++p;
        auto const left = end - p;
        if (left == 0) {
            at_ = at::dot;
            break;
        }
        if (*p == '\r') {
            if (left == 1) {
                at_ = at::dot_cr;
                break;
            }
            if (p[1] == '\n') {
                at_ = at::line_start;
                in.remove_prefix(static_cast<std::size_t>(p + 2 - in.data()));
                return true;
            }
        }
        dot_ |= *p == '.';
        at_ = at::in_line;
    }
    in.remove_prefix(in.size());
    return false;
}

bool data_decoder::decode(std::string_view& in, std::vector<std::string_view>& out)
{
    return decode_with<fast_octets>(in, out);
}

bool data_decoder::decode_portably(std::string_view& in, std::vector<std::string_view>& out)
{
    return decode_with<plain_octets>(in, out);
}

}  // namespace postern::smtp
