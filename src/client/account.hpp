// As whom, to which server and how carefully: what a person's mail program has in its settings.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "net/tls.hpp"

namespace postern::client {

enum class tls_mode : std::uint8_t {
    automatic,  // from the first octet where the port is for that, else STARTTLS where it is offered
    implicit,
    starttls,
    none
};

/// A server, and how it is spoken to.
struct route {
    std::string host;
    std::uint16_t port = 0;
    tls_mode tls = tls_mode::automatic;
    /// "mail.example.com:465"
    std::string to_string() const;
};

/// The routes of a server whose port was not said: where people send from, 465 and 587; without a
/// log-in 25, where servers meet.
std::vector<route> usual_routes(std::string const& host, tls_mode tls, bool with_login);

struct identity {
    std::string user;
    std::string authzid{};  // to act for somebody else
    secret password{};
    secret token{};
    bool certificate = false;               // ours is shown, and may prove who we are
    std::vector<std::string> mechanisms{};  // only one of these; empty: any
    /// Named among `mechanisms`.
    bool allows(std::string_view mechanism) const noexcept;
    bool wants_login() const noexcept { return !user.empty() || certificate || !mechanisms.empty(); }
};

/// One word of printable ASCII, or a domain in UTF-8: what may stand behind EHLO.
bool is_hello_name(std::string_view name) noexcept;

/// Whom the server has to convince, and what goes to one that does not.
struct trust {
    std::filesystem::path authorities{};  // PEM; empty: those of the system
    net::certificate_files own{};         // our certificate; empty: none
    bool unverified = false;              // go on with a certificate that does not verify ...
    bool password_to_unverified = false;  // ... and log in there, too
    bool password_in_clear = false;       // log in without TLS
};

struct sender_options {
    std::vector<route> routes;  // tried in this order until one answers
    identity who{};
    trust trusts{};
    std::string hello;                                                   // our name for EHLO
    steady_clock::duration patience = std::chrono::seconds{30};          // for a reply
    steady_clock::duration content_patience = std::chrono::minutes{10};  // for a piece of the content, and its end
    bool pipelining = true;
    bool chunking = false;  // BDAT where it is offered
};

}  // namespace postern::client
