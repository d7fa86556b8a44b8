#include "mail/code_points.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace postern::mail {
namespace {

struct range {
    char32_t first, last;
};

// Sorted. Zero-width joiners have honest uses in some scripts, but none that an
// address can't do without.
constexpr std::array invisible{
    range{0x00, 0x20},        // controls, blank
    range{0x7f, 0xa0},        // DEL, C1 controls, no-break space
    range{0xad, 0xad},        // soft hyphen
    range{0x34f, 0x34f},      // combining grapheme joiner
    range{0x61c, 0x61c},      // Arabic letter mark
    range{0x115f, 0x1160},    // Hangul fillers
    range{0x1680, 0x1680},    // Ogham space
    range{0x17b4, 0x17b5},    // Khmer inherent vowels
    range{0x180b, 0x180f},    // Mongolian selectors
    range{0x2000, 0x200f},    // spaces, zero-width, direction marks
    range{0x2028, 0x202f},    // line separators, embeddings and overrides
    range{0x205f, 0x206f},    // word joiner, isolates
    range{0x2800, 0x2800},    // Braille blank
    range{0x3000, 0x3000},    // ideographic space
    range{0x3164, 0x3164},    // Hangul filler
    range{0xfdd0, 0xfdef},    // non-characters
    range{0xfe00, 0xfe0f},    // variation selectors
    range{0xfeff, 0xfeff},    // byte order mark
    range{0xffa0, 0xffa0},    // half-width filler
    range{0xfff0, 0xffff},    // specials
    range{0x1bca0, 0x1bca3},  // shorthand controls
    range{0x1d173, 0x1d17a},  // musical controls
    range{0xe0000, 0xe0fff},  // tags, more variation selectors
};

}  // namespace

bool is_invisible(char32_t point) noexcept
{
    auto const* const r = std::lower_bound(invisible.begin(), invisible.end(), point,
                                           [](range const& a, char32_t p) { return a.last < p; });
    return (r != invisible.end() && r->first <= point) || (point & 0xfffe) == 0xfffe;
}

char32_t take_point(std::string_view& text) noexcept
{
    auto const octet = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
    char32_t point = octet(0);
    std::size_t const length = point < 0x80 ? 1 : point >= 0xf0 ? 4 : point >= 0xe0 ? 3 : 2;
    if (length > 1) point &= 0x7fu >> length;
    for (std::size_t i = 1; i < length && i < text.size(); ++i) point = point << 6 | (octet(i) & 0x3f);
    text.remove_prefix(std::min(length, text.size()));
    return point;
}

void append_point(std::string& out, char32_t point)
{
    auto const put = [&](char32_t octet) { out += static_cast<char>(octet); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xc0 | point >> 6);
        put(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        put(0xe0 | point >> 12);
        put(0x80 | (point >> 6 & 0x3f));
        put(0x80 | (point & 0x3f));
    } else {
        put(0xf0 | point >> 18);
        put(0x80 | (point >> 12 & 0x3f));
        put(0x80 | (point >> 6 & 0x3f));
        put(0x80 | (point & 0x3f));
    }
}

bool visible_utf8(std::string_view text) noexcept
{
    if (!is_utf8(text)) return false;
    while (!text.empty())
        if (char32_t const point = take_point(text); point >= 0x80 && is_invisible(point)) return false;
    return true;
}

}  // namespace postern::mail
