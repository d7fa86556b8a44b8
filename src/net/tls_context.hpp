// What tls.hpp hides: OpenSSL contexts. Included by net/*.cpp only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>

namespace postern::net {

struct ssl_ctx_deleter {
    void operator()(SSL_CTX* c) const noexcept { SSL_CTX_free(c); }
};
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, ssl_ctx_deleter>;

struct x509_store_deleter {
    void operator()(X509_STORE* s) const noexcept { X509_STORE_free(s); }
};

class tls_context {
public:
    /// One context for each set of names; the first serves clients that name nobody we know.
    std::vector<ssl_ctx_ptr> contexts;
    /// Lower-cased names ("mail.example.com", "*.example.com") to a context.
    std::map<std::string, SSL_CTX*, std::less<>> by_name;

    /// The protocol behind TLS as ALPN writes it: its length, then its name; empty: not looked at.
    std::string protocol;
    /// Names to the certificate that proves them to a certificate authority (RFC 8737).
    std::map<std::string, SSL_CTX*, std::less<>> challenges;

    /// Who may vouch for clients; null: nobody.
    std::unique_ptr<X509_STORE, x509_store_deleter> client_authorities;

    SSL_CTX* first() const noexcept { return contexts.front().get(); }
    /// Exact name, then a wildcard for its first label; or null.
    SSL_CTX* find(std::string_view name) const;
};

/// The oldest error of OpenSSL's queue in words, which is emptied.
std::string last_tls_error();

}  // namespace postern::net
