// Password hashes that neither libcrypt nor libargon2 knows: bare and salted digests as
// LDAP and Dovecot write them ("{SSHA256}..."), PBKDF2 (Dovecot's "{PBKDF2}$1$...", the
// "$pbkdf2-sha256$..." of Python programs), scrypt as a PHC string, and Apache's "$apr1$".
// Only ever verified, never made for accounts of our own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::directory {

struct foreign_hash {
    enum class kind : std::uint8_t { digest, pbkdf2, scrypt, apr1 };
    enum class algorithm : std::uint8_t { md5, sha1, sha256, sha512 };

    kind what = kind::digest;
    algorithm with = algorithm::sha1;
    bool salted = false;       // digest
    bool of_dovecot = false;   // pbkdf2: written as {PBKDF2}$1$
    std::uint32_t rounds = 0;  // pbkdf2; scrypt: the logarithm of N
    std::uint32_t block = 0;   // scrypt: r
    std::uint32_t lanes = 0;   // scrypt: p
    std::string salt;          // octets
    std::string hash;          // octets; apr1: its 22 characters

    /// Nothing when it is none of these, or costs more than some two seconds or 256 MiB.
    static std::optional<foreign_hash> parse(std::string_view text);
    std::string to_string() const;
    /// What a person calls it: "SSHA256", "pbkdf2-sha256", "scrypt", "$apr1$".
    std::string scheme() const;
    /// The text without salt and hash.
    std::string cost() const;
    /// What the password gives with this salt and these costs; nothing: no memory.
    std::optional<std::string> compute(std::string_view password) const;
};

/// A digest scheme by its name in Dovecot or LDAP ("SSHA", "SHA512", "PLAIN-MD5"), and the
/// octets of digest and salt.
std::optional<foreign_hash> digest_of_scheme(std::string_view scheme, std::string_view octets);
/// The octets of a digest, or 0 when the scheme is none.
std::size_t digest_size_of_scheme(std::string_view scheme) noexcept;

/// Base 64 without or with padding.
std::optional<std::string> decode_any_base64(std::string_view text);
std::optional<std::string> decode_hex(std::string_view text);

}  // namespace postern::directory
