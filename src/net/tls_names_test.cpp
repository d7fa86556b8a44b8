// Which certificate and which protocol a client gets: in memory, both ends OpenSSL's own.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <unistd.h>

#include "net/tls.hpp"
#include "net/tls_context.hpp"

namespace postern::net {
namespace {

namespace fs = std::filesystem;

struct folder {
    fs::path path;
    folder()
    {
        std::string name = (fs::temp_directory_path() / "postern-tls-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~folder() { fs::remove_all(path); }
};

std::string content(fs::path const& file)
{
    std::ostringstream out;
    out << std::ifstream{file}.rdbuf();
    return out.str();
}

certificate_text made_for(folder const& f, std::string const& name)
{
    certificate_files const files{f.path / (name + ".crt"), f.path / (name + ".key")};
    REQUIRE(ensure_self_signed(files, {name}).has_value());
    return {content(files.chain), secret{content(files.private_key)}};
}

struct ssl_deleter {
    void operator()(SSL* s) const noexcept { SSL_free(s); }
};

struct seen {
    bool up = false;
    std::string name;      // in the certificate
    std::string protocol;  // that was agreed upon
};

seen connect_to(tls_context& context, char const* name, std::string const& offered, int version)
{
    ssl_ctx_ptr const client_context{SSL_CTX_new(TLS_client_method())};
    SSL_CTX_set_max_proto_version(client_context.get(), version);
    std::unique_ptr<SSL, ssl_deleter> const client{SSL_new(client_context.get())}, server{SSL_new(context.first())};
    BIO *client_end = nullptr, *server_end = nullptr;
    REQUIRE(BIO_new_bio_pair(&client_end, 0, &server_end, 0) == 1);
    SSL_set_bio(client.get(), client_end, client_end);
    SSL_set_bio(server.get(), server_end, server_end);
    if (name != nullptr)
        SSL_ctrl(client.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(name));
    if (!offered.empty())
        SSL_set_alpn_protos(client.get(), reinterpret_cast<unsigned char const*>(offered.data()),
                            static_cast<unsigned>(offered.size()));
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
    for (int i = 0; i < 20; ++i) {
        SSL_do_handshake(client.get());
        SSL_do_handshake(server.get());
    }
    ERR_clear_error();
    seen out;
    out.up = SSL_is_init_finished(client.get()) == 1 && SSL_is_init_finished(server.get()) == 1;
    if (!out.up) return out;
    char common[256] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(client.get())), NID_commonName, common,
                              sizeof common);
    out.name = common;
    unsigned char const* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.get(), &protocol, &size);
    out.protocol.assign(reinterpret_cast<char const*>(protocol), size);
    return out;
}

}  // namespace

TEST_CASE("Certificates that come as text are chosen by name, and a challenge by its protocol")
{
    folder const f;
    server_tls_options o;
    o.texts = {made_for(f, "mail.example.com"), made_for(f, "autoconfig.example.org")};
    o.protocol = "http/1.1";
    o.challenges = {made_for(f, "new.example.net")};
    auto const made = make_server_tls(o);
    REQUIRE(made.has_value());
    std::string const http = "\x08http/1.1", two = "\x02h2",
                      challenge =
                          "\x0a"
                          "acme-tls/1";
    struct row {
        char const* name;
        std::string offered;
        char const* certificate;  // null: refused
        std::string protocol;
    };
    row const rows[] = {
        {nullptr, "", "mail.example.com", ""},
        {"mail.example.com", "", "mail.example.com", ""},
        {"Autoconfig.Example.Org", http, "autoconfig.example.org", "http/1.1"},
        {"unknown.example", two + http, "mail.example.com", "http/1.1"},
        {"mail.example.com", two, nullptr, ""},
        {"new.example.net", challenge, "new.example.net", "acme-tls/1"},
        {"NEW.example.net", challenge, "new.example.net", "acme-tls/1"},
        {"new.example.net", http, "mail.example.com", "http/1.1"},
        {"mail.example.com", challenge, nullptr, ""},
        {nullptr, challenge, nullptr, ""},
    };
    for (int const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (auto const& r : rows) {
            CAPTURE(version);
            CAPTURE(std::string{r.name != nullptr ? r.name : ""});
            CAPTURE(r.offered);
            auto const got = connect_to(**made, r.name, r.offered, version);
            REQUIRE(got.up == (r.certificate != nullptr));
            if (!got.up) continue;
            CHECK(got.name == r.certificate);
            CHECK(got.protocol == r.protocol);
        }
    }
}

TEST_CASE("A text that is no certificate, or has another key, is refused")
{
    folder const f;
    auto const one = made_for(f, "a.example"), other = made_for(f, "b.example");
    for (auto const& bad : {certificate_text{"", one.private_key}, certificate_text{one.chain, other.private_key},
                            certificate_text{one.chain, {}}, certificate_text{"-----BEGIN", one.private_key}}) {
        server_tls_options o;
        o.texts = {bad};
        CHECK_FALSE(make_server_tls(o).has_value());
    }
}

}  // namespace postern::net
