// The rounds of SHA-512 (FIPS 180-4 section 6.4.2) on vectors of words, for the files
// that name a vector. Everything here has internal linkage: see sha512_lanes.hpp.
#pragma once

#include <cstdint>

#include "directory/sha512_constants.hpp"
#include "directory/sha512_lanes.hpp"

namespace postern::directory::sha512 {
namespace {

/// `Word` is one word of each lane; `Vector` has its operations and:
///   load(words, m, block): the block's sixteen words of every lane, in host order
///   store(state, m): the digests
template <class Vector>
struct rounds {
    using word = typename Vector::word;

    static inline word big_sigma0(word x)
    {
        return Vector::xor3(Vector::template ror<28>(x), Vector::template ror<34>(x), Vector::template ror<39>(x));
    }
    static inline word big_sigma1(word x)
    {
        return Vector::xor3(Vector::template ror<14>(x), Vector::template ror<18>(x), Vector::template ror<41>(x));
    }
    static inline word small_sigma0(word x)
    {
        return Vector::xor3(Vector::template ror<1>(x), Vector::template ror<8>(x), Vector::template shr<7>(x));
    }
    static inline word small_sigma1(word x)
    {
        return Vector::xor3(Vector::template ror<19>(x), Vector::template ror<61>(x), Vector::template shr<6>(x));
    }

    static inline void step(word a, word b, word c, word& d, word e, word f, word g, word& h, std::uint64_t k, word w)
    {
        word const t = Vector::add(Vector::add(h, Vector::add(Vector::set(k), w)),
                                   Vector::add(big_sigma1(e), Vector::choose(e, f, g)));
        d = Vector::add(d, t);
        h = Vector::add(t, Vector::add(big_sigma0(a), Vector::majority(a, b, c)));
    }

    static inline void compress(word (&state)[8], word (&w)[16])
    {
        word a = state[0], b = state[1], c = state[2], d = state[3];
        word e = state[4], f = state[5], g = state[6], h = state[7];
        for (unsigned t = 0; t < 80; t += 16) {
            if (t != 0) {
                for (unsigned i = 0; i < 16; ++i)
                    w[i] = Vector::add(Vector::add(w[i], small_sigma0(w[(i + 1) % 16])),
                                       Vector::add(w[(i + 9) % 16], small_sigma1(w[(i + 14) % 16])));
            }
            std::uint64_t const* k = round_constants + t;
            for (unsigned i = 0; i < 16; i += 8) {
                step(a, b, c, d, e, f, g, h, k[i], w[i]);
                step(h, a, b, c, d, e, f, g, k[i + 1], w[i + 1]);
                step(g, h, a, b, c, d, e, f, k[i + 2], w[i + 2]);
                step(f, g, h, a, b, c, d, e, k[i + 3], w[i + 3]);
                step(e, f, g, h, a, b, c, d, k[i + 4], w[i + 4]);
                step(d, e, f, g, h, a, b, c, k[i + 5], w[i + 5]);
                step(c, d, e, f, g, h, a, b, k[i + 6], w[i + 6]);
                step(b, c, d, e, f, g, h, a, k[i + 7], w[i + 7]);
            }
        }
        state[0] = Vector::add(state[0], a);
        state[1] = Vector::add(state[1], b);
        state[2] = Vector::add(state[2], c);
        state[3] = Vector::add(state[3], d);
        state[4] = Vector::add(state[4], e);
        state[5] = Vector::add(state[5], f);
        state[6] = Vector::add(state[6], g);
        state[7] = Vector::add(state[7], h);
    }

    static void hash(messages const& m)
    {
        word state[8];
        for (unsigned i = 0; i < 8; ++i) state[i] = Vector::set(initial[i]);
        std::uint32_t longest = 1;
        for (unsigned l = 0; l < Vector::lanes; ++l) longest = m.blocks[l] > longest ? m.blocks[l] : longest;
        for (std::uint32_t block = 0; block < longest; ++block) {
            word w[16];
            Vector::load(w, m, block);
            if (block == 0) {
                compress(state, w);
                continue;
            }
            // Lanes whose message has ended keep what they have.
            word next[8];
            for (unsigned i = 0; i < 8; ++i) next[i] = state[i];
            compress(next, w);
            Vector::keep_ended(state, next, m, block);
        }
        Vector::store(state, m);
    }
};

}  // namespace
}  // namespace postern::directory::sha512
