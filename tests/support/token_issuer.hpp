// An issuer of tokens: makes keys, shows their public halves as JWKs, and signs.
#pragma once

#include <doctest/doctest.h>

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

/// A key pair of the test's issuer.
class issuer_key {
public:
    explicit issuer_key(signature_kind kind) : kind_(kind)
    {
        switch (kind) {
            case signature_kind::rs256: key_ = EVP_RSA_gen(2048); break;
            case signature_kind::es256: key_ = EVP_EC_gen("P-256"); break;
            case signature_kind::eddsa: key_ = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"); break;
        }
        REQUIRE(key_ != nullptr);
    }
    explicit issuer_key(unsigned bits) : kind_(signature_kind::rs256), key_(EVP_RSA_gen(bits)) {}
    issuer_key(issuer_key const&) = delete;
    issuer_key& operator=(issuer_key const&) = delete;
    ~issuer_key() { EVP_PKEY_free(key_); }

    std::string algorithm() const
    {
        return kind_ == signature_kind::rs256 ? "RS256" : kind_ == signature_kind::es256 ? "ES256" : "EdDSA";
    }

    /// The public half as a JWK. `more`: further members, each with its comma.
    std::string jwk(std::string const& id, std::string const& more = {}) const
    {
        std::string parts;
        if (kind_ == signature_kind::rs256) {
            parts = R"("kty":"RSA","n":")" + number(OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" +
                    number(OSSL_PKEY_PARAM_RSA_E) + '"';
        } else if (kind_ == signature_kind::es256) {
            unsigned char point[65];
            std::size_t size = 0;
            REQUIRE(EVP_PKEY_get_octet_string_param(key_, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &size) == 1);
            REQUIRE(size == 65);
            std::string_view const octets{reinterpret_cast<char const*>(point), size};
            parts = R"("kty":"EC","crv":"P-256","x":")" + url(octets.substr(1, 32)) + R"(","y":")" +
                    url(octets.substr(33)) + '"';
        } else {
            unsigned char raw[32];
            std::size_t size = sizeof raw;
            REQUIRE(EVP_PKEY_get_raw_public_key(key_, raw, &size) == 1);
            parts = R"("kty":"OKP","crv":"Ed25519","x":")" + url({reinterpret_cast<char const*>(raw), size}) + '"';
        }
        return R"({"kid":")" + id + "\"," + parts + more + '}';
    }

    std::string sign(std::string const& text) const
    {
        EVP_MD_CTX* const context = EVP_MD_CTX_new();
        auto const* const md = kind_ == signature_kind::eddsa ? nullptr : EVP_sha256();
        auto const* const octets = reinterpret_cast<unsigned char const*>(text.data());
        std::size_t size = 0;
        REQUIRE(EVP_DigestSignInit(context, nullptr, md, nullptr, key_) == 1);
        REQUIRE(EVP_DigestSign(context, nullptr, &size, octets, text.size()) == 1);
        std::string out(size, '\0');
        REQUIRE(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, octets, text.size()) == 1);
        out.resize(size);
        EVP_MD_CTX_free(context);
        return kind_ == signature_kind::es256 ? from_der(out) : out;
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
    std::string number(char const* name) const
    {
        BIGNUM* n = nullptr;
        REQUIRE(EVP_PKEY_get_bn_param(key_, name, &n) == 1);
        std::string octets(static_cast<std::size_t>(BN_num_bytes(n)), '\0');
        BN_bn2bin(n, reinterpret_cast<unsigned char*>(octets.data()));
        BN_free(n);
        return url(octets);
    }
    static std::string from_der(std::string const& der)
    {
        auto const* at = reinterpret_cast<unsigned char const*>(der.data());
        ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
        REQUIRE(pair != nullptr);
        std::string out(64, '\0');
        auto* const octets = reinterpret_cast<unsigned char*>(out.data());
        BN_bn2binpad(ECDSA_SIG_get0_r(pair), octets, 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), octets + 32, 32);
        ECDSA_SIG_free(pair);
        return out;
    }

    signature_kind kind_;
    EVP_PKEY* key_ = nullptr;
};

inline std::string set_of(std::vector<std::string> const& keys)
{
    std::string out = "{\"keys\":[";
    for (auto const& k : keys) out += (out.back() == '[' ? "" : ",") + k;
    return out + "]}";
}

}  // namespace postern::testing
