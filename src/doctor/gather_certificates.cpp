// What the certificates of the configuration say, from their files.
#include <memory>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "acme/shelf.hpp"
#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/text.hpp"
#include "doctor/gather.hpp"

namespace postern::doctor {
namespace {

struct deleter {
    void operator()(BIO* b) const noexcept { BIO_free(b); }
    void operator()(X509* c) const noexcept { X509_free(c); }
    void operator()(EVP_PKEY* k) const noexcept { EVP_PKEY_free(k); }
    void operator()(X509_STORE* s) const noexcept { X509_STORE_free(s); }
    void operator()(X509_STORE_CTX* c) const noexcept { X509_STORE_CTX_free(c); }
    void operator()(STACK_OF(X509) * s) const noexcept { sk_X509_free(s); }
};
template <class T>
using owned = std::unique_ptr<T, deleter>;
using certificates = std::vector<owned<X509>>;

constexpr std::size_t longest_chain = 20;

wall_time to_time(ASN1_TIME const* t)
{
    std::tm parts{};
    if (ASN1_TIME_to_tm(t, &parts) != 1) return {};
    return wall_clock::from_time_t(::timegm(&parts));
}

std::string der_of(X509* c)
{
    unsigned char* out = nullptr;
    int const size = i2d_X509(c, &out);
    std::string const octets =
        size > 0 ? std::string{reinterpret_cast<char*>(out), static_cast<std::size_t>(size)} : "";
    OPENSSL_free(out);
    return octets;
}

std::string key_of(X509* c)
{
    unsigned char* out = nullptr;
    int const size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c), &out);
    std::string const octets =
        size > 0 ? std::string{reinterpret_cast<char*>(out), static_cast<std::size_t>(size)} : "";
    OPENSSL_free(out);
    return octets;
}

std::vector<std::string> names_of(X509* c)
{
    std::vector<std::string> names;
    auto* const all = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(c, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
        GENERAL_NAME const* const name = sk_GENERAL_NAME_value(all, i);
        if (name->type != GEN_DNS) continue;
        std::string_view const text{reinterpret_cast<char const*>(ASN1_STRING_get0_data(name->d.dNSName)),
                                    static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))};
        names.push_back(to_lower(printable(text, 253)));
    }
    GENERAL_NAMES_free(all);
    return names;
}

certificates read_chain(std::filesystem::path const& file, std::string& problem)
{
    certificates chain;
    owned<BIO> const in{BIO_new_file(file.c_str(), "r")};
    if (!in) {
        problem = "it can't be read by who runs this command";
        std::error_code none;
        if (!std::filesystem::exists(file, none) && !none) problem = "there is no such file";
        return chain;
    }
    while (chain.size() < longest_chain) {
        owned<X509> c{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
        if (!c) break;
        chain.push_back(std::move(c));
    }
    ERR_clear_error();
    if (chain.empty()) problem = "there is no certificate in it";
    return chain;
}

/// Whether the key is the certificate's. A key that we may not read is none of our findings: the rights are.
std::string problem_with_key(std::filesystem::path const& file, X509* c)
{
    owned<BIO> const in{BIO_new_file(file.c_str(), "r")};
    if (!in) {
        ERR_clear_error();
        std::error_code none;
        return std::filesystem::exists(file, none) || none ? "" : "there is no key file " + file.string();
    }
    owned<EVP_PKEY> const key{PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr)};
    ERR_clear_error();
    if (!key) return "there is no usable private key in " + file.string();
    bool const fits = X509_check_private_key(c, key.get()) == 1;
    ERR_clear_error();
    return fits ? "" : "the key in " + file.string() + " is another certificate's";
}

void judge_chain(certificates const& chain, certificate_facts& f)
{
    owned<X509_STORE> const store{X509_STORE_new()};
    owned<X509_STORE_CTX> const context{X509_STORE_CTX_new()};
    owned<STACK_OF(X509)> const others{sk_X509_new_null()};
    if (!store || !context || !others) return;
    X509_STORE_set_default_paths(store.get());
    for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(others.get(), chain[i].get());
    X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), others.get());
    X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);
    // The dates have findings of their own.
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context.get()), X509_V_FLAG_NO_CHECK_TIME);
    f.trusted = X509_verify_cert(context.get()) == 1;
    int const why = X509_STORE_CTX_get_error(context.get());
    if (!f.trusted) f.why_untrusted = X509_verify_cert_error_string(why);
    // Alone in its file, and no end of a chain itself.
    f.chain_short = !f.trusted && !f.self_signed && chain.size() == 1 &&
                    (why == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                     why == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || why == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE);
    ERR_clear_error();
}

certificate_facts look_at(std::filesystem::path const& chain_file, std::filesystem::path const& key_file)
{
    certificate_facts f;
    f.file = chain_file.string();
    auto const chain = read_chain(chain_file, f.problem);
    if (chain.empty()) return f;
    X509* const own = chain.front().get();
    f.problem = problem_with_key(key_file, own);
    f.names = names_of(own);
    f.not_before = to_time(X509_get0_notBefore(own));
    f.not_after = to_time(X509_get0_notAfter(own));
    f.self_signed = X509_NAME_cmp(X509_get_subject_name(own), X509_get_issuer_name(own)) == 0;
    for (auto const& c : chain) {
        f.chain.push_back(der_of(c.get()));
        f.keys.push_back(key_of(c.get()));
    }
    f.sha256 = to_hex(digest(hash::sha256, f.chain.front()));
    f.key_sha256 = to_hex(digest(hash::sha256, f.keys.front()));
    judge_chain(chain, f);
    return f;
}

}  // namespace

void gather_certificates(facts& f)
{
    auto const& s = f.settings;
    for (auto const& c : acme::mail_certificates(s)) f.certificates.push_back(look_at(c.chain, c.private_key));
    if (f.certificates.empty())
        f.certificates.push_back(look_at(s.data_dir / "self-signed.crt", s.data_dir / "self-signed.key"));
}

}  // namespace postern::doctor
