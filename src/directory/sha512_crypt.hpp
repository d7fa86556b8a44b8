// crypt(3) with SHA-512, "$6$" (Drepper, "Unix crypt using SHA-256 and SHA-512"): what
// most imported accounts have, and the dearest thing in many first log-ins. Checks of
// several accounts run side by side in the lanes of a vector; one alone runs on OpenSSL.
// Which is faster than libcrypt, and by how much, bench/crypt_bench.cpp measures.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "directory/sha512_lanes.hpp"

namespace postern::directory::sha512 {

struct crypt_job {
    std::string_view password;  // at most 511 octets, as with libcrypt
    std::string_view salt;      // at most 16
    std::uint32_t rounds = 5000;
    std::string hash;  // out: 86 characters
};

/// Side by side as far as best_engine() has lanes and it pays.
void crypt_all(std::span<crypt_job> jobs);
/// The same with a chosen engine, for tests and benchmarks.
void crypt_all(std::span<crypt_job> jobs, engine const& e);

}  // namespace postern::directory::sha512
