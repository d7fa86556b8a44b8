#include "base/signing_key.hpp"

#include <cstdio>
#include <cstdlib>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

namespace postern {
namespace {

constexpr unsigned rsa_bits = 2048;
// RFC 8301 section 3.2: what a verifier has to know.
constexpr int least_rsa_bits = 1024, most_rsa_bits = 4096;
constexpr std::size_t pem_limit = 64u << 10;
constexpr std::size_t sha256_size = 32;

using bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using key_context = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;
using digest_context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

unsigned char const* octets_of(std::string_view s) { return reinterpret_cast<unsigned char const*>(s.data()); }
unsigned char* octets_of(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

error unusable(std::string why)
{
    ERR_clear_error();
    return {{4, 3, 5}, "", std::move(why)};
}

// An encrypted key can't be used; without this, OpenSSL would ask at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

signing_key::signing_key(std::shared_ptr<evp_pkey_st> key)
    : key_(std::move(key)),
      kind_(EVP_PKEY_is_a(key_.get(), "ED25519") == 1 ? kind::ed25519 : kind::rsa),
      bits_(static_cast<unsigned>(EVP_PKEY_get_bits(key_.get()))),
      signature_size_(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())))
{
}

result<signing_key> signing_key::generate(kind k)
{
    EVP_PKEY* made = k == kind::rsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{rsa_bits})
                                    : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    if (made == nullptr) return unusable("the cryptographic library can't make a key");
    return signing_key{std::shared_ptr<evp_pkey_st>{made, &EVP_PKEY_free}};
}

result<signing_key> signing_key::parse(std::string_view pem)
{
    if (pem.size() > pem_limit) return unusable("it is too large for a private key");
    bio const in{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
    if (!in) return unusable("out of memory");
    EVP_PKEY* const read = PEM_read_bio_PrivateKey(in.get(), nullptr, &no_passphrase, nullptr);
    if (read == nullptr) return unusable("it is no private key in PEM format, or it is encrypted");
    std::shared_ptr<evp_pkey_st> key{read, &EVP_PKEY_free};
    if (EVP_PKEY_is_a(read, "ED25519") != 1) {
        if (EVP_PKEY_is_a(read, "RSA") != 1) return unusable("it is neither an RSA nor an Ed25519 key");
        if (EVP_PKEY_get_bits(read) < least_rsa_bits || EVP_PKEY_get_bits(read) > most_rsa_bits)
            return unusable("it is an RSA key of " + std::to_string(EVP_PKEY_get_bits(read)) +
                            " bits; from 1024 to 4096 can be used");
    }
    return signing_key{std::move(key)};
}

std::optional<std::string> signing_key::sign(std::string_view sha256) const
{
    if (sha256.size() != sha256_size) return std::nullopt;
    std::string out(signature_size_, '\0');
    std::size_t size = out.size();
    bool fine = false;
    if (kind_ == kind::ed25519) {
        digest_context const c{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
        fine = c && EVP_DigestSignInit(c.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
               EVP_DigestSign(c.get(), octets_of(out), &size, octets_of(sha256), sha256.size()) == 1;
    } else {
        key_context const c{EVP_PKEY_CTX_new(key_.get(), nullptr), &EVP_PKEY_CTX_free};
        fine = c && EVP_PKEY_sign_init(c.get()) == 1 && EVP_PKEY_CTX_set_rsa_padding(c.get(), RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(c.get(), EVP_sha256()) == 1 &&
               EVP_PKEY_sign(c.get(), octets_of(out), &size, octets_of(sha256), sha256.size()) == 1;
    }
    if (!fine || size != out.size()) {
        ERR_clear_error();
        return std::nullopt;
    }
    return out;
}

secret signing_key::pem() const
{
    // Secure heap or not, its memory is wiped when it goes.
    bio const out{BIO_new(BIO_s_secmem()), &BIO_free};
    char* text = nullptr;
    if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        ERR_clear_error();
        return {};
    }
    auto const size = BIO_get_mem_data(out.get(), &text);
    return secret{std::string_view{text, static_cast<std::size_t>(size)}};
}

std::string signing_key::public_key() const
{
    if (kind_ == kind::ed25519) {
        std::string raw(32, '\0');
        std::size_t size = raw.size();
        if (EVP_PKEY_get_raw_public_key(key_.get(), octets_of(raw), &size) != 1 || size != raw.size()) raw.clear();
        return raw;
    }
    unsigned char* der = nullptr;
    int const size = i2d_PUBKEY(key_.get(), &der);
    if (size <= 0) return {};
    std::string out(reinterpret_cast<char const*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

}  // namespace postern
