// Where mail goes besides delivery.local and delivery.smart_host, and how to log in there,
// as the configuration has it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/secret.hpp"

namespace postern::config {

enum class tls_mode : std::uint8_t { starttls, implicit, none };

/// [[route]]: the first whose conditions all hold says where a recipient's mail goes.
struct route {
    std::vector<std::string> recipients;  // "example.com", ".example.com", "ann@example.com"; empty: all that leave
    std::vector<std::string> senders;     // "ann@example.com", "@example.com", "<>"; empty: all
    std::vector<std::string> accounts;    // "ann@example.com", "@example.com"; empty: all
    std::string to;                       // "mx", "smart_host:NAME", "smtp:HOST:PORT", "lmtp:...", "maildir:...",
                                          // "refuse", "hold"
    std::string text;                     // what a refusal says
};

/// What we prove to a smart host that we are.
struct smart_host_login {
    std::vector<std::string> senders;  // of [[smart_host.logins]]: whose mail it is for
    std::string user;                  // empty: no login, unless there is a certificate
    secret password;
    std::filesystem::path password_file;
    std::vector<std::string> mechanisms;            // empty: the strongest that works
    std::filesystem::path certificate, client_key;  // for EXTERNAL
    std::filesystem::path token_file;               // an access token that another program keeps fresh
    std::string token_url;                          // or where to get one
    std::string client_id;
    std::filesystem::path client_secret_file;
    std::filesystem::path refresh_token_file;  // empty: the client's own (grant client_credentials)
    std::string scope;

    bool wants_token() const noexcept { return !token_file.empty() || !token_url.empty(); }
    bool any() const noexcept { return !user.empty() || !certificate.empty(); }
};

/// [[smart_host]]
struct smart_host : smart_host_login {
    std::string name;
    std::string address;  // "smtp.example.com:587"
    tls_mode tls = tls_mode::starttls;
    bool plaintext = false;             // passwords without TLS, within this machine only
    std::filesystem::path authorities;  // empty: the system's
    std::uint32_t connections = 0;      // at one time, for each login; 0: as for every host
    std::uint32_t messages_per_connection = 0;
    std::uint32_t messages_per_minute = 0;
    std::uint32_t messages_per_day = 0;
    std::vector<smart_host_login> logins;  // [[smart_host.logins]]
};

}  // namespace postern::config
