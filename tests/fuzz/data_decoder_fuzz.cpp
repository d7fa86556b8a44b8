// The content behind DATA: with and without vectors, cut by the input's first octet, and
// against the slow decoder.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/data_decoder.hpp"
#include "support/slow_decoder.hpp"

namespace {

using postern::test::decoded;

decoded decode(std::string_view text, std::size_t piece, bool portably)
{
    decoded d;
    postern::smtp::data_decoder decoder;
    std::vector<std::string_view> out;
    while (!text.empty() && !d.ended) {
        auto in = text.substr(0, piece);
        auto const given = in.size();
        out.clear();
        d.ended = portably ? decoder.decode_portably(in, out) : decoder.decode(in, out);
        for (auto const p : out) {
            d.tidy &= !p.empty();
            d.content += p;
        }
        d.tidy &= d.ended || in.empty();
        text.remove_prefix(given - in.size());
    }
    if (d.ended) d.behind = text;
    d.bare_newline = decoder.bare_newline();
    d.nul = decoder.nul();
    d.dots = decoder.lines_begin_with_dot();
    d.eight_bit = decoder.eight_bit();
    return d;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    std::string_view const text{reinterpret_cast<char const*>(data) + 1, size - 1};
    auto const expected = postern::test::slowly(std::string{text});
    auto const piece = std::size_t{1} + data[0];
    if (decode(text, text.size() + 1, false) != expected || decode(text, piece, false) != expected ||
        decode(text, piece, true) != expected) {
        std::abort();
    }
    return 0;
}
