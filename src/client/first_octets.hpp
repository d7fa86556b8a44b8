// Who answers where an SMTP server was expected, by the first octets that it sent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::client {

enum class service : std::uint8_t {
    unknown,  // nothing came, or not enough to tell
    smtp,     // a reply code and text
    http,
    ssh,
    imap,
    pop3,
    ftp,    // 220 or 221, and says FTP
    nntp,   // 200 or 201, news
    sieve,  // ManageSieve
    mysql,
    tls,  // a TLS record where none was expected
    binary,
    text  // readable, but nothing that we know
};

/// `octets`: what came first, a few hundred are enough.
service guess_service(std::string_view octets) noexcept;

/// "an HTTP server", "a TLS record".
std::string_view describe(service s) noexcept;

}  // namespace postern::client
