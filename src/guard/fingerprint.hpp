// Keyed 64-bit fingerprints: of secrets, which the guard compares and never keeps, and of
// the keys of its tables, so that nobody outside can choose what collides. The key is made
// at the start of the process and written nowhere.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::guard {

class fingerprinter {
public:
    fingerprinter();
    /// With a key of 32 octets, so that fingerprints outlive the process.
    explicit fingerprinter(std::string key);

    /// Of a secret, as it was tried for an account. Never 0.
    std::uint64_t of_secret(std::string_view account, std::string_view secret) const;
    /// Of what is no secret (SipHash-2-4); fast. Never 0.
    std::uint64_t of(std::string_view text) const noexcept;
    std::uint64_t of(std::uint64_t a, std::uint64_t b) const noexcept;

private:
    std::string key_;
    std::array<std::uint64_t, 2> sip_{};
};

}  // namespace postern::guard
