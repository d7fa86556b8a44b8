// What the person told the checker: whom to ask, with what, and how far to go. No passwords in
// here: the judge reads it, and reports are made from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/secret.hpp"

namespace postern::diagnose {

/// How a connection is encrypted, if it is.
enum class tls_way : std::uint8_t { clear, starttls, implicit };
/// "SSL/TLS", "STARTTLS", "no encryption": as mail programs call it.
std::string_view name_of(tls_way way) noexcept;

/// Where the message of the test is looked for.
enum class mailbox_kind : std::uint8_t { none, imap, pop3, maildir };

struct given {
    std::string who{};         // as it was typed
    bool web_address = false;  // as "https://..."
    std::string address{};     // the person's mail address; may be empty
    std::string host{};        // may be empty, when there is an address
    std::optional<std::uint16_t> port{};
    std::optional<tls_way> way{};
    std::string user{};  // empty: the address
    std::string mechanism{};
    std::string from{}, to{};  // for the test; empty: the address
    std::string check_code{};  // that the server knows this check by; empty: none
    bool has_password = false, has_token = false;
    bool sends = false;              // a test mail is wanted
    bool password_in_clear = false;  // --insecure-plaintext
    bool bad_certificates = false;   // --insecure-certificate
    std::string outside{};           // an address of somebody else, to see whether mail to it is taken
    std::string control{};           // a host of one's own to compare with
    mailbox_kind mailbox = mailbox_kind::none;
    std::string mailbox_place{};  // host, or a folder
    std::optional<std::uint16_t> mailbox_port{};
    bool asks_portal = false;
    bool own_authority = false;                       // --ca: certificates are the person's own affair
    bool unusual_password = false;                    // has letters outside ASCII
    std::chrono::milliseconds limit{30'000};          // for everything but the arrival
    std::chrono::milliseconds arrival_limit{60'000};  // for that

    /// Whether the person's own program would write a mail: then a refusal of it is what is looked for.
    bool writes() const noexcept { return sends || !from.empty() || !to.empty(); }
};

/// The ports and ways that are the person's own, or the usual ones.
bool is_own(given const& person, std::uint16_t port, tls_way way) noexcept;
bool is_own(given const& person, std::uint16_t port) noexcept;

/// What proves who the person is.
struct credentials {
    secret password{}, token{};
    bool any() const noexcept { return !password.empty() || !token.empty(); }
};

}  // namespace postern::diagnose
