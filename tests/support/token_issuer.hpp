// An issuer of tokens: makes keys, shows their public halves as JWKs, and signs.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/base64.hpp"
#include "directory/jwt.hpp"

namespace postern::testing {

using directory::signature_kind;

inline std::string url(std::string_view octets)
{
    auto text = base64_encode(octets);
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    while (text.ends_with('=')) text.pop_back();
    return text;
}

/// How each algorithm is made and shown.
struct issuer_algorithm {
    signature_kind kind;
    char const* name;
    char const* curve;  // null: RSA
    std::size_t size;   // octets of a coordinate, or of a raw public key
    EVP_MD const* (*digest)();
};
inline issuer_algorithm const& issuer_algorithm_of(signature_kind kind)
{
    using enum signature_kind;
    static issuer_algorithm const all[] = {
        {rs256, "RS256", nullptr, 0, EVP_sha256},  {rs384, "RS384", nullptr, 0, EVP_sha384},
        {rs512, "RS512", nullptr, 0, EVP_sha512},  {ps256, "PS256", nullptr, 0, EVP_sha256},
        {ps384, "PS384", nullptr, 0, EVP_sha384},  {ps512, "PS512", nullptr, 0, EVP_sha512},
        {es256, "ES256", "P-256", 32, EVP_sha256}, {es384, "ES384", "P-384", 48, EVP_sha384},
        {es512, "ES512", "P-521", 66, EVP_sha512}, {eddsa, "EdDSA", "Ed25519", 32, nullptr},
    };
    for (auto const& a : all)
        if (a.kind == kind) return a;
    std::abort();
}

/// A key pair of the test's issuer.
class issuer_key {
public:
    explicit issuer_key(signature_kind kind, bool ed448 = false) : algorithm_(issuer_algorithm_of(kind))
    {
        if (ed448) {
            algorithm_.curve = "Ed448";
            algorithm_.size = 57;
        }
        if (algorithm_.curve == nullptr)
            key_ = EVP_RSA_gen(2048);
        else if (is_edwards())
            key_ = EVP_PKEY_Q_keygen(nullptr, nullptr, ed448 ? "ED448" : "ED25519");
        else
            key_ = EVP_EC_gen(algorithm_.curve);
        REQUIRE(key_ != nullptr);
    }
    explicit issuer_key(unsigned bits) : algorithm_(issuer_algorithm_of(signature_kind::rs256)), key_(EVP_RSA_gen(bits))
    {
    }
    issuer_key(issuer_key const&) = delete;
    issuer_key& operator=(issuer_key const&) = delete;
    ~issuer_key() { EVP_PKEY_free(key_); }

    std::string algorithm() const { return algorithm_.name; }

    /// The public half as a JWK. `more`: further members, each with its comma.
    std::string jwk(std::string const& id, std::string const& more = {}) const
    {
        std::string parts;
        if (algorithm_.curve == nullptr) {
            parts = R"("kty":"RSA","n":")" + number(OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" +
                    number(OSSL_PKEY_PARAM_RSA_E) + '"';
        } else if (is_edwards()) {
            unsigned char raw[57];
            std::size_t size = sizeof raw;
            REQUIRE(EVP_PKEY_get_raw_public_key(key_, raw, &size) == 1);
            parts = R"("kty":"OKP","crv":")" + std::string{algorithm_.curve} + R"(","x":")" +
                    url({reinterpret_cast<char const*>(raw), size}) + '"';
        } else {
            unsigned char point[133];
            std::size_t size = 0;
            REQUIRE(EVP_PKEY_get_octet_string_param(key_, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &size) == 1);
            REQUIRE(size == 1 + 2 * algorithm_.size);
            std::string_view const octets{reinterpret_cast<char const*>(point), size};
            parts = R"("kty":"EC","crv":")" + std::string{algorithm_.curve} + R"(","x":")" +
                    url(octets.substr(1, algorithm_.size)) + R"(","y":")" + url(octets.substr(1 + algorithm_.size)) +
                    '"';
        }
        return R"({"kid":")" + id + "\"," + parts + more + '}';
    }

    std::string sign(std::string const& text) const
    {
        EVP_MD_CTX* const context = EVP_MD_CTX_new();
        EVP_PKEY_CTX* parameters = nullptr;
        auto const* const md = algorithm_.digest == nullptr ? nullptr : algorithm_.digest();
        auto const* const octets = reinterpret_cast<unsigned char const*>(text.data());
        std::size_t size = 0;
        REQUIRE(EVP_DigestSignInit(context, &parameters, md, nullptr, key_) == 1);
        if (algorithm_.name[0] == 'P') {
            REQUIRE(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
            REQUIRE(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
        }
        REQUIRE(EVP_DigestSign(context, nullptr, &size, octets, text.size()) == 1);
        std::string out(size, '\0');
        REQUIRE(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, octets, text.size()) == 1);
        out.resize(size);
        EVP_MD_CTX_free(context);
        return algorithm_.name[0] == 'E' && !is_edwards() ? from_der(out) : out;
    }

    std::string token(std::string const& claims, std::string const& header) const
    {
        auto const text = url(header) + '.' + url(claims);
        return text + '.' + url(sign(text));
    }
    std::string token(std::string const& claims) const
    {
        return token(claims, R"({"alg":")" + algorithm() + R"(","typ":"JWT","kid":"one"})");
    }

private:
    bool is_edwards() const { return algorithm_.kind == signature_kind::eddsa; }
    std::string number(char const* name) const
    {
        BIGNUM* n = nullptr;
        REQUIRE(EVP_PKEY_get_bn_param(key_, name, &n) == 1);
        std::string octets(static_cast<std::size_t>(BN_num_bytes(n)), '\0');
        BN_bn2bin(n, reinterpret_cast<unsigned char*>(octets.data()));
        BN_free(n);
        return url(octets);
    }
    std::string from_der(std::string const& der) const
    {
        auto const* at = reinterpret_cast<unsigned char const*>(der.data());
        ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
        REQUIRE(pair != nullptr);
        auto const half = algorithm_.size;
        std::string out(2 * half, '\0');
        auto* const octets = reinterpret_cast<unsigned char*>(out.data());
        BN_bn2binpad(ECDSA_SIG_get0_r(pair), octets, static_cast<int>(half));
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), octets + half, static_cast<int>(half));
        ECDSA_SIG_free(pair);
        return out;
    }

    issuer_algorithm algorithm_;
    EVP_PKEY* key_ = nullptr;
};

inline std::string set_of(std::vector<std::string> const& keys)
{
    std::string out = "{\"keys\":[";
    for (auto const& k : keys) out += (out.back() == '[' ? "" : ",") + k;
    return out + "]}";
}

}  // namespace postern::testing
