// ECDSA keys on P-256: that of our account with a certificate authority, and those of certificates. What is made
// with them: signatures (ES256, RFC 7518 section 3.4), certificate requests (RFC 2986), and the certificate that proves a
// name over TLS (RFC 8737). Hides OpenSSL as base/signing_key does. Cheap to copy; safe from any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

struct evp_pkey_st;  // OpenSSL's

namespace postern::acme {

class ec_key {
public:
    static result<ec_key> generate();
    /// PEM, not encrypted. Whatever else stands in it (a certificate) is passed over.
    static result<ec_key> parse(std::string_view pem);

    /// PKCS #8, in PEM.
    secret pem() const;
    /// The public half as JSON, its members in the order of RFC 7638 section 3.
    std::string jwk() const;
    /// RFC 7638, in base64url.
    std::string thumbprint() const;
    /// SHA-256 of the SubjectPublicKeyInfo: what a TLSA record "3 1 1" holds.
    std::string public_key_digest() const;
    /// 64 octets; empty when the library fails.
    std::string sign(std::string_view octets) const;
    evp_pkey_st* get() const noexcept { return key_.get(); }

private:
    explicit ec_key(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}

    std::shared_ptr<evp_pkey_st> key_;
};

/// A request for a certificate of these names (plain lower-case ones), in DER.
result<std::string> make_request(ec_key const& key, std::vector<std::string> const& names);

/// RFC 8737 section 3: self-signed, for one name, with the digest of the key authorization; in PEM.
result<std::string> make_proof_certificate(ec_key const& key, std::string const& name,
                                           std::string_view key_authorization);

}  // namespace postern::acme
