#include "net/tls_facts.hpp"

#include <array>

#include <openssl/err.h>
#include <openssl/x509v3.h>

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

/// RFC 5929 section 4: the certificate's hash by the hash of its signature, SHA-256 in place
/// of the broken ones. There is none where the signature names no hash (Ed25519).
std::string end_point_hash(X509* certificate)
{
    int digest = NID_undef;
    X509_get_signature_info(certificate, &digest, nullptr, nullptr, nullptr);
    if (digest == NID_undef) return {};
    EVP_MD const* md = EVP_get_digestbynid(digest);
    if (md == nullptr || digest == NID_md5 || digest == NID_sha1) md = EVP_sha256();
    digest_octets hashed{};
    unsigned size = 0;
    if (X509_digest(certificate, md, hashed.data(), &size) != 1) return {};
    return as_text(hashed.data(), size);
}

}  // namespace

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
    if (shown != nullptr) b.server_end_point = end_point_hash(shown);
    ERR_clear_error();
    return b;
}

}  // namespace postern::net
