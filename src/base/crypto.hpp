// Digests, keyed hashes and random octets. The one pure header that stands for a
// library (OpenSSL's libcrypto), which stays hidden behind it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/secret.hpp"

struct evp_md_ctx_st;  // OpenSSL's

namespace postern {

enum class hash { sha1, sha256, sha512 };

/// Octets of the hash's output.
std::size_t digest_size(hash h) noexcept;
std::string digest(hash h, std::string_view octets);
/// A digest of what comes in pieces.
class hasher {
public:
    explicit hasher(hash h);
    void add(std::string_view octets);
    /// Once, at the end.
    std::string finish();

private:
    hash what_;
    std::shared_ptr<evp_md_ctx_st> context_;
};

std::string hmac(hash h, std::string_view key, std::string_view octets);
/// PBKDF2 with HMAC, RFC 8018 section 5.2, output as long as the hash's.
std::string pbkdf2(hash h, std::string_view password, std::string_view salt, std::uint32_t iterations);

/// Encrypts and authenticates (AES-256-GCM, with a nonce of its own in front) with a key of 32
/// octets. `context` is not kept in the result; it has to be the same when it is opened.
std::string seal(std::string_view key, std::string_view octets, std::string_view context);
/// Nothing when the key or the context is another one, or an octet was changed.
std::optional<secret> open_sealed(std::string_view key, std::string_view sealed, std::string_view context);

/// From the operating system's generator; aborts the process when there is none,
/// since no caller could go on safely.
void random_octets(std::span<unsigned char> out);
std::string random_octets(std::size_t count);

/// Takes the same time wherever the two differ; the lengths are not secret.
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace postern
