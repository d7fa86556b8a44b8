// A certificate for servers that have none yet: enough to encrypt, not to prove a name.
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/crypto.hpp"
#include "base/whole_file.hpp"
#include "net/tls.hpp"

namespace postern::net {
namespace {

constexpr status broken{4, 3, 5};
constexpr long ten_years = 3650L * 24 * 3600;

error failure(std::string text) { return {broken, "TLS is not available", std::move(text)}; }

using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using certificate_ptr = std::unique_ptr<X509, decltype(&X509_free)>;

bool add_extension(X509* c, int nid, std::string const& value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, c, c, nullptr, nullptr, 0);
    X509_EXTENSION* const e = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    bool const added = e != nullptr && X509_add_ext(c, e, -1) == 1;
    X509_EXTENSION_free(e);
    return added;
}

certificate_ptr make_certificate(EVP_PKEY* key, std::vector<std::string> const& names)
{
    certificate_ptr c{X509_new(), &X509_free};
    std::uint64_t serial = 0;
    random_octets(std::span{reinterpret_cast<unsigned char*>(&serial), sizeof serial});
    X509_set_version(c.get(), X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(c.get()), serial >> 1);
    X509_gmtime_adj(X509_getm_notBefore(c.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(c.get()), ten_years);
    X509_set_pubkey(c.get(), key);
    X509_NAME* const subject = X509_get_subject_name(c.get());
    // A common name longer than 64 octets is not allowed; clients look at the alternative names.
    auto const common = names.front().substr(0, 64);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<unsigned char const*>(common.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(c.get(), subject);
    std::string alternatives;
    for (auto const& name : names) alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
    bool const made = add_extension(c.get(), NID_basic_constraints, "critical,CA:FALSE") &&
                      add_extension(c.get(), NID_key_usage, "critical,digitalSignature") &&
                      add_extension(c.get(), NID_ext_key_usage, "serverAuth") &&
                      add_extension(c.get(), NID_subject_alt_name, alternatives) &&
                      X509_sign(c.get(), key, EVP_sha256()) != 0;
    if (!made) c.reset();
    return c;
}

using memory_ptr = std::unique_ptr<BIO, decltype(&BIO_free)>;

/// `write` puts the PEM into memory; from there it goes into the file, as a whole.
template <class Write>
result<> write_pem(std::filesystem::path const& file, Write write)
{
    // Wiped when freed: it may hold a key.
    memory_ptr const memory{BIO_new(BIO_s_secmem()), &BIO_free};
    char* octets = nullptr;
    if (!memory || write(memory.get()) != 1) return failure("no memory for " + file.string());
    auto const size = BIO_get_mem_data(memory.get(), &octets);
    auto const written = replace_whole_file(file, {octets, static_cast<std::size_t>(size)});
    if (!written) return failure(written.error().logged);
    return done{};
}

}  // namespace

result<bool> ensure_self_signed(certificate_files const& files, std::vector<std::string> const& names)
{
    std::error_code ignored;
    if (std::filesystem::exists(files.chain, ignored) && std::filesystem::exists(files.private_key, ignored))
        return false;
    key_ptr const key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
    auto const certificate = key ? make_certificate(key.get(), names) : certificate_ptr{nullptr, &X509_free};
    if (!certificate) {
        ERR_clear_error();
        return failure("a self-signed certificate could not be made; is `hostname` a valid name?");
    }
    auto key_written = write_pem(files.private_key, [&](BIO* out) {
        return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    if (!key_written) return std::move(key_written).error();
    auto chain_written = write_pem(files.chain, [&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); });
    if (!chain_written) return std::move(chain_written).error();
    return true;
}

}  // namespace postern::net
