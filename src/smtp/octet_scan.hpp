// 64 octets looked at in one go: a bit for each, the lowest for the first. With SSE2
// where there is one, and by arithmetic on words of eight octets elsewhere.
#pragma once

#include <cstdint>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace postern::smtp {

class plain_octets {
public:
    explicit plain_octets(char const* p)
    {
        for (unsigned i = 0; i < 8; ++i, p += 8) {
            std::uint64_t word = 0;
            for (unsigned k = 0; k < 8; ++k) word |= std::uint64_t{static_cast<unsigned char>(p[k])} << (8 * k);
            words_[i] = word;
        }
    }
    std::uint64_t equal(char c) const
    {
        auto const pattern = ones * static_cast<unsigned char>(c);
        std::uint64_t found = 0;
        for (unsigned i = 0; i < 8; ++i) {
            auto const x = words_[i] ^ pattern;
            // The highest bit of each octet that is zero: nothing carries from one to the next.
            found |= gather(~(((x & ~highs) + ~highs) | x) & highs) << (8 * i);
        }
        return found;
    }
    std::uint64_t high() const
    {
        std::uint64_t found = 0;
        for (unsigned i = 0; i < 8; ++i) found |= gather(words_[i] & highs) << (8 * i);
        return found;
    }
    bool any_nul() const { return equal('\0') != 0; }
    bool any_high() const { return high() != 0; }

private:
    static constexpr std::uint64_t ones = 0x0101010101010101U;
    static constexpr std::uint64_t highs = 0x8080808080808080U;
    /// The highest bits of eight octets, side by side.
    static std::uint64_t gather(std::uint64_t bits) { return (bits >> 7) * 0x0102040810204080U >> 56; }
    std::uint64_t words_[8];
};

#ifdef __SSE2__
class sse2_octets {
public:
    explicit sse2_octets(char const* p) : a_(load(p)), b_(load(p + 16)), c_(load(p + 32)), d_(load(p + 48)) {}
    std::uint64_t equal(char octet) const
    {
        auto const wanted = _mm_set1_epi8(octet);
        return join(_mm_cmpeq_epi8(a_, wanted), _mm_cmpeq_epi8(b_, wanted), _mm_cmpeq_epi8(c_, wanted),
                    _mm_cmpeq_epi8(d_, wanted));
    }
    std::uint64_t high() const { return join(a_, b_, c_, d_); }
    bool any_nul() const
    {
        auto const least = _mm_min_epu8(_mm_min_epu8(a_, b_), _mm_min_epu8(c_, d_));
        return _mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128())) != 0;
    }
    bool any_high() const { return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a_, b_), _mm_or_si128(c_, d_))) != 0; }

private:
    static __m128i load(char const* p) { return _mm_loadu_si128(reinterpret_cast<__m128i const*>(p)); }
    static std::uint64_t join(__m128i a, __m128i b, __m128i c, __m128i d)
    {
        auto const mask = [](__m128i v) { return std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_epi8(v))}; };
        return mask(a) | mask(b) << 16 | mask(c) << 32 | mask(d) << 48;
    }
    __m128i a_, b_, c_, d_;
};
using fast_octets = sse2_octets;
#else
using fast_octets = plain_octets;
#endif

}  // namespace postern::smtp
