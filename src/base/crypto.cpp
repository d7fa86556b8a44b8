#include "base/crypto.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace postern {
namespace {

EVP_MD const* algorithm(hash h)
{
    switch (h) {
        case hash::sha1: return EVP_sha1();
        case hash::sha256: return EVP_sha256();
        case hash::sha512: return EVP_sha512();
    }
    std::abort();
}

unsigned char const* octets_of(std::string_view s) { return reinterpret_cast<unsigned char const*>(s.data()); }
unsigned char* octets_of(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

[[noreturn]] void stop(char const* what)
{
    std::fprintf(stderr, "postern: %s failed in the cryptographic library; stopping\n", what);
    std::abort();
}

}  // namespace

std::size_t digest_size(hash h) noexcept
{
    switch (h) {
        case hash::sha1: return 20;
        case hash::sha256: return 32;
        case hash::sha512: return 64;
    }
    return 0;
}

std::string digest(hash h, std::string_view octets)
{
    std::string out(digest_size(h), '\0');
    if (EVP_Digest(octets.data(), octets.size(), octets_of(out), nullptr, algorithm(h), nullptr) != 1) stop("digest");
    return out;
}

hasher::hasher(hash h) : what_(h), context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free)
{
    if (!context_ || EVP_DigestInit_ex(context_.get(), algorithm(h), nullptr) != 1) stop("digest");
}

void hasher::add(std::string_view octets)
{
    if (EVP_DigestUpdate(context_.get(), octets.data(), octets.size()) != 1) stop("digest");
}

std::string hasher::finish()
{
    std::string out(digest_size(what_), '\0');
    if (EVP_DigestFinal_ex(context_.get(), octets_of(out), nullptr) != 1) stop("digest");
    return out;
}

std::string hmac(hash h, std::string_view key, std::string_view octets)
{
    std::string out(digest_size(h), '\0');
    unsigned length = 0;
    // HMAC() takes a null key for "the key of before".
    char const none = 0;
    if (HMAC(algorithm(h), key.empty() ? &none : key.data(), static_cast<int>(key.size()), octets_of(octets),
             octets.size(), octets_of(out), &length) == nullptr)
        stop("HMAC");
    return out;
}

std::string pbkdf2(hash h, std::string_view password, std::string_view salt, std::uint32_t iterations)
{
    std::string out(digest_size(h), '\0');
    if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets_of(salt),
                          static_cast<int>(salt.size()), static_cast<int>(iterations), algorithm(h),
                          static_cast<int>(out.size()), octets_of(out)) != 1)
        stop("PBKDF2");
    return out;
}

namespace {

constexpr std::size_t seal_key = 32, seal_nonce = 12, seal_tag = 16;

using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

int size_of(std::string_view s) { return static_cast<int>(s.size()); }

}  // namespace

std::string seal(std::string_view key, std::string_view octets, std::string_view context)
{
    std::string out = random_octets(seal_nonce);
    out.resize(seal_nonce + octets.size() + seal_tag);
    cipher_context const c{EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
    int size = 0;
    if (key.size() != seal_key || !c ||
        EVP_EncryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, octets_of(key), octets_of(out)) != 1 ||
        EVP_EncryptUpdate(c.get(), nullptr, &size, octets_of(context), size_of(context)) != 1 ||
        EVP_EncryptUpdate(c.get(), octets_of(out) + seal_nonce, &size, octets_of(octets), size_of(octets)) != 1 ||
        EVP_EncryptFinal_ex(c.get(), octets_of(out) + seal_nonce + octets.size(), &size) != 1 ||
        EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(seal_tag),
                            octets_of(out) + seal_nonce + octets.size()) != 1)
        stop("encryption");
    return out;
}

std::optional<secret> open_sealed(std::string_view key, std::string_view sealed, std::string_view context)
{
    if (key.size() != seal_key || sealed.size() < seal_nonce + seal_tag) return std::nullopt;
    std::string_view const nonce = sealed.substr(0, seal_nonce);
    std::string_view const text = sealed.substr(seal_nonce, sealed.size() - seal_nonce - seal_tag);
    std::string tag{sealed.substr(sealed.size() - seal_tag)};
    std::string out(text.size() + 1, '\0');
    cipher_context const c{EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
    int size = 0;
    bool const right =
        c && EVP_DecryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, octets_of(key), octets_of(nonce)) == 1 &&
        EVP_DecryptUpdate(c.get(), nullptr, &size, octets_of(context), size_of(context)) == 1 &&
        EVP_DecryptUpdate(c.get(), octets_of(out), &size, octets_of(text), size_of(text)) == 1 &&
        EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(seal_tag), tag.data()) == 1 &&
        EVP_DecryptFinal_ex(c.get(), octets_of(out) + text.size(), &size) == 1;
    std::optional<secret> opened;
    if (right) opened.emplace(std::string_view{out}.substr(0, text.size()));
    wipe(out.data(), out.size());
    return opened;
}

void random_octets(std::span<unsigned char> out)
{
    if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) stop("the random number generator");
}

std::string random_octets(std::size_t count)
{
    std::string out(count, '\0');
    random_octets(std::span{octets_of(out), out.size()});
    return out;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept
{
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace postern
