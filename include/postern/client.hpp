// Postern's SMTP client for other programs: sends a message as a mail program does, and explains
// why one was not sent, in words for people, with what to do about it.
//
//     #include <postern/client.hpp>          find_package(postern REQUIRED)
//                                            target_link_libraries(mine postern::client)
//
// Every function blocks until it is through; each step of it has a deadline. They may be called
// from several threads at once, and start none that outlive them, but for a look-up of a name that
// the system does not answer. No exception leaves them but std::bad_alloc. No secret is in what they
// give back: not in the dialogue, not in a text. C++20; no other library's header is needed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#define POSTERN_CLIENT_API __attribute__((visibility("default")))

namespace postern::client {

/// How the connection is protected.
enum class security : std::uint8_t {
    automatic,     // TLS from the first octet where the port is for that, else STARTTLS where it is offered
    implicit_tls,  // "SSL/TLS", as on port 465
    starttls,      // as on port 587
    none
};

struct server {
    std::string host;
    std::uint16_t port = 0;  // 0: 465, then 587; without an account 25
    security protection = security::automatic;
    std::string authorities{};              // PEM file of whom to trust; empty: those of the system
    std::string certificate{}, key{};       // PEM files of ours; empty: none
    bool accept_wrong_certificate = false;  // go on with a server that can't prove itself; no password goes there
};

struct account {
    std::string user{};  // empty: no log-in
    std::string password{};
    std::string token{};                         // OAuth access token, in place of a password
    std::string acts_for{};                      // SASL authorisation identity
    std::vector<std::string> mechanisms{};       // only one of these; empty: the best that both sides know
    bool password_in_clear = false;              // dangerous: log in without encryption
    bool password_to_wrong_certificate = false;  // dangerous: log in where the server could not prove itself
};

struct attachment {
    std::string name;    // of the file, in UTF-8
    std::string type{};  // "image/png"; empty: by the name
    std::string octets;
};

/// Addresses may have a name: "Zoë <zoe@example.com>". All text is UTF-8.
struct message {
    std::string from;  // with `raw`: of the envelope
    std::vector<std::string> to{}, cc{}, bcc{};
    std::string subject{}, text{};
    std::vector<attachment> attachments{};
    std::vector<std::pair<std::string, std::string>> fields{};  // more header fields
    std::string raw{};  // a whole message in place of subject, text, attachments and fields
};

/// A line of the dialogue, secrets blanked.
struct line {
    enum class speaker : std::uint8_t { client, server, note };
    speaker who = speaker::note;
    double seconds = 0;  // since the beginning
    std::string text;    // printable
};

struct options {
    std::string hello{};                // our name for EHLO; empty: found
    std::chrono::seconds patience{30};  // for each reply
    bool pipelining = true;
    bool chunking = false;                     // BDAT where it is offered
    std::function<void(line const&)> watch{};  // is told each line as it comes
};

/// A row of Postern's catalogue of failures.
struct explanation {
    std::string id;               // "D-69", stable
    std::string rule;             // "auth-failed", stable
    std::string what;             // what happened, in plain words
    std::string remedy;           // what the person who sends can do
    std::string operator_remedy;  // what the server's operator can do
};

enum class outcome : std::uint8_t {
    sent,
    refused,   // for good
    deferred,  // later it may work
    login_failed,
    unprotected,  // TLS can't be had or trusted
    not_reached,  // no conversation with an SMTP server
    invalid       // what was given is no message, address or server: nothing was tried
};

struct recipient {
    std::string address;
    bool taken = false;
    std::string reply;  // "250 2.1.5 OK"
};

struct report {
    outcome how = outcome::invalid;
    bool sent() const noexcept { return how == outcome::sent; }
    std::string stage{};  // where it ended: "connect", "tls", "greeting", "hello", "login", "mail", ...
    std::string text{};   // one line: what the server said last, or our own words
    int code = 0;         // of its reply; 0: none
    explanation why{};    // empty where it was sent
    std::vector<recipient> recipients{};
    std::string mechanism{};                  // how it logged in; empty: not
    std::string tls_version{}, tls_cipher{};  // empty: no TLS
    bool certificate_verified = false;
    std::vector<std::string> extensions{};  // as the server named them
    std::vector<line> dialogue{};
};

/// Sends one message.
POSTERN_CLIENT_API report send(server const& to, account const& who, message const& what, options const& how = {});

/// Goes as far as one can without a message: connection, TLS, log-in.
POSTERN_CLIENT_API report try_account(server const& to, account const& who, options const& how = {});

/// What a reply means that another SMTP client got. `stage`: "greeting", "hello", "login", "mail", "rcpt", "data" or
/// "content"; `reply`: its lines as they came, "535 5.7.8 ...".
POSTERN_CLIENT_API explanation explain(std::string_view stage, std::string_view reply);

/// "0.1.0"
POSTERN_CLIENT_API char const* version() noexcept;

}  // namespace postern::client
