// Argon2 verifiers in the PHC string format ("$argon2id$v=19$m=19456,t=2,p=1$salt$hash").
// The working memory is kept per thread between two hashes: getting it anew from the
// kernel each time costs a tenth of a hash.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::directory::argon2 {

struct parameters {
    bool id = true;                // argon2id, or argon2i
    std::uint32_t memory = 19456;  // KiB; OWASP's recommendation, as are the next two
    std::uint32_t passes = 2;
    std::uint32_t lanes = 1;
};
struct parsed {
    parameters cost;
    std::string salt;  // octets
    std::string hash;
};

/// Nothing where the string is no Argon2 verifier, or its costs are out of bounds
/// (256 MiB, 64 passes, 16 lanes).
std::optional<parsed> parse(std::string_view verifier);
std::string to_string(parsed const& p);

/// The hash, or nothing when there is no memory for it.
std::optional<std::string> compute(parameters const& p, std::string_view password, std::string_view salt,
                                   std::size_t size);

/// Gives this thread's working memory back to the system.
void release_memory() noexcept;

}  // namespace postern::directory::argon2
