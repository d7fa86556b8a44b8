// SHA-512 in eight lanes. Compiled for AVX-512 whatever the rest is compiled for.
#include "directory/sha512_lanes.hpp"

#if defined(__AVX512F__) && defined(__AVX512BW__)

#include <immintrin.h>

#include "directory/sha512_lanes_impl.hpp"

namespace postern::directory::sha512 {
namespace {

struct avx512 {
    using word = __m512i;
    static constexpr unsigned lanes = 8;

    static inline word set(std::uint64_t x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
    static inline word add(word a, word b) { return _mm512_add_epi64(a, b); }
    template <int N>
    static inline word ror(word a)
    {
        return _mm512_ror_epi64(a, N);
    }
    template <unsigned N>
    static inline word shr(word a)
    {
        return _mm512_srli_epi64(a, N);
    }
    // The third argument of ternarylogic is the table of the function: bit 4a+2b+c.
    static inline word xor3(word a, word b, word c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
    static inline word choose(word a, word b, word c) { return _mm512_ternarylogic_epi64(a, b, c, 0xca); }
    static inline word majority(word a, word b, word c) { return _mm512_ternarylogic_epi64(a, b, c, 0xe8); }

    static inline word swap_octets(word a)
    {
        word const order =
            _mm512_set_epi64(0x08090a0b0c0d0e0f, 0x0001020304050607, 0x08090a0b0c0d0e0f, 0x0001020304050607,
                             0x08090a0b0c0d0e0f, 0x0001020304050607, 0x08090a0b0c0d0e0f, 0x0001020304050607);
        return _mm512_shuffle_epi8(a, order);
    }

    /// Rows become columns.
    static inline void transpose(word (&r)[8])
    {
        word t[8];
        for (unsigned i = 0; i < 8; i += 2) {
            t[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
            t[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
        }
        word u[8];
        for (unsigned i = 0; i < 8; i += 4) {
            u[i] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0x88);
            u[i + 1] = _mm512_shuffle_i64x2(t[i + 1], t[i + 3], 0x88);
            u[i + 2] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0xdd);
            u[i + 3] = _mm512_shuffle_i64x2(t[i + 1], t[i + 3], 0xdd);
        }
        for (unsigned i = 0; i < 4; ++i) {
            r[i] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0x88);
            r[i + 4] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0xdd);
        }
    }

    static inline void load(word (&w)[16], messages const& m, std::uint32_t block)
    {
        for (unsigned half = 0; half < 2; ++half) {
            word r[8];
            for (unsigned l = 0; l < lanes; ++l) {
                std::uint32_t const at = block < m.blocks[l] ? block : 0;
                r[l] = swap_octets(_mm512_loadu_si512(m.data[l] + 128 * at + 64 * half));
            }
            transpose(r);
            for (unsigned i = 0; i < 8; ++i) w[8 * half + i] = r[i];
        }
    }

    static inline void keep_ended(word (&state)[8], word const (&next)[8], messages const& m, std::uint32_t block)
    {
        unsigned running = 0;
        for (unsigned l = 0; l < lanes; ++l) running |= (block < m.blocks[l] ? 1u : 0u) << l;
        for (unsigned i = 0; i < 8; ++i)
            state[i] = _mm512_mask_mov_epi64(state[i], static_cast<__mmask8>(running), next[i]);
    }

    static inline void store(word (&state)[8], messages const& m)
    {
        transpose(state);
        for (unsigned l = 0; l < lanes; ++l) _mm512_storeu_si512(m.digest[l], swap_octets(state[l]));
    }
};

}  // namespace

function avx512_engine() noexcept
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") ? rounds<avx512>::hash : nullptr;
}

}  // namespace postern::directory::sha512

#else

namespace postern::directory::sha512 {
function avx512_engine() noexcept { return nullptr; }
}  // namespace postern::directory::sha512

#endif
