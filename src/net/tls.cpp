#include "net/tls.hpp"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "net/tls_context.hpp"

namespace postern::net {
namespace {

struct x509_deleter {
    void operator()(X509* c) const noexcept { X509_free(c); }
};
using x509_ptr = std::unique_ptr<X509, x509_deleter>;
struct bio_deleter {
    void operator()(BIO* b) const noexcept { BIO_free(b); }
};
using bio_ptr = std::unique_ptr<BIO, bio_deleter>;

constexpr status broken{4, 3, 5};  // RFC 3463: system incorrectly configured

error failure(std::string text) { return {broken, "TLS is not available", std::move(text)}; }

std::string quoted(std::filesystem::path const& p) { return "\"" + p.string() + "\""; }

bool mentions(std::filesystem::path const& file, std::string_view what)
{
    std::ifstream in{file, std::ios::binary};
    std::string line;
    for (int n = 0; n < 10'000 && std::getline(in, line); ++n)
        if (line.find(what) != std::string::npos) return true;
    return false;
}

bio_ptr open_text(std::string_view text)
{
    return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

result<x509_ptr> read_leaf(std::filesystem::path const& chain)
{
    bio_ptr const in{BIO_new_file(chain.c_str(), "r")};
    if (!in)
        return failure("can't read the certificate " + quoted(chain) + ": " + std::strerror(errno) +
                       "; name a readable PEM file in tls.certificate");
    x509_ptr leaf{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
    if (!leaf) {
        ERR_clear_error();
        return failure(quoted(chain) + " holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)" +
                       (mentions(chain, "PRIVATE KEY-----")
                            ? ", but a private key: are tls.certificate and tls.private_key swapped?"
                            : ": name the file with the certificate and its chain, often fullchain.pem"));
    }
    return leaf;
}

wall_time to_time(ASN1_TIME const* t)
{
    std::tm parts{};
    return ASN1_TIME_to_tm(t, &parts) == 1 ? wall_clock::from_time_t(::timegm(&parts)) : wall_time{};
}

std::string octets_of(ASN1_STRING const* s)
{
    if (s == nullptr) return {};
    return {reinterpret_cast<char const*>(ASN1_STRING_get0_data(s)), static_cast<std::size_t>(ASN1_STRING_length(s))};
}

std::vector<std::string> names_of(X509* certificate)
{
    std::vector<std::string> names;
    auto* const all =
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
        GENERAL_NAME const* const name = sk_GENERAL_NAME_value(all, i);
        if (name->type != GEN_DNS) continue;
        auto const* const octets = reinterpret_cast<char const*>(ASN1_STRING_get0_data(name->d.dNSName));
        names.push_back(to_lower({octets, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))}));
    }
    GENERAL_NAMES_free(all);
    if (names.empty()) {
        char common[256] = {};
        if (X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common, sizeof common) > 0)
            names.push_back(to_lower(common));
    }
    return names;
}

constexpr std::string_view challenge_protocol =
    "\x0a"
    "acme-tls/1";

int choose_by_name(SSL* ssl, int*, void* argument)
{
    auto const& context = *static_cast<tls_context const*>(argument);
    char const* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    if (SSL_get_SSL_CTX(ssl) != context.first()) return SSL_TLSEXT_ERR_OK;  // a challenge has been found for it
    if (SSL_CTX* const found = context.find(name); found != nullptr && found != SSL_get_SSL_CTX(ssl))
        SSL_set_SSL_CTX(ssl, found);
    return SSL_TLSEXT_ERR_OK;  // an unknown name gets the first certificate
}

/// Whether the client offers it; `wanted` with its length in front, as they stand in `offered`.
bool offers(std::string_view offered, std::string_view wanted)
{
    while (!offered.empty()) {
        auto const size = 1 + static_cast<std::size_t>(static_cast<unsigned char>(offered.front()));
        if (offered.substr(0, size) == wanted) return true;
        offered.remove_prefix(std::min(size, offered.size()));
    }
    return false;
}

/// An extension of the client's first message, without the length of the list in it.
std::string_view list_in(SSL* ssl, unsigned type)
{
    unsigned char const* octets = nullptr;
    std::size_t size = 0;
    if (SSL_client_hello_get0_ext(ssl, type, &octets, &size) != 1 || size < 2) return {};
    return {reinterpret_cast<char const*>(octets) + 2, size - 2};
}

/// The first host name of a server_name list (RFC 6066 section 3): its type, its length in two octets, the name.
std::string_view first_name(std::string_view list)
{
    if (list.size() < 3 || list[0] != TLSEXT_NAMETYPE_host_name) return {};
    auto const size =
        static_cast<std::size_t>(static_cast<unsigned char>(list[1])) << 8 | static_cast<unsigned char>(list[2]);
    return list.substr(3, size);
}

/// Before anything is chosen: with TLS 1.2 the certificate is, by the time that ALPN is looked at.
int look_for_challenge(SSL* ssl, int*, void* argument)
{
    auto const& context = *static_cast<tls_context const*>(argument);
    if (offers(list_in(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation), challenge_protocol)) {
        auto const at = context.challenges.find(to_lower(first_name(list_in(ssl, TLSEXT_TYPE_server_name))));
        if (at != context.challenges.end()) SSL_set_SSL_CTX(ssl, at->second);
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

int choose_protocol(SSL* ssl, unsigned char const** out, unsigned char* size, unsigned char const* in, unsigned in_size,
                    void* argument)
{
    auto const& context = *static_cast<tls_context const*>(argument);
    std::string_view const offered{reinterpret_cast<char const*>(in), in_size};
    bool const proves = std::any_of(context.challenges.begin(), context.challenges.end(),
                                    [&](auto const& c) { return c.second == SSL_get_SSL_CTX(ssl); });
    auto const wanted = proves ? challenge_protocol : std::string_view{context.protocol};
    if (!offers(offered, wanted)) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = reinterpret_cast<unsigned char const*>(wanted.data()) + 1;
    *size = static_cast<unsigned char>(wanted.size() - 1);
    return SSL_TLSEXT_ERR_OK;
}

void set_common(SSL_CTX* c)
{
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
    // A write never has to wait for input then.
    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION);
    // One read for as many records as have come, instead of two for each.
    SSL_CTX_set_read_ahead(c, 1);
}

ssl_ctx_ptr make_server_context(server_tls_options const& o)
{
    ssl_ctx_ptr c{SSL_CTX_new(TLS_server_method())};
    set_common(c.get());
    SSL_CTX_set_min_proto_version(c.get(), o.minimum == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(c.get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_COMPRESSION);
    // Forward secrecy and authenticated encryption only, the cheaper of equals first.
    SSL_CTX_set_ciphersuites(c.get(), "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    SSL_CTX_set_cipher_list(c.get(),
                            "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
                            "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305");
    SSL_CTX_set1_groups_list(c.get(), "X25519:P-256:P-384");
    // Resumption by tickets only: no table of sessions that a flood could fill.
    SSL_CTX_set_session_cache_mode(c.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(c.get(), 1);
    if (o.client_certificates) {
        // Every certificate gets through the handshake, which proves that the client has the
        // key; whom it is for is looked at later (tls_facts.cpp). No tickets: a resumed session
        // would know the certificate, but not the chain.
        SSL_CTX_set_verify(c.get(), SSL_VERIFY_PEER, nullptr);
        SSL_CTX_set_cert_verify_callback(
            c.get(), [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
        SSL_CTX_set_num_tickets(c.get(), 0);
        SSL_CTX_set_options(c.get(), SSL_OP_NO_TICKET);
    }
    auto const id = o.session_context.substr(0, SSL_MAX_SID_CTX_LENGTH);
    SSL_CTX_set_session_id_context(c.get(), reinterpret_cast<unsigned char const*>(id.data()),
                                   static_cast<unsigned>(id.size()));
    return c;
}

result<> use(SSL_CTX* c, certificate_files const& files)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(c, files.chain.c_str()) != 1)
        return failure("the certificate " + quoted(files.chain) + " can't be used: " + last_tls_error());
    bio_ptr const in{BIO_new_file(files.private_key.c_str(), "r")};
    if (!in)
        return failure("can't read the private key " + quoted(files.private_key) + ": " + std::strerror(errno) +
                       "; let the user that Postern runs as read it");
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const key{
        PEM_read_bio_PrivateKey(
            in.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr),
        &EVP_PKEY_free};
    if (!key) {
        ERR_clear_error();
        auto const name = quoted(files.private_key);
        if (mentions(files.private_key, "ENCRYPTED"))
            return failure("the private key " + name +
                           " is locked by a password: write it anew without one (openssl pkey -in OLD -out NEW)");
        return failure(name + " holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)" +
                       (mentions(files.private_key, "BEGIN CERTIFICATE-----")
                            ? ", but a certificate: are tls.certificate and tls.private_key swapped?"
                            : ": name the file with the certificate's key, often privkey.pem"));
    }
    if (SSL_CTX_use_PrivateKey(c, key.get()) != 1 || SSL_CTX_check_private_key(c) != 1) {
        ERR_clear_error();
        return failure("the private key " + quoted(files.private_key) + " does not belong to the certificate " +
                       quoted(files.chain) +
                       ": name the key that this certificate was made for; after a renewal, take both files anew");
    }
    return done{};
}

result<> use(SSL_CTX* c, certificate_text const& text)
{
    ERR_clear_error();
    auto const chain = open_text(text.chain);
    x509_ptr const leaf{chain ? PEM_read_bio_X509_AUX(chain.get(), nullptr, nullptr, nullptr) : nullptr};
    if (!leaf || SSL_CTX_use_certificate(c, leaf.get()) != 1)
        return failure("a certificate that was passed on can't be used: " + last_tls_error());
    while (X509* const next = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr))
        if (SSL_CTX_ctrl(c, SSL_CTRL_CHAIN_CERT, 0, next) != 1) X509_free(next);
    ERR_clear_error();  // the end of the text is one
    auto const key_text = open_text(text.private_key.reveal());
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const key{
        key_text ? PEM_read_bio_PrivateKey(
                       key_text.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr)
                 : nullptr,
        &EVP_PKEY_free};
    if (!key || SSL_CTX_use_PrivateKey(c, key.get()) != 1 || SSL_CTX_check_private_key(c) != 1)
        return failure("the key of a certificate that was passed on can't be used: " + last_tls_error());
    return done{};
}

/// Puts a certificate beside those that are there. The same names with another kind of key (ECDSA, RSA) share a context,
/// so that the client's abilities choose between them.
template <class Certificate>
result<> add(tls_context& context, std::vector<std::vector<std::string>>& names, server_tls_options const& o,
             Certificate const& certificate, X509* leaf)
{
    auto mine = names_of(leaf);
    std::size_t at = 0;
    while (at < names.size() && names[at] != mine) ++at;
    if (at == names.size()) {
        context.contexts.push_back(make_server_context(o));
        names.push_back(std::move(mine));
    }
    return use(context.contexts[at].get(), certificate);
}

/// ALPN, for all of them: which one a client gets is known only when it has named itself.
result<> speak(tls_context& context, server_tls_options const& o)
{
    context.protocol = static_cast<char>(o.protocol.size()) + o.protocol;
    for (auto const& text : o.challenges) {
        auto const chain = open_text(text.chain);
        x509_ptr const leaf{chain ? PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr) : nullptr};
        if (!leaf) return failure("a certificate for a challenge can't be used: " + last_tls_error());
        context.contexts.push_back(make_server_context(o));
        if (auto used = use(context.contexts.back().get(), text); !used) return used;
        for (auto const& name : names_of(leaf.get())) context.challenges.emplace(name, context.contexts.back().get());
    }
    for (auto const& c : context.contexts) SSL_CTX_set_alpn_select_cb(c.get(), choose_protocol, &context);
    if (!context.challenges.empty()) SSL_CTX_set_client_hello_cb(context.first(), look_for_challenge, &context);
    return done{};
}

}  // namespace

std::string last_tls_error()
{
    unsigned long const code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "unknown reason";
    char const* const reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "error " + std::to_string(code);
}

SSL_CTX* tls_context::find(std::string_view name) const
{
    if (name.size() > 255) return nullptr;
    auto const wanted = to_lower(name);
    if (auto const at = by_name.find(wanted); at != by_name.end()) return at->second;
    if (auto const dot = wanted.find('.'); dot != std::string::npos)
        if (auto const at = by_name.find("*" + wanted.substr(dot)); at != by_name.end()) return at->second;
    return nullptr;
}

result<std::shared_ptr<tls_context>> make_server_tls(server_tls_options const& o)
{
    auto context = std::make_shared<tls_context>();
    std::vector<std::vector<std::string>> names;  // beside context->contexts
    for (auto const& files : o.certificates) {
        auto leaf = read_leaf(files.chain);
        if (!leaf) return std::move(leaf).error();
        if (auto added = add(*context, names, o, files, leaf->get()); !added) return std::move(added).error();
    }
    for (auto const& text : o.texts) {
        auto const chain = open_text(text.chain);
        x509_ptr const leaf{chain ? PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr) : nullptr};
        if (!leaf) return failure("a certificate that was passed on can't be read: " + last_tls_error());
        if (auto added = add(*context, names, o, text, leaf.get()); !added) return std::move(added).error();
    }
    if (context->contexts.empty()) return failure("no certificate is configured");
    for (std::size_t i = 0; i < names.size(); ++i)
        for (auto const& name : names[i]) context->by_name.emplace(name, context->contexts[i].get());
    if (o.client_certificates && !o.client_authorities.empty()) {
        context->client_authorities.reset(X509_STORE_new());
        if (!context->client_authorities ||
            X509_STORE_load_file(context->client_authorities.get(), o.client_authorities.c_str()) != 1) {
            ERR_clear_error();
            return failure("auth.client_authorities: " + quoted(o.client_authorities) +
                           " can't be read, or holds no certificate in PEM form");
        }
        // What is in the file is trusted, also without what is above it.
        X509_STORE_set_flags(context->client_authorities.get(), X509_V_FLAG_PARTIAL_CHAIN);
    }
    if (context->contexts.size() > 1) {
        // As the macro does, but for its cast in the style of C.
        SSL_CTX_callback_ctrl(context->first(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                              reinterpret_cast<void (*)()>(choose_by_name));
        SSL_CTX_set_tlsext_servername_arg(context->first(), context.get());
    }
    if (!o.protocol.empty())
        if (auto spoken = speak(*context, o); !spoken) return std::move(spoken).error();
    return context;
}

result<std::shared_ptr<tls_context>> make_client_tls(std::filesystem::path const& authorities)
{
    auto context = std::make_shared<tls_context>();
    ssl_ctx_ptr c{SSL_CTX_new(TLS_client_method())};
    set_common(c.get());
    SSL_CTX_set_min_proto_version(c.get(), TLS1_2_VERSION);
    SSL_CTX_set_session_cache_mode(c.get(), SSL_SESS_CACHE_OFF);
    // What doesn't verify is for the caller to judge: opportunistic TLS takes any certificate.
    SSL_CTX_set_verify(c.get(), SSL_VERIFY_NONE, nullptr);
    if (authorities.empty()) {
        SSL_CTX_set_default_verify_paths(c.get());
    } else if (SSL_CTX_load_verify_file(c.get(), authorities.c_str()) != 1) {
        ERR_clear_error();
        return failure("transport.authorities: " + quoted(authorities) +
                       " can't be read, or holds no certificate in PEM form");
    }
    // For DANE; it counts only where a connection asks for it.
    if (SSL_CTX_dane_enable(c.get()) != 1) return failure(last_tls_error());
    context->contexts.push_back(std::move(c));
    return context;
}

result<std::shared_ptr<tls_context>> make_client_tls(std::filesystem::path const& authorities,
                                                     certificate_files const& own)
{
    auto made = make_client_tls();
    if (!made) return made;
    SSL_CTX* const c = (*made)->first();
    if (!authorities.empty()) {
        std::unique_ptr<X509_STORE, x509_store_deleter> store{X509_STORE_new()};
        if (!store || X509_STORE_load_file(store.get(), authorities.c_str()) != 1) {
            ERR_clear_error();
            return failure("authorities: " + quoted(authorities) +
                           " can't be read, or holds no certificate in PEM form");
        }
        X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
        SSL_CTX_set_cert_store(c, store.release());
    }
    if (!own.chain.empty()) {
        if (auto used = use(c, own); !used) return std::move(used).error();
    }
    return made;
}

result<certificate_summary> summarize(std::filesystem::path const& chain)
{
    auto leaf = read_leaf(chain);
    if (!leaf) return std::move(leaf).error();
    certificate_summary s;
    s.names = names_of(leaf->get());
    int days = 0;
    int seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(leaf->get())) == 1) {
        s.days_left = days;
        if (days == 0 && seconds < 0) s.days_left = -1;
    }
    s.self_signed = X509_self_signed(leaf->get(), 0) == 1;
    s.not_before = to_time(X509_get0_notBefore(leaf->get()));
    s.not_after = to_time(X509_get0_notAfter(leaf->get()));
    s.serial = octets_of(X509_get0_serialNumber(leaf->get()));
    // As in DER: the first bit is a sign.
    if (!s.serial.empty() && (s.serial.front() & '\x80') != 0) s.serial.insert(0, 1, '\0');
    s.authority_key = octets_of(X509_get0_authority_key_id(leaf->get()));
    return s;
}

}  // namespace postern::net
