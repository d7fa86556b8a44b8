// A private key that signs: RSA (PKCS #1 version 1.5 with SHA-256, RFC 8017) or Ed25519
// (RFC 8032). Hides OpenSSL as crypto.hpp does. Cheap to copy; safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

struct evp_pkey_st;  // OpenSSL's

namespace postern {

class signing_key {
public:
    enum class kind : std::uint8_t { rsa, ed25519 };

    /// Makes one: of 2048 bits where it is RSA.
    static result<signing_key> generate(kind k);
    /// PEM, in PKCS #1 or PKCS #8, not encrypted. RSA keys have 1024 to 4096 bits.
    static result<signing_key> parse(std::string_view pem);

    kind what() const noexcept { return kind_; }
    unsigned bits() const noexcept { return bits_; }
    std::size_t signature_size() const noexcept { return signature_size_; }
    /// Of what has this SHA-256 digest; Ed25519 signs the digest itself, as RFC 8463 section 3 does.
    std::optional<std::string> sign(std::string_view sha256) const;
    /// PKCS #8, in PEM.
    secret pem() const;
    /// SubjectPublicKeyInfo in DER of an RSA key, the 32 octets of an Ed25519 key.
    std::string public_key() const;

private:
    explicit signing_key(std::shared_ptr<evp_pkey_st> key);

    std::shared_ptr<evp_pkey_st> key_;
    kind kind_ = kind::rsa;
    unsigned bits_ = 0;
    std::size_t signature_size_ = 0;
};

}  // namespace postern
