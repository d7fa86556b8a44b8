// SHA-512 in four lanes. Compiled for AVX2 whatever the rest is compiled for.
#include "directory/sha512_lanes.hpp"

#if defined(__AVX2__)

#include <immintrin.h>

#include "directory/sha512_lanes_impl.hpp"

namespace postern::directory::sha512 {
namespace {

struct avx2 {
    using word = __m256i;
    static constexpr unsigned lanes = 4;

    static inline word set(std::uint64_t x) { return _mm256_set1_epi64x(static_cast<long long>(x)); }
    static inline word add(word a, word b) { return _mm256_add_epi64(a, b); }
    template <int N>
    static inline word ror(word a)
    {
        return _mm256_or_si256(_mm256_srli_epi64(a, N), _mm256_slli_epi64(a, 64 - N));
    }
    template <int N>
    static inline word shr(word a)
    {
        return _mm256_srli_epi64(a, N);
    }
    static inline word xor3(word a, word b, word c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
    static inline word choose(word a, word b, word c)
    {
        return _mm256_xor_si256(c, _mm256_and_si256(a, _mm256_xor_si256(b, c)));
    }
    static inline word majority(word a, word b, word c)
    {
        return _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
    }

    static inline word swap_octets(word a)
    {
        word const order =
            _mm256_set_epi64x(0x08090a0b0c0d0e0f, 0x0001020304050607, 0x08090a0b0c0d0e0f, 0x0001020304050607);
        return _mm256_shuffle_epi8(a, order);
    }

    /// Rows become columns.
    static inline void transpose(word (&r)[4])
    {
        word const t0 = _mm256_unpacklo_epi64(r[0], r[1]);
        word const t1 = _mm256_unpackhi_epi64(r[0], r[1]);
        word const t2 = _mm256_unpacklo_epi64(r[2], r[3]);
        word const t3 = _mm256_unpackhi_epi64(r[2], r[3]);
        r[0] = _mm256_permute2x128_si256(t0, t2, 0x20);
        r[1] = _mm256_permute2x128_si256(t1, t3, 0x20);
        r[2] = _mm256_permute2x128_si256(t0, t2, 0x31);
        r[3] = _mm256_permute2x128_si256(t1, t3, 0x31);
    }

    static inline void load(word (&w)[16], messages const& m, std::uint32_t block)
    {
        for (unsigned quarter = 0; quarter < 4; ++quarter) {
            word r[4];
            for (unsigned l = 0; l < lanes; ++l) {
                std::uint32_t const at = block < m.blocks[l] ? block : 0;
                auto const* from = reinterpret_cast<__m256i const*>(m.data[l] + 128 * at + 32 * quarter);
                r[l] = swap_octets(_mm256_loadu_si256(from));
            }
            transpose(r);
            for (unsigned i = 0; i < 4; ++i) w[4 * quarter + i] = r[i];
        }
    }

    static inline void keep_ended(word (&state)[8], word const (&next)[8], messages const& m, std::uint32_t block)
    {
        long long on[4];
        for (unsigned l = 0; l < lanes; ++l) on[l] = block < m.blocks[l] ? -1 : 0;
        word const running = _mm256_set_epi64x(on[3], on[2], on[1], on[0]);
        for (unsigned i = 0; i < 8; ++i) state[i] = _mm256_blendv_epi8(state[i], next[i], running);
    }

    static inline void store(word (&state)[8], messages const& m)
    {
        for (unsigned half = 0; half < 2; ++half) {
            word r[4] = {state[4 * half], state[4 * half + 1], state[4 * half + 2], state[4 * half + 3]};
            transpose(r);
            for (unsigned l = 0; l < lanes; ++l)
                _mm256_storeu_si256(reinterpret_cast<__m256i*>(m.digest[l] + 32 * half), swap_octets(r[l]));
        }
    }
};

}  // namespace

function avx2_engine() noexcept { return __builtin_cpu_supports("avx2") ? rounds<avx2>::hash : nullptr; }

}  // namespace postern::directory::sha512

#else

namespace postern::directory::sha512 {
function avx2_engine() noexcept { return nullptr; }
}  // namespace postern::directory::sha512

#endif
