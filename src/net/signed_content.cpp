#include "net/signed_content.hpp"

#include <cerrno>
#include <climits>
#include <cstring>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "net/tls_context.hpp"

namespace postern::net {
namespace {

template <class T, void (*Free)(T*)>
struct freed {
    void operator()(T* p) const noexcept { Free(p); }
};
struct bio_freed {
    void operator()(BIO* b) const noexcept { BIO_free(b); }
};
using bio_ptr = std::unique_ptr<BIO, bio_freed>;
using x509_ptr = std::unique_ptr<X509, freed<X509, X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed<EVP_PKEY, EVP_PKEY_free>>;
using cms_ptr = std::unique_ptr<CMS_ContentInfo, freed<CMS_ContentInfo, CMS_ContentInfo_free>>;
struct chain_freed {
    void operator()(STACK_OF(X509) * s) const noexcept { sk_X509_pop_free(s, X509_free); }
};
using chain_ptr = std::unique_ptr<STACK_OF(X509), chain_freed>;

// More than any authority makes long.
constexpr int longest_chain = 10;

error failure(std::string text) { return {{4, 3, 0}, "", std::move(text)}; }

error unusable(std::filesystem::path const& file)
{
    auto const why = errno != 0 ? std::string{std::strerror(errno)} : last_tls_error();
    ERR_clear_error();
    return failure("can't sign with \"" + file.string() + "\": " + why);
}

}  // namespace

result<std::string> sign_content(certificate_files const& files, std::string_view octets)
{
    if (octets.size() > INT_MAX) return failure("that is too much to sign");
    ERR_clear_error();
    errno = 0;
    bio_ptr const chain_file{BIO_new_file(files.chain.c_str(), "r")};
    x509_ptr const leaf{chain_file ? PEM_read_bio_X509(chain_file.get(), nullptr, nullptr, nullptr) : nullptr};
    if (!leaf) return unusable(files.chain);
    chain_ptr const above{sk_X509_new_null()};
    if (!above) return failure("no memory");
    while (sk_X509_num(above.get()) < longest_chain) {
        auto* const next = PEM_read_bio_X509(chain_file.get(), nullptr, nullptr, nullptr);
        if (next == nullptr) break;
        sk_X509_push(above.get(), next);
    }
    ERR_clear_error();  // the end of the file was one
    errno = 0;
    bio_ptr const key_file{BIO_new_file(files.private_key.c_str(), "r")};
    auto const no_password = [](char*, int, int, void*) { return -1; };
    key_ptr const key{key_file ? PEM_read_bio_PrivateKey(key_file.get(), nullptr, no_password, nullptr) : nullptr};
    if (!key) return unusable(files.private_key);

    bio_ptr const in{BIO_new_mem_buf(octets.data(), static_cast<int>(octets.size()))};
    // Octet by octet as it is; and no list of ciphers, which nobody asks for.
    constexpr unsigned flags = CMS_BINARY | CMS_NOSMIMECAP;
    cms_ptr const made{CMS_sign(leaf.get(), key.get(), above.get(), in.get(), flags)};
    bio_ptr const out{BIO_new(BIO_s_mem())};
    errno = 0;
    if (!made || !out || i2d_CMS_bio(out.get(), made.get()) != 1) return unusable(files.chain);
    char* data = nullptr;
    auto const size = BIO_get_mem_data(out.get(), &data);
    return std::string{data, static_cast<std::size_t>(size)};
}

}  // namespace postern::net
