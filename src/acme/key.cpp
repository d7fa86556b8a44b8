#include "acme/key.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/base64.hpp"
#include "base/crypto.hpp"
#include "base/freer.hpp"

namespace postern::acme {
namespace {

constexpr std::size_t coordinate = 32;  // octets on P-256
constexpr std::size_t pem_limit = 256u << 10;
constexpr long an_hour = 3600, a_week = 7L * 24 * 3600;
constexpr char const* acme_identifier = "1.3.6.1.5.5.7.1.31";  // RFC 8737 section 6.1

using bio_ptr = std::unique_ptr<BIO, freer<BIO_free>>;
using number_ptr = std::unique_ptr<BIGNUM, freer<BN_free>>;
using ecdsa_ptr = std::unique_ptr<ECDSA_SIG, freer<ECDSA_SIG_free>>;
using context_ptr = std::unique_ptr<EVP_MD_CTX, freer<EVP_MD_CTX_free>>;
using request_ptr = std::unique_ptr<X509_REQ, freer<X509_REQ_free>>;
using certificate_ptr = std::unique_ptr<X509, freer<X509_free>>;
using names_ptr = std::unique_ptr<GENERAL_NAMES, freer<GENERAL_NAMES_free>>;
using object_ptr = std::unique_ptr<ASN1_OBJECT, freer<ASN1_OBJECT_free>>;
using octets_ptr = std::unique_ptr<ASN1_OCTET_STRING, freer<ASN1_OCTET_STRING_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freer<X509_EXTENSION_free>>;

unsigned char const* octets_of(std::string_view s) { return reinterpret_cast<unsigned char const*>(s.data()); }
unsigned char* octets_of(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

error failed(char const* what)
{
    ERR_clear_error();
    return {{4, 3, 5}, "", what};
}

std::string number_of(EVP_PKEY* key, char const* which)
{
    BIGNUM* read = nullptr;
    if (EVP_PKEY_get_bn_param(key, which, &read) != 1) return {};
    number_ptr const number{read};
    std::string out(coordinate, '\0');
    return BN_bn2binpad(number.get(), octets_of(out), static_cast<int>(out.size())) < 0 ? std::string{} : out;
}

extension_ptr alternative_names(std::vector<std::string> const& names)
{
    names_ptr const all{GENERAL_NAMES_new()};
    for (auto const& name : names) {
        GENERAL_NAME* const one = GENERAL_NAME_new();
        ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
        if (!one || !text || ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())) != 1) return {};
        GENERAL_NAME_set0_value(one, GEN_DNS, text);
        sk_GENERAL_NAME_push(all.get(), one);
    }
    return extension_ptr{X509V3_EXT_i2d(NID_subject_alt_name, 0, all.get())};
}

/// Critical; the digest as an OCTET STRING within the one that every extension is.
extension_ptr identifier(std::string_view sha256)
{
    std::string const der = std::string{"\x04\x20", 2} + std::string{sha256};
    object_ptr const what{OBJ_txt2obj(acme_identifier, 1)};
    octets_ptr const value{ASN1_OCTET_STRING_new()};
    if (!what || !value || ASN1_OCTET_STRING_set(value.get(), octets_of(der), static_cast<int>(der.size())) != 1)
        return {};
    return extension_ptr{X509_EXTENSION_create_by_OBJ(nullptr, what.get(), 1, value.get())};
}

}  // namespace

result<ec_key> ec_key::generate()
{
    std::shared_ptr<evp_pkey_st> key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
    if (!key) return failed("the cryptographic library can't make a key");
    return ec_key{std::move(key)};
}

result<ec_key> ec_key::parse(std::string_view pem)
{
    if (pem.size() > pem_limit) return failed("it is too large for a private key");
    bio_ptr const in{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    std::shared_ptr<evp_pkey_st> key{in ? PEM_read_bio_PrivateKey(
                                              in.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr)
                                        : nullptr,
                                     &EVP_PKEY_free};
    if (!key) return failed("it is no private key in PEM format");
    if (EVP_PKEY_is_a(key.get(), "EC") != 1 || EVP_PKEY_get_bits(key.get()) != static_cast<int>(coordinate * 8))
        return failed("it is no ECDSA key on P-256");
    return ec_key{std::move(key)};
}

secret ec_key::pem() const
{
    // Wiped when it goes.
    bio_ptr const out{BIO_new(BIO_s_secmem())};
    char* text = nullptr;
    if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        ERR_clear_error();
        return {};
    }
    auto const size = BIO_get_mem_data(out.get(), &text);
    return secret{std::string_view{text, static_cast<std::size_t>(size)}};
}

std::string ec_key::jwk() const
{
    return R"({"crv":"P-256","kty":"EC","x":")" + base64url_encode(number_of(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X)) +
           R"(","y":")" + base64url_encode(number_of(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y)) + R"("})";
}

std::string ec_key::thumbprint() const { return base64url_encode(digest(hash::sha256, jwk())); }

std::string ec_key::public_key_digest() const
{
    unsigned char* der = nullptr;
    int const size = i2d_PUBKEY(key_.get(), &der);
    if (size <= 0) return {};
    auto const out = digest(hash::sha256, {reinterpret_cast<char const*>(der), static_cast<std::size_t>(size)});
    OPENSSL_free(der);
    return out;
}

std::string ec_key::sign(std::string_view octets) const
{
    context_ptr const c{EVP_MD_CTX_new()};
    std::string der(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())), '\0');
    std::size_t size = der.size();
    if (!c || EVP_DigestSignInit(c.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
        EVP_DigestSign(c.get(), octets_of(der), &size, octets_of(octets), octets.size()) != 1) {
        ERR_clear_error();
        return {};
    }
    auto const* at = octets_of(std::as_const(der));
    ecdsa_ptr const both{d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size))};
    std::string out(2 * coordinate, '\0');
    int const each = static_cast<int>(coordinate);
    if (!both || BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), octets_of(out), each) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(both.get()), octets_of(out) + coordinate, each) < 0)
        return {};
    return out;
}

result<std::string> make_request(ec_key const& key, std::vector<std::string> const& names)
{
    // The subject is empty: the names are what counts (RFC 8555 section 7.4 takes them from either).
    request_ptr const request{X509_REQ_new()};
    auto const extension = alternative_names(names);
    if (!request || !extension) return failed("no memory for a certificate request");
    STACK_OF(X509_EXTENSION)* const list = sk_X509_EXTENSION_new_null();
    sk_X509_EXTENSION_push(list, extension.get());
    bool const made = X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
                      X509_REQ_set_pubkey(request.get(), key.get()) == 1 &&
                      X509_REQ_add_extensions(request.get(), list) == 1 &&
                      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) != 0;
    sk_X509_EXTENSION_free(list);
    unsigned char* der = nullptr;
    int const size = made ? i2d_X509_REQ(request.get(), &der) : 0;
    if (size <= 0) return failed("the cryptographic library can't make a certificate request");
    std::string out{reinterpret_cast<char const*>(der), static_cast<std::size_t>(size)};
    OPENSSL_free(der);
    return out;
}

result<std::string> make_proof_certificate(ec_key const& key, std::string const& name,
                                           std::string_view key_authorization)
{
    certificate_ptr const c{X509_new()};
    auto const names = alternative_names({name});
    auto const proof = identifier(digest(hash::sha256, key_authorization));
    bio_ptr const out{BIO_new(BIO_s_mem())};
    if (!c || !names || !proof || !out) return failed("no memory for a certificate");
    X509_set_version(c.get(), X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(c.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(c.get()), -an_hour);
    X509_gmtime_adj(X509_getm_notAfter(c.get()), a_week);
    X509_NAME* const subject = X509_get_subject_name(c.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, octets_of("proof of a name"), -1, -1, 0);
    char* text = nullptr;
    bool const made = X509_set_issuer_name(c.get(), subject) == 1 && X509_set_pubkey(c.get(), key.get()) == 1 &&
                      X509_add_ext(c.get(), names.get(), -1) == 1 && X509_add_ext(c.get(), proof.get(), -1) == 1 &&
                      X509_sign(c.get(), key.get(), EVP_sha256()) != 0 && PEM_write_bio_X509(out.get(), c.get()) == 1;
    if (!made) return failed("the cryptographic library can't make a certificate");
    auto const size = BIO_get_mem_data(out.get(), &text);
    return std::string{text, static_cast<std::size_t>(size)};
}

}  // namespace postern::acme
