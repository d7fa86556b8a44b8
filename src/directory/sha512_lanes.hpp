// SHA-512 of several messages at once, one in each lane of a vector: what makes many
// checks of "$6$" hashes cheap. Raw pointers, since the files behind this are compiled
// for processors that not every machine has, and must share no inline code with others.
#pragma once

#include <cstdint>

namespace postern::directory::sha512 {

inline constexpr unsigned most_lanes = 8;

struct messages {
    unsigned char const* data[most_lanes];  // padded as SHA-512 does (FIPS 180-4 section 5.1.2)
    unsigned char* digest[most_lanes];      // 64 octets each; may lie in the data of a later call
    std::uint32_t blocks[most_lanes];       // of 128 octets; at least one
};

/// Hashes that many messages (the others must be copies of one of them).
using function = void (*)(messages const&);

struct engine {
    unsigned lanes;   // messages per call
    unsigned worthy;  // from so many on it beats one after the other
    function hash;
};

/// One message, on OpenSSL.
void hash_one(messages const& m);
/// The best that this machine can do; `lanes` is 1 when there is no such thing.
engine const& best_engine() noexcept;

/// By the names of what they need; null where not compiled in or not there.
function avx2_engine() noexcept;
function avx512_engine() noexcept;

}  // namespace postern::directory::sha512
