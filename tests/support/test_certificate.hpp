// A certificate for a test's server, self-signed, and client settings that trust it.
#pragma once

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "net/tls.hpp"

#include "support/throw_away_folder.hpp"

namespace postern::testing {

// A server certificate for mx.b.example, which nobody trusts unless told to.
struct test_certificate {
    throw_away_folder scratch;
    std::filesystem::path folder = scratch.path();
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_server_method()), &SSL_CTX_free};

    test_certificate()
    {
        net::certificate_files const files{folder / "chain.pem", folder / "key.pem"};
        REQUIRE(net::ensure_self_signed(files, {"mx.b.example"}));
        REQUIRE(SSL_CTX_use_certificate_chain_file(context.get(), files.chain.c_str()) == 1);
        REQUIRE(SSL_CTX_use_PrivateKey_file(context.get(), files.private_key.c_str(), SSL_FILETYPE_PEM) == 1);
    }

    /// Client settings that trust it.
    std::shared_ptr<net::tls_context> trusted() const
    {
        ::setenv("SSL_CERT_FILE", (folder / "chain.pem").c_str(), 1);
        auto made = net::make_client_tls();
        ::unsetenv("SSL_CERT_FILE");
        REQUIRE(made);
        return *made;
    }
};

}  // namespace postern::testing
