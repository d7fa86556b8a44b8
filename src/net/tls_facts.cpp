#include "net/tls_facts.hpp"

#include <array>
#include <memory>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/hex.hpp"
#include "base/text.hpp"

namespace postern::net {
namespace {

using digest_octets = std::array<unsigned char, EVP_MAX_MD_SIZE>;

std::string as_text(unsigned char const* octets, std::size_t size)
{
    return {reinterpret_cast<char const*>(octets), size};
}

/// RFC 9266 section 2. Below TLS 1.3 the secret it comes from is the connection's own only
/// with the extended master secret.
std::string exporter_of(SSL* ssl)
{
    static constexpr std::string_view label = "EXPORTER-Channel-Binding";
    std::array<unsigned char, 32> octets{};
    if (SSL_export_keying_material(ssl, octets.data(), octets.size(), label.data(), label.size(), nullptr, 0, 0) != 1)
        return {};
    return as_text(octets.data(), octets.size());
}

/// RFC 5929 section 3: the first Finished of the handshake, which is the client's, or the
/// server's where a session was resumed.
std::string first_finished(SSL* ssl)
{
    digest_octets octets{};
    bool const from_client = SSL_session_reused(ssl) == 0;
    bool const ours = from_client != (SSL_is_server(ssl) == 1);
    auto const size = ours ? SSL_get_finished(ssl, octets.data(), octets.size())
                           : SSL_get_peer_finished(ssl, octets.data(), octets.size());
    return size <= octets.size() ? as_text(octets.data(), size) : std::string{};
}

std::string hash_of(X509* certificate, EVP_MD const* md)
{
    digest_octets hashed{};
    unsigned size = 0;
    if (X509_digest(certificate, md, hashed.data(), &size) != 1) return {};
    return as_text(hashed.data(), size);
}

/// RFC 5929 section 4: the certificate's hash by the hash of its signature, SHA-256 in place
/// of the broken ones. There is none where the signature names no hash (Ed25519).
std::string end_point_hash(X509* certificate)
{
    int digest = NID_undef;
    X509_get_signature_info(certificate, &digest, nullptr, nullptr, nullptr);
    if (digest == NID_undef) return {};
    EVP_MD const* md = EVP_get_digestbynid(digest);
    if (md == nullptr || digest == NID_md5 || digest == NID_sha1) md = EVP_sha256();
    return hash_of(certificate, md);
}

std::string key_hash(X509* certificate)
{
    unsigned char* der = nullptr;
    int const size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (size <= 0) return {};
    digest_octets hashed{};
    unsigned length = 0;
    bool const done =
        EVP_Digest(der, static_cast<std::size_t>(size), hashed.data(), &length, EVP_sha256(), nullptr) == 1;
    OPENSSL_free(der);
    if (!done) return {};
    return to_hex(as_text(hashed.data(), length));
}

std::vector<std::string> addresses_in(X509* certificate)
{
    std::vector<std::string> found;
    auto* const all =
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
        GENERAL_NAME const* const name = sk_GENERAL_NAME_value(all, i);
        if (name->type != GEN_EMAIL) continue;
        std::string text = as_text(ASN1_STRING_get0_data(name->d.rfc822Name),
                                   static_cast<std::size_t>(ASN1_STRING_length(name->d.rfc822Name)));
        // A NUL in it is a way to mean one name and show another.
        if (text.find('\0') == std::string::npos) found.push_back(std::move(text));
    }
    GENERAL_NAMES_free(all);
    return found;
}

struct verification_deleter {
    void operator()(X509_STORE_CTX* c) const noexcept { X509_STORE_CTX_free(c); }
};

/// Empty when an authority vouches for it, as a client's certificate, and now.
std::string problem_with(X509* certificate, SSL* ssl, X509_STORE* authorities)
{
    if (authorities == nullptr) return "auth.client_authorities is not set";
    std::unique_ptr<X509_STORE_CTX, verification_deleter> const context{X509_STORE_CTX_new()};
    if (!context || X509_STORE_CTX_init(context.get(), authorities, certificate, SSL_get_peer_cert_chain(ssl)) != 1 ||
        X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_CLIENT) != 1)
        return "out of memory";
    if (X509_verify_cert(context.get()) == 1) return {};
    return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

}  // namespace

peer_certificate certificate_of(SSL* ssl, tls_context const& context)
{
    peer_certificate shown;
    X509* const certificate = SSL_is_server(ssl) == 1 ? SSL_get0_peer_certificate(ssl) : nullptr;
    if (certificate == nullptr) return shown;
    shown.key_sha256 = key_hash(certificate);
    shown.there = !shown.key_sha256.empty();
    char name[256] = {};
    X509_NAME_oneline(X509_get_subject_name(certificate), name, sizeof name);
    shown.subject = printable(name, sizeof name);
    shown.addresses = addresses_in(certificate);
    shown.problem = problem_with(certificate, ssl, context.client_authorities.get());
    shown.trusted = shown.problem.empty();
    ERR_clear_error();
    return shown;
}

tls_bindings bindings_of(SSL* ssl)
{
    tls_bindings b;
    bool const modern = SSL_version(ssl) >= TLS1_3_VERSION;
    if (modern || SSL_get_extms_support(ssl) == 1) {
        b.exporter = exporter_of(ssl);
        // RFC 9266 section 3 forbids it with TLS 1.3.
        if (!modern) b.unique = first_finished(ssl);
    }
    X509* const shown = SSL_is_server(ssl) == 1 ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
    if (shown != nullptr) {
        b.server_end_point = end_point_hash(shown);
        b.certificate = hash_of(shown, EVP_sha256());
    }
    ERR_clear_error();
    return b;
}

}  // namespace postern::net
