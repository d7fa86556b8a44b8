// Which server a client takes for the right one: names and authorities (RFC 6125), or TLSA
// records (RFC 7672).
#include <algorithm>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/ip.hpp"
#include "net/tls.hpp"
#include "net/tls_facts.hpp"

namespace postern::net {
namespace {

constexpr std::uint8_t trust_anchor = 2, end_entity = 3;

unsigned char const* octets_of(std::string const& text) { return reinterpret_cast<unsigned char const*>(text.data()); }

bool is_certificate(std::string const& der)
{
    auto const* at = octets_of(der);
    auto* const read = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
    bool const all = read != nullptr && at == octets_of(der) + der.size();
    X509_free(read);
    return all;
}

bool is_public_key(std::string const& der)
{
    auto const* at = octets_of(der);
    auto* const read = d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size()));
    bool const all = read != nullptr && at == octets_of(der) + der.size();
    EVP_PKEY_free(read);
    return all;
}

peer_trouble trouble_of(long result)
{
    switch (result) {
        case X509_V_OK: return peer_trouble::none;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH: return peer_trouble::host_mismatch;
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID: return peer_trouble::expired;
        case X509_V_ERR_DANE_NO_MATCH: return peer_trouble::tlsa_mismatch;
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_CERT_UNTRUSTED: return peer_trouble::untrusted;
        default: return peer_trouble::other;
    }
}

void limit_versions(SSL* ssl, server_identity const& server)
{
    if (server.minimum == "1.3") SSL_set_min_proto_version(ssl, TLS1_3_VERSION);
    if (server.minimum == "1.0") {
        // To look at what is broken: it has ciphers and hashes that nobody takes any more.
        SSL_set_security_level(ssl, 0);
        SSL_set_cipher_list(ssl, "ALL");
        SSL_set_min_proto_version(ssl, TLS1_VERSION);
    }
    if (server.maximum == "1.0") SSL_set_max_proto_version(ssl, TLS1_VERSION);
    if (server.maximum == "1.1") SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
    if (server.maximum == "1.2") SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
}

// With no record that OpenSSL takes, authorities decide.
void pin(SSL* ssl, server_identity const& server)
{
    if (server.pins.empty()) return;
    if (SSL_dane_enable(ssl, server.name.c_str()) != 1) return;
    // RFC 7672 section 3.1.1: with DANE-EE neither names nor dates count.
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    for (auto const& p : server.pins)
        SSL_dane_tlsa_add(ssl, p.usage, p.selector, p.matching, octets_of(p.data), p.data.size());
}

}  // namespace

bool is_usable_pin(certificate_pin const& p)
{
    if (p.usage != trust_anchor && p.usage != end_entity) return false;
    if (p.selector > 1) return false;
    bool fits = false;
    if (p.matching == 0) {
        fits = p.selector == 0 ? is_certificate(p.data) : is_public_key(p.data);
        ERR_clear_error();
    } else if (p.matching == 1) {
        fits = p.data.size() == 32;
    } else if (p.matching == 2) {
        fits = p.data.size() == 64;
    }
    return fits;
}

void expect_server(SSL* ssl, server_identity const& server)
{
    limit_versions(ssl, server);
    if (ip_address::parse(server.name)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server.name.c_str());
        return;
    }
    if (server.names_itself)
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(server.name.c_str()));
    pin(ssl, server);
    // A "*" stands for a whole label (RFC 6125 section 6.4.3). Names are those made for it (RFC 8461 section 4.1);
    // only where TLSA records vouch for a certificate, an old one may have its name in the subject (RFC 7672
    // section 3.2.2).
    unsigned const subject = server.pins.empty() ? X509_CHECK_FLAG_NEVER_CHECK_SUBJECT : 0;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | subject);
    SSL_set1_host(ssl, server.names.empty() ? server.name.c_str() : server.names.front().c_str());
    for (std::size_t i = 1; i < server.names.size(); ++i) SSL_add1_host(ssl, server.names[i].c_str());
    ERR_clear_error();
}

void judge_server(SSL* ssl, server_identity const& server, tls_state& state)
{
    long const verified = SSL_get_verify_result(ssl);
    state.peer_wrong = trouble_of(verified);
    state.peer_verified = verified == X509_V_OK && SSL_get0_peer_certificate(ssl) != nullptr;
    if (!state.peer_verified) {
        state.peer_problem = X509_verify_cert_error_string(verified);
        if (state.peer_wrong == peer_trouble::none) state.peer_wrong = peer_trouble::other;
        return;
    }
    std::uint8_t usage = 0, selector = 0, matching = 0;
    if (server.pins.empty() || SSL_get0_dane_authority(ssl, nullptr, nullptr) < 0) return;
    if (SSL_get0_dane_tlsa(ssl, &usage, &selector, &matching, nullptr, nullptr) < 0) return;
    state.peer_authority = std::to_string(usage) + ' ' + std::to_string(selector) + ' ' + std::to_string(matching);
}

}  // namespace postern::net
